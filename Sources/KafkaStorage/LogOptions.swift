// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

/// Settings of the whole process that concern every log.
public struct LogSettings: Equatable, Sendable {
    /// The most bytes that go to the file system in one call, and that wait to be written together. Above about 96 KiB some
    /// machines' page cache becomes ten times slower; below 16 KiB the calls do. Five batches of 16 KiB, which is what a
    /// producer has under way that nobody has configured, fit.
    public var writePieceBytes = 96 << 10
    /// How far ahead of the end of a busy segment blocks are reserved; 0 reserves none. The file's size does not
    /// show it, and rolling or closing gives back what is left.
    public var reserveAheadBytes: Int64 = 4 << 20
    /// A write to a busy segment goes on with zeros up to a multiple of so many bytes, at most 65,536, which the next ones
    /// replace; the file is then longer than the log until the segment is synced, rolled or closed, or was not appended to
    /// for a while. 0 writes none; nil does what is best for the file system.
    public var paddingBytes: Int?
    /// `producer.id.expiration.ms`.
    public var producerIDExpirationMs: Int64 = 86_400_000
    /// `log.verify.on.read`: whether every batch is checked against its checksum and its neighbours before a reader is
    /// told where it lies.
    public var verifiesReads = false
    /// The most bytes that one compressed batch may inflate to when it must be looked into.
    public var inflateLimitBytes = 256 << 20

    public init() {}
}

/// What is known about a log from outside of its directory when it is opened.
public struct LogOpenOptions: Sendable {
    /// The offset below which everything is known to be on disk, from `recovery-point-offset-checkpoint`.
    public var recoveryPoint: Int64 = 0
    /// From `log-start-offset-checkpoint`.
    public var logStartOffset: Int64 = 0
    /// From `replication-offset-checkpoint`; it is clamped to what the log holds.
    public var highWatermark: Int64 = 0
    /// From `cleaner-offset-checkpoint`: what lies below was compacted, and may have gaps; nil where it was not.
    public var cleanedUpTo: Int64?
    /// Whether the marker of a clean shutdown was found. Without it everything above the recovery point is checked.
    public var wasCleanShutdown = false
    /// Settings that are the same for all logs of a process.
    public var settings = LogSettings()
    /// Told about what is worth a line in the broker's log.
    public var observer: (any LogObserver)?
    /// Called when a recovery begins, with the bytes that it may have to look at. On the thread that opens the log.
    var willCheckBytes: (@Sendable (Int64) -> Void)?
    /// Called while a recovery goes on, with the bytes looked at since the last time.
    var checkedBytes: (@Sendable (Int64) -> Void)?
    /// Called, under no lock, when a truncation took the recovery point back. Whoever keeps it in a file must write it
    /// before this returns: a recovery that trusted the old one would pass over what is appended next. May block.
    public var recoveryPointLowered: (@Sendable () -> Void)?
    /// Called, under no lock of the log, with the directory that holds the log's own, when an operation failed in a way
    /// that says that nothing in there can be relied on any more. Must not block.
    public var directoryFailed: (@Sendable (_ directory: String, StorageError) -> Void)?

    public init() {}
}

/// Is told what happens inside of logs. Called on whatever thread it happens, under no lock of the log.
public protocol LogObserver: Sendable {
    func logEvent(_ event: LogEvent)
}

/// Something worth a line in the broker's log.
public enum LogEvent: Sendable {
    /// A segment is about to be checked from its first byte to its last.
    case recoveringSegment(path: String, bytes: Int64)
    /// Bytes at the end of a segment were not whole valid batches and were cut off.
    case truncatedTail(path: String, from: Int64, to: Int64, reason: String)
    /// Zeros behind the last batch, which a process that is killed leaves (`LogSettings.paddingBytes`), were cut off.
    case cutZeros(path: String, from: Int64, to: Int64)
    /// A file that should not be there, or cannot be used, was removed.
    case removedFile(path: String, reason: String)
    /// The indexes of a segment, by its log file's path, were not as its batches demand, and were built from them.
    case rebuiltIndexes(path: String, reason: String)
    /// A new segment was begun.
    case rolled(path: String, baseOffset: Int64)
    /// What was appended to a log was synced, which took so long.
    case flushed(path: String, nanoseconds: Int64)
    /// A segment was deleted; the log starts where it says now.
    case deletedSegment(path: String, bytes: Int64, reason: SegmentDeletionReason, logStartOffset: Int64)
    /// A segment holds a timestamp that lies ahead: it, and all behind it, are kept until its time has passed.
    case timestampInFuture(path: String, timestamp: Int64)
    /// The log went out of service.
    case offline(path: String, error: StorageError)
    /// A log has moved to another log directory.
    case moved(partition: TopicPartition, from: String, to: String)
    /// A log was compacted.
    case cleaned(path: String, CleaningStatistics)
    /// A log could not be compacted, because of what is in it, and is left alone until the next start.
    case uncleanable(path: String, error: StorageError)
    /// A log directory went out of service, and so many logs with it.
    case directoryOffline(path: String, reason: String, logs: Int)
    /// Work in the background failed and will be tried again.
    case backgroundFailure(path: String, what: String, error: StorageError)
}

/// Why a segment was deleted.
public enum SegmentDeletionReason: String, Sendable {
    /// It lies below the log's start.
    case logStart = "log start"
    /// The log is larger than `retention.bytes`.
    case size
    /// Its newest record is older than `retention.ms`.
    case time
}
