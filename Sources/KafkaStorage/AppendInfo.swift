// SPDX-License-Identifier: Apache-2.0

/// Who appends to a log as its leader: decides which checks apply.
public enum AppendOrigin: Sendable {
    /// A producer: everything is checked.
    case client
    /// A follower copies what its leader has checked.
    case replication
    /// A group or transaction coordinator of this broker: control batches are allowed.
    case coordinator
    /// The raft leader of the metadata log.
    case raftLeader
}

/// What an append did.
public struct AppendInfo: Equatable, Sendable {
    /// The first offset assigned; the log end offset where nothing was appended.
    public var firstOffset: Int64
    /// The last offset assigned; one less than `firstOffset` where nothing was appended.
    public var lastOffset: Int64
    /// The largest timestamp in the records, in milliseconds; −1 for none.
    public var maxTimestamp: Int64
    /// The time the leader stamped on the records; −1 where they keep their own.
    public var logAppendTime: Int64
    /// The log's start offset at the time.
    public var logStartOffset: Int64
    /// The epoch the records were written with.
    public var leaderEpoch: Int32
    /// Whether the very batch had been appended before: nothing was written, the offsets are those of then.
    public var isDuplicate: Bool
    /// Bytes added to the log.
    public var byteCount: Int
}

/// The place of an offset in the log's files.
public struct LogOffsetMetadata: Equatable, Sendable {
    /// The offset itself.
    public var offset: Int64
    /// The first offset of the segment that holds, or will hold, `offset`; −1 where only the offset is known.
    public var segmentBaseOffset: Int64
    /// The byte position of the batch in that segment; −1 where only the offset is known.
    public var position: Int64

    public init(offset: Int64, segmentBaseOffset: Int64 = -1, position: Int64 = -1) {
        self.offset = offset
        self.segmentBaseOffset = segmentBaseOffset
        self.position = position
    }

    /// Whether the place of the offset is not known.
    public var isOffsetOnly: Bool { segmentBaseOffset < 0 }
}
