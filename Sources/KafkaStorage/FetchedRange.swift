// SPDX-License-Identifier: Apache-2.0
public import KafkaRuntime

/// How far a reader may see.
public enum ReadIsolation: Sendable {
    /// Up to the high watermark: consumers that read uncommitted records.
    case highWatermark
    /// Up to the last stable offset: consumers that read committed records only.
    case lastStable
    /// Everything: followers, and the broker itself.
    case logEnd
}

/// Where the records of a read lie: the bytes themselves stay in the segment.
public struct FetchedRange: Sendable {
    /// The segment's log file; nil where `count` is 0. It stays readable after the log has deleted it.
    public var file: (any File)?
    /// Where the bytes begin in `file`.
    public var position: Int64
    /// Bytes from `position` on. They begin with a whole batch and may end inside of one.
    public var count: Int
    /// Where the read begins: the asked offset, with the place of the batch that holds it.
    public var start: LogOffsetMetadata
    /// Whether the first batch is larger than the bytes asked for, and so not whole.
    public var isFirstEntryIncomplete: Bool
    /// Of a read of committed records: the transactions whose records among these bytes were aborted, in the order of
    /// their markers. There may be some that have no records here.
    public var abortedTransactions: [AbortedTransaction] = []

    /// Copies the bytes into memory; empty where there are none. Blocks where they are not in the page cache.
    public func readBytes() throws(StorageError) -> [UInt8] {
        guard let file else { return [] }
        return try storing { () throws(FileError) in try file.readBytes(at: position, count: count) }
    }

    static func empty(at start: LogOffsetMetadata, firstEntryIncomplete: Bool = false) -> FetchedRange {
        FetchedRange(
            file: nil, position: 0, count: 0, start: start, isFirstEntryIncomplete: firstEntryIncomplete)
    }
}
