// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRaft
import KafkaRecords
import Testing

@Suite struct SnapshotTests {
    @Test(arguments: [
        ("00000000000000000000-0000000000.checkpoint", SnapshotID(endOffset: 0, epoch: 0)),
        ("00000000000000012345-0000000007.checkpoint", SnapshotID(endOffset: 12_345, epoch: 7)),
        ("09223372036854775807-2147483647.checkpoint", SnapshotID(endOffset: .max, epoch: .max)),
    ])
    func `a file name tells end offset and epoch`(name: String, id: SnapshotID) {
        #expect(SnapshotID(fileName: name) == id)
        #expect(id.fileName == name)
    }

    @Test(arguments: [
        "bootstrap.checkpoint", "00000000000000000000-0000000000.checkpoint.part", "00000000000000000000.checkpoint",
        "00000000000000000000-0000000000.checkpoint.deleted", "99999999999999999999-0000000000.checkpoint",
        "00000000000000000000-9999999999.checkpoint", "0000000000000000000a-0000000000.checkpoint",
        "0-0.checkpoint", "+0000000000000000000-0000000000.checkpoint", "",
    ])
    func `other files are not snapshots`(name: String) {
        #expect(SnapshotID(fileName: name) == nil)
    }

    @Test func `a snapshot gives back its records, many or none`() throws {
        for count in [0, 1, 5_000] {
            let values = (0..<count).map { index in
                [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 1 + index % 900)
            }
            let bytes = try SnapshotWriter.snapshot(of: values, epoch: 3, timestamp: 9, lastContainedTimestamp: 8)
            #expect(try SnapshotReader.values(in: bytes, id: SnapshotID(endOffset: 10, epoch: 3)) == values)
        }
    }

    @Test func `header first, footer last, offsets from zero, the snapshot's epoch`() throws {
        let bytes = try SnapshotWriter.snapshot(of: [[1], [2]], epoch: 3, timestamp: 9, lastContainedTimestamp: 8)
        try bytes.withUnsafeBytes { buffer in
            var reader = RaftBatchReader(buffer)
            var shapes: [String] = []
            while let batch = try reader.next() {
                #expect(batch.epoch == 3)
                #expect(batch.timestamp == 9)
                let types = batch.isControl ? try batch.controlRecords().map(\.type) : []
                shapes.append("\(batch.header.baseOffset)-\(batch.header.lastOffset) \(types)")
            }
            #expect(shapes == ["0-0 [3]", "1-2 []", "3-3 [4]"])
        }
    }

    @Test func `voters of the log are part of every snapshot`() throws {
        var control = QuorumControlState()
        control.observe([
            .kraftVersion(KRaftVersionRecord(version: 0, kRaftVersion: 1)),
            .voters(VotersRecord(version: 0, voters: [.init(voterID: 1)])),
        ])
        let bytes = try SnapshotWriter.snapshot(
            of: [[1]], epoch: 1, timestamp: 0, control: control, lastContainedTimestamp: 77)
        var reader = SnapshotReader(id: SnapshotID(endOffset: 5, epoch: 1))
        let read = try bytes.withUnsafeBytes { try reader.read($0) { _ in } }
        try reader.finish(unread: bytes.count - read)
        #expect(reader.lastContainedTimestamp == 77)
        #expect(reader.control.kraftVersion == .reconfigurable)
        #expect(reader.control.voterIDs == [1])
        #expect(reader.control.areVotersInLog)
    }

    @Test func `a snapshot that is cut at any length is not complete`() throws {
        let bytes = try SnapshotWriter.snapshot(of: [[1], [2]], epoch: 3, timestamp: 9, lastContainedTimestamp: 8)
        for length in 0..<bytes.count {
            #expect(throws: RaftError.self) { try SnapshotReader.values(in: Array(bytes[..<length]), id: nil) }
        }
        #expect(throws: RaftError.self) { try SnapshotReader.values(in: bytes + [0], id: nil) }
    }

    @Test func `a snapshot may be read in pieces`() throws {
        let values = (0..<40).map { [UInt8](repeating: UInt8($0), count: 50) }
        let bytes = try SnapshotWriter.snapshot(of: values, epoch: 3, timestamp: 9, lastContainedTimestamp: 8)
        var reader = SnapshotReader(id: nil)
        var found: [[UInt8]] = []
        var window: [UInt8] = []
        for byte in bytes {
            window.append(byte)
            let read = try window.withUnsafeBytes { window in
                try reader.read(window) { (value) throws(RaftError) in found.append([UInt8](value)) }
            }
            window.removeFirst(read)
        }
        try reader.finish(unread: window.count)
        #expect(found == values)
    }

    @Test func `data without a header, and batches behind the footer, are refused`() throws {
        let whole = try SnapshotWriter.snapshot(of: [], epoch: 3, timestamp: 9, lastContainedTimestamp: 8)
        let data = try RaftBatch.data([[1]], at: 0, epoch: 3, timestamp: 9).bytes
        let behind = try RaftBatch.data([[1]], at: 50, epoch: 3, timestamp: 9).bytes
        #expect(throws: RaftError.self) { try SnapshotReader.values(in: data, id: nil) }
        #expect(throws: RaftError.self) { try SnapshotReader.values(in: whole + behind, id: nil) }
    }
}
