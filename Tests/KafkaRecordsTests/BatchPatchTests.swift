// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@testable import KafkaRecords

@Suite struct BatchPatchTests {
    private func patch(_ bytes: [UInt8], _ body: (UnsafeMutableRawBufferPointer) -> Void) -> [UInt8] {
        var bytes = bytes
        bytes.withUnsafeMutableBytes(body)
        return bytes
    }

    @Test func `offsets and epoch are set without touching the checksum`() throws {
        let before = try batch(keys: ["a", "b"])
        let after = patch(before) { BatchPatch.setOffsets($0, baseOffset: 1 << 40, leaderEpoch: 9) }
        try withBatch(after) { batch in
            #expect(batch.isCRCValid)
            #expect(batch.header.partitionLeaderEpoch == 9)
        }
        #expect(before[21...] == after[21...])
        #expect(try records(of: after).map(\.offset) == [1 << 40, (1 << 40) + 1])
    }

    @Test func `an append time is set with its checksum`() throws {
        let after = patch(try batch(keys: ["a"])) {
            BatchPatch.setMaxTimestamp($0, type: .logAppendTime, maxTimestamp: 77)
        }
        #expect(try withBatch(after) { $0.isCRCValid })
        #expect(try records(of: after).map(\.timestamp) == [77])
        let back = patch(after) {
            BatchPatch.setMaxTimestamp($0, type: .createTime, maxTimestamp: GoldenBatch.timestamp)
        }
        #expect(back == (try batch(keys: ["a"])))
    }

    @Test func `the producer is set with its checksum`() throws {
        let after = patch(try batch(keys: ["a"])) { BatchPatch.setProducer($0, id: 5, epoch: 6, baseSequence: 7) }
        try withBatch(after) { batch in
            #expect(batch.isCRCValid)
            #expect(batch.header.producerID == 5)
            #expect(batch.header.producerEpoch == 6)
            #expect(batch.header.baseSequence == 7)
        }
    }

    @Test(arguments: [(0, 5, 5), (2_147_483_647, 1, 0), (2_147_483_640, 10, 2)] as [(Int32, Int32, Int32)])
    func `sequences wrap to zero`(start: Int32, count: Int32, end: Int32) {
        #expect(RecordBatchHeader.incrementSequence(start, by: count) == end)
        #expect(RecordBatchHeader.decrementSequence(end, by: count) == start)
    }

    @Test func `fewer bytes than a header stop the program`() async {
        await #expect(processExitsWith: .failure) {
            var few = [UInt8](repeating: 0, count: 60)
            few.withUnsafeMutableBytes { BatchPatch.setBaseOffset($0, 1) }
        }
    }
}
