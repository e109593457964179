// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRaft
import KafkaRecords
import Testing

@Suite struct RaftBatchTests {
    /// What a reader makes of the bytes: `control:<types>` or `data:<values>` of each batch.
    private func contents(_ bytes: [UInt8]) throws -> [String] {
        try bytes.withUnsafeBytes { buffer in
            var reader = RaftBatchReader(buffer)
            var found: [String] = []
            while let batch = try reader.next() {
                if batch.isControl {
                    found.append("control:\(try batch.controlRecords().map(\.type))")
                } else {
                    var values: [[UInt8]] = []
                    try batch.forEachValue { (value, _) throws(RaftError) in values.append([UInt8](value)) }
                    found.append("data:\(values)")
                }
            }
            return found
        }
    }

    @Test func `a data batch is a plain magic-2 batch of the raft epoch`() throws {
        let batch = try RaftBatch.data([[1, 2], [3]], at: 40, epoch: 9, timestamp: 1_000)
        #expect(batch.lastOffset == 41)
        try batch.bytes.withUnsafeBytes { bytes in
            let parsed = try RecordBatch(bytes: bytes)
            #expect(parsed.isCRCValid)
            #expect(parsed.header.baseOffset == 40)
            #expect(parsed.header.lastOffset == 41)
            #expect(parsed.header.partitionLeaderEpoch == 9)
            #expect(parsed.header.attributes.rawValue == 0)
            #expect(parsed.header.producerID == -1)
            #expect(parsed.header.baseSequence == -1)
            #expect(parsed.header.maxTimestamp == 1_000)
            var reader = try parsed.makeReader()
            while let record = try reader.next() { #expect(record.key == nil) }
        }
        #expect(try contents(batch.bytes) == ["data:[[1, 2], [3]]"])
    }

    @Test func `a leader change has the bytes that Kafka reads`() throws {
        let message = LeaderChangeMessage(
            version: 0, leaderID: 1, voters: [.init(voterID: 1)], grantingVoters: [.init(voterID: 1)])
        let record = KRaftControlRecord.leaderChange(message)
        #expect(record.key == [0, 0, 0, 2])
        #expect(
            try record.encodedValue() == [
                0, 0,  // version
                0, 0, 0, 1,  // leader
                2, 0, 0, 0, 1, 0,  // voters: count + 1, id, no tags
                2, 0, 0, 0, 1, 0,  // granting voters
                0,  // no tags
            ])
        let batch = try RaftBatch.control([record], at: 0, epoch: 1, timestamp: 5)
        try batch.bytes.withUnsafeBytes { bytes in
            let header = try RecordBatchHeader(parsing: bytes)
            #expect(header.attributes.isControl)
            #expect(!header.attributes.isTransactional)
        }
    }

    @Test func `control records of unknown types are skipped`() throws {
        var options = RecordBatchBuilder.Options()
        options.isControl = true
        var builder = RecordBatchBuilder(options)
        try builder.append(timestamp: 0, key: [0, 0, 0, 99] as [UInt8], value: [1])
        let bytes = try builder.finish()
        #expect(try contents(bytes) == ["control:[]"])
    }

    @Test(
        arguments: [
            ([0, 0], [0, 0]), ([0, 0, 0, 2], [0, 9]), ([0xFF, 0xFF, 0, 2], [0, 0]),
            ([0, 0, 0, 5], [0, 0, 0, 0, 0, 7]),
        ]
            as [([UInt8], [UInt8])])
    func `malformed control records are an error`(key: [UInt8], value: [UInt8]) throws {
        var options = RecordBatchBuilder.Options()
        options.isControl = true
        var builder = RecordBatchBuilder(options)
        try builder.append(timestamp: 0, key: key, value: value)
        let bytes = try builder.finish()
        #expect(throws: RaftError.self) { try contents(bytes) }
    }

    @Test func `a batch that is not whole is left for the next read`() throws {
        let first = try RaftBatch.data([[1]], at: 0, epoch: 1, timestamp: 0).bytes
        let second = try RaftBatch.data([[2]], at: 1, epoch: 1, timestamp: 0).bytes
        for length in 0...second.count {
            let bytes = first + second[..<length]
            try bytes.withUnsafeBytes { buffer in
                var reader = RaftBatchReader(buffer)
                _ = try reader.next()
                let isWhole = try reader.next() != nil
                #expect(isWhole == (length == second.count))
                #expect(reader.position == (isWhole ? bytes.count : first.count))
            }
        }
    }

    @Test func `one changed byte is found`() throws {
        let bytes = try RaftBatch.data([[1, 2, 3, 4]], at: 7, epoch: 1, timestamp: 0).bytes
        for index in RecordBatchHeader.magicPosition..<bytes.count {
            var damaged = bytes
            damaged[index] ^= 0x10
            #expect(throws: RaftError.self, "byte \(index)") { try contents(damaged) }
        }
    }

    @Test func `offsets that fall are an error`() throws {
        let later = try RaftBatch.data([[1]], at: 5, epoch: 1, timestamp: 0).bytes
        let earlier = try RaftBatch.data([[1]], at: 4, epoch: 1, timestamp: 0).bytes
        #expect(try contents(earlier + later).count == 2)
        #expect(throws: RaftError.self) { try contents(later + earlier) }
        #expect(throws: RaftError.self) { try contents(later + later) }
    }

    @Test func `random bytes never crash the reader`() throws {
        var generator = SeededGenerator(seed: 9)
        let good = try RaftBatch.data([[1], [2], [3]], at: 0, epoch: 1, timestamp: 0).bytes
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<(1 + generator.next() % 4) {
                bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: generator.next())
            }
            _ = try? contents(bytes)
        }
    }
}
