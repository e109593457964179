// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@testable import KafkaTools

@Suite struct ProducerSnapshotDumperTests {
    private static let name = "00000000000000000007.snapshot"

    private static let entries: [UInt8] =
        // producer, epoch, last sequence, last offset, offset delta, timestamp, coordinator epoch, first offset
        bigEndian(Int64(1000), Int16(2), Int32(1), Int64(41), Int32(3), Int64(99), Int32(-1), Int64(38))
        + bigEndian(Int64(1001), Int16(0), Int32(-1), Int64(-1), Int32(0), Int64(98), Int32(5), Int64(-1))

    private static func snapshot(version: Int16 = 1, count: Int32 = 2, entries: [UInt8] = entries) -> [UInt8] {
        let covered = bigEndian(count) + entries
        return bigEndian(version, CRC32C.checksum(covered)) + covered
    }

    private func dump(_ bytes: [UInt8], _ form: DumpOptions.Form = .current) throws -> DumpRun {
        try DumpRun(Self.name, of: [Self.name: bytes]) { $0.form = form }
    }

    @Test func `the current form`() throws {
        let run = try dump(Self.snapshot())
        #expect(
            run.output == [
                "Dumping /d/00000000000000000007.snapshot",
                "producerId: 1000 producerEpoch: 2 coordinatorEpoch: -1 currentTxnFirstOffset: OptionalLong[38]"
                    + " lastTimestamp: 99 firstSequence: 2147483646 lastSequence: 1 lastOffset: 41 offsetDelta: 3"
                    + " timestamp: 99",
                "producerId: 1001 producerEpoch: 0 coordinatorEpoch: 5 currentTxnFirstOffset: OptionalLong.empty"
                    + " lastTimestamp: 98",
            ])
        #expect(run.isSound)
    }

    @Test func `the form of 2.4`() throws {
        #expect(
            try dump(Self.snapshot(), .v2_4).output.dropFirst() == [
                "producerId: 1000 producerEpoch: 2 coordinatorEpoch: -1 currentTxnFirstOffset: Some(38)"
                    + " firstSequence: 2147483646 lastSequence: 1 lastOffset: 41 offsetDelta: 3 timestamp: 99",
                "producerId: 1001 producerEpoch: 0 coordinatorEpoch: 5 currentTxnFirstOffset: None ",
            ])
    }

    @Test func `damaged snapshots are told and nothing of them printed`() throws {
        let whole = Self.snapshot()
        for length in 0..<whole.count {
            let run = try dump(Array(whole[..<length]))
            #expect(run.output.count == 1)
            #expect(run.errors.count == 1)
            #expect(!run.isSound)
        }
        #expect(try dump(Self.snapshot(version: 2)).errors == ["/d/\(Self.name): the snapshot has version 2, not 1"])
        #expect(try !dump(Self.snapshot(count: 3)).isSound)
        #expect(try !dump(Self.snapshot(count: -1)).isSound)
    }
}
