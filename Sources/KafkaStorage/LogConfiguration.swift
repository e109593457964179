// SPDX-License-Identifier: Apache-2.0
public import KafkaRecords

/// The settings of one topic that concern its logs. Defaults are Kafka's.
///
/// Each property is the topic-level key of the same words: `segmentBytes` is `segment.bytes`. Times are milliseconds.
public struct LogConfiguration: Equatable, Sendable {
    /// What happens to old segments; empty keeps everything until records are deleted by request.
    public struct CleanupPolicy: OptionSet, Sendable {
        public let rawValue: UInt8

        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Whole segments go by age and size.
        public static let delete = CleanupPolicy(rawValue: 1)
        /// Only the last record of each key is kept.
        public static let compact = CleanupPolicy(rawValue: 2)
    }

    /// The codec batches are stored with.
    public enum Compression: Equatable, Sendable {
        /// As the producer sent them.
        case producer
        /// Always this one; other batches are recompressed. `none` is the configuration's `uncompressed`.
        case codec(CompressionType)
    }

    /// A segment takes no more than this; at least 14 bytes.
    public var segmentBytes: Int32 = 1 << 30
    /// A segment takes no records this long after its first one.
    public var segmentMs: Int64 = 604_800_000
    /// At most this much is taken off `segmentMs`, at random, so that not all segments roll at once.
    public var segmentJitterMs: Int64 = 0
    /// The size of each index file of the segment that is written.
    public var segmentIndexBytes: Int32 = 10 << 20
    /// An index entry is added after this many bytes of log.
    public var indexIntervalBytes: Int32 = 4096
    /// Records after which the log is synced.
    public var flushMessages: Int64 = .max
    /// Time after which the log is synced.
    public var flushMs: Int64 = .max
    /// The size the log is kept under; −1 is no limit.
    public var retentionBytes: Int64 = -1
    /// The age records are deleted at; −1 is never.
    public var retentionMs: Int64 = 604_800_000
    /// The largest batch a client may produce, in bytes with its header.
    public var maxMessageBytes: Int32 = 1_048_588
    /// How long tombstones and transaction markers stay readable in a compacted log.
    public var deleteRetentionMs: Int64 = 86_400_000
    /// Records younger than this are not compacted.
    public var minCompactionLagMs: Int64 = 0
    /// Records older than this are compacted, however few they are.
    public var maxCompactionLagMs: Int64 = .max
    /// How long files stay after they were deleted.
    public var fileDeleteDelayMs: Int64 = 60_000
    /// The share of a log, 0 to 1, that must be uncleaned before it is cleaned.
    public var minCleanableDirtyRatio: Double = 0.5
    /// What happens to old segments.
    public var cleanupPolicy: CleanupPolicy = .delete
    /// The codec that batches are stored with.
    public var compression: Compression = .producer
    /// −1 is the library's default, otherwise 1–9.
    public var gzipLevel: Int32 = -1
    /// 1–17.
    public var lz4Level: Int32 = 9
    /// −131072–22.
    public var zstdLevel: Int32 = 3
    /// Whether a segment's log file is made at its full size.
    public var preallocate = false
    /// Whether records carry the producer's time or the time of the append.
    public var messageTimestampType: TimestampType = .createTime
    /// How far before now a record's timestamp may be.
    public var messageTimestampBeforeMaxMs: Int64 = .max
    /// How far after now a record's timestamp may be.
    public var messageTimestampAfterMaxMs: Int64 = 3_600_000

    public init() {}

    /// The level to compress with for `type`; nil where the codec has none.
    func level(for type: CompressionType) -> Int32? {
        switch type {
        case .none, .snappy: nil
        case .gzip: gzipLevel
        case .lz4: lz4Level
        case .zstd: zstdLevel
        }
    }

    /// `segmentMs`, or for compacted topics `maxCompactionLagMs` where that is shorter, so that the cleaner, which
    /// never touches the segment that is written, meets its deadline.
    var effectiveSegmentMs: Int64 {
        cleanupPolicy.contains(.compact) ? min(segmentMs, maxCompactionLagMs) : segmentMs
    }
}
