// SPDX-License-Identifier: Apache-2.0
private import KafkaProtocol
private import KafkaRecords

/// Reads a snapshot file piece by piece and checks its frame: header first, footer last, nothing behind it.
package struct SnapshotReader: Sendable {
    /// From the header; 0 before it was read.
    package private(set) var lastContainedTimestamp: Int64 = 0
    /// The control records about the quorum.
    package private(set) var control = QuorumControlState()
    private let origin: QuorumControlState.Origin
    private var hasHeader = false
    private var isComplete = false

    /// - Parameter id: nil for `bootstrap.checkpoint`, which has no place in the log.
    package init(id: SnapshotID?) { origin = .snapshot(id ?? .bootstrap) }

    /// Reads the whole batches at the front of `bytes`, the next part of the file, and returns how many bytes they were:
    /// the rest belongs before the next part. `body` gets each record's value.
    package mutating func read(
        _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(RaftError) -> Void
    ) throws(RaftError) -> Int {
        var reader = RaftBatchReader(bytes)
        while let batch = try reader.next() {
            guard !isComplete else {
                throw .corruptLog(offset: batch.header.baseOffset, reason: "the snapshot goes on after its footer")
            }
            if batch.isControl {
                try take(try batch.controlRecords(), at: batch.header.baseOffset)
            } else {
                guard hasHeader else { throw .corruptLog(offset: 0, reason: "the snapshot has no header") }
                try batch.forEachValue { (value, _) throws(RaftError) in try body(value) }
            }
        }
        return reader.position
    }

    /// The end of the file. Throws when the footer was not there or bytes are left over.
    package func finish(unread: Int) throws(RaftError) {
        guard isComplete, unread == 0 else {
            throw .corruptLog(offset: 0, reason: "the snapshot is not complete")
        }
    }

    private mutating func take(_ records: [KRaftControlRecord], at offset: Int64) throws(RaftError) {
        for record in records {
            switch record {
            case .snapshotHeader(let header):
                guard !hasHeader else {
                    throw .corruptLog(offset: offset, reason: "the snapshot has a second header")
                }
                hasHeader = true
                lastContainedTimestamp = header.lastContainedLogTimestamp
            case .snapshotFooter: isComplete = hasHeader
            case .kraftVersion, .voters: break
            case .leaderChange:
                throw .corruptLog(offset: offset, reason: "a leader change does not belong into a snapshot")
            }
        }
        control.observe(records, from: origin)
    }

    /// Reads a whole snapshot that lies in memory, and returns its records' values.
    package static func values(in bytes: [UInt8], id: SnapshotID?) throws(RaftError) -> [[UInt8]] {
        var reader = SnapshotReader(id: id)
        var values: [[UInt8]] = []
        var failure: RaftError?
        bytes.withUnsafeBytes { bytes in
            do throws(RaftError) {
                let read = try reader.read(bytes) { (value) throws(RaftError) in values.append([UInt8](value)) }
                try reader.finish(unread: bytes.count - read)
            } catch { failure = error }
        }
        if let failure { throw failure }
        return values
    }
}
