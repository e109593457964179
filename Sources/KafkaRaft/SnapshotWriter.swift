// SPDX-License-Identifier: Apache-2.0
private import KafkaProtocol

/// Turns the records of a state into the bytes of a snapshot file (KIP-630).
///
/// The file is a sequence of batches whose offsets start at 0: a control batch with the header (and the voters where the
/// log holds them), data batches, a control batch with the footer. The footer is what makes a file complete. Each call
/// returns the next piece of the file; the caller writes them one after the other to a `.part` file, syncs and renames it.
package struct SnapshotWriter: Sendable {
    package static let batchBytes = 1 << 20

    private let epoch: Int32
    private let timestamp: Int64
    private let control: QuorumControlState
    private let lastContainedTimestamp: Int64
    private var nextOffset: Int64 = 0
    private var pending: [[UInt8]] = []
    private var pendingBytes = 0

    /// - Parameters:
    ///   - epoch: that of the snapshot's id; it becomes the epoch of every batch.
    ///   - timestamp: now, in milliseconds since 1970.
    ///   - lastContainedTimestamp: the append time of the last record that the snapshot replaces; 0 where there is none.
    package init(
        epoch: Int32, timestamp: Int64, control: QuorumControlState = QuorumControlState(),
        lastContainedTimestamp: Int64
    ) {
        self.epoch = epoch
        self.timestamp = timestamp
        self.control = control
        self.lastContainedTimestamp = lastContainedTimestamp
    }

    /// The first piece of the file.
    package mutating func start() throws(RaftError) -> [UInt8] {
        precondition(nextOffset == 0, "a snapshot starts once")
        return take(
            try .control(
                control.recordsAtSnapshotStart(lastContainedTimestamp: lastContainedTimestamp), at: 0, epoch: epoch,
                timestamp: timestamp))
    }

    /// Adds an encoded record. Returns the next piece of the file when enough has come together.
    package mutating func add(_ value: [UInt8]) throws(RaftError) -> [UInt8]? {
        precondition(nextOffset > 0, "start comes first")
        pending.append(value)
        pendingBytes += value.count
        return pendingBytes >= Self.batchBytes ? try flush() : nil
    }

    /// The last piece of the file.
    package mutating func finish() throws(RaftError) -> [UInt8] {
        let data = pending.isEmpty ? [] : try flush()
        let footer = KRaftControlRecord.snapshotFooter(SnapshotFooterRecord(version: 0))
        return data + take(try .control([footer], at: nextOffset, epoch: epoch, timestamp: timestamp))
    }

    private mutating func flush() throws(RaftError) -> [UInt8] {
        let batch = try RaftBatch.data(pending[...], at: nextOffset, epoch: epoch, timestamp: timestamp)
        pending.removeAll(keepingCapacity: true)
        pendingBytes = 0
        return take(batch)
    }

    private mutating func take(_ batch: RaftBatch) -> [UInt8] {
        nextOffset = batch.lastOffset + 1
        return batch.bytes
    }

    /// A whole snapshot in memory, for those of a few records such as `bootstrap.checkpoint`.
    package static func snapshot(
        of values: [[UInt8]], epoch: Int32, timestamp: Int64, control: QuorumControlState = QuorumControlState(),
        lastContainedTimestamp: Int64
    ) throws(RaftError) -> [UInt8] {
        var writer = SnapshotWriter(
            epoch: epoch, timestamp: timestamp, control: control, lastContainedTimestamp: lastContainedTimestamp)
        var bytes = try writer.start()
        for value in values {
            if let piece = try writer.add(value) { bytes += piece }
        }
        return bytes + (try writer.finish())
    }
}
