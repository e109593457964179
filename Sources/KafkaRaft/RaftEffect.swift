// SPDX-License-Identifier: Apache-2.0

/// What the owner of a `RaftNode` has to do after an input, in the order in which the effects stand.
///
/// The owner performs each effect before the next one, except where a case says that it may finish later.
package enum RaftEffect: Equatable, Sendable {
    /// Replace `quorum-state`. It must be durable before any effect after it is begun: an epoch that was used and
    /// forgotten could be used again for other records.
    case persistQuorumState(QuorumState, kraftVersion: KRaftVersion)
    /// Drop every batch of the log and let it start and end at this offset: it ended before the snapshot that is
    /// the base of the state.
    case resetLog(startOffset: Int64)
    /// Write the batch at the end of the log. Its offsets and epoch are final. Appends are performed in order; one
    /// that fails must be reported with `storageFailed`, and nothing after it may be performed.
    case append(RaftBatch)
    /// Make the log durable up to, and not including, this offset, then report `flushed(upTo:)`. May finish later and
    /// on another queue; a newer flush covers an older one that was not begun.
    case flush(upTo: Int64)
    /// Everything below this offset is final: replay it and answer those who wait for it.
    case committed(upTo: Int64)
    /// This node leads `epoch`, and everything from earlier epochs is committed by the effect before this one: the
    /// controller may start deciding once it has replayed that.
    case becameLeader(epoch: Int32)
    /// The controller must stop deciding and fail what is not committed.
    case lostLeadership(epoch: Int32)
    /// Write a snapshot of the state at its end offset, then report `snapshotWritten` or `snapshotFailed`. May finish
    /// later and on another queue.
    case takeSnapshot(SnapshotID, lastContainedTimestamp: Int64)
    /// Raise the log's start: a snapshot holds what is below. Must be done before the snapshots of the effect after
    /// it are deleted.
    case advanceLogStart(to: Int64)
    /// Delete these snapshots. May finish later.
    case deleteSnapshots([SnapshotID])
}

/// One record batch that a leader made.
package struct RaftBatch: Equatable, Sendable {
    /// The encoded batch.
    package let bytes: [UInt8]
    package let baseOffset: Int64
    package let lastOffset: Int64
    package let epoch: Int32

    package init(bytes: [UInt8], baseOffset: Int64, lastOffset: Int64, epoch: Int32) {
        self.bytes = bytes
        self.baseOffset = baseOffset
        self.lastOffset = lastOffset
        self.epoch = epoch
    }
}
