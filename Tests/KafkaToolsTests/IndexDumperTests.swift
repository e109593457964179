// SPDX-License-Identifier: Apache-2.0
import KafkaRecords
import Testing

@testable import KafkaTools

@Suite struct IndexDumperTests {
    private static let base = "00000000000000000010"
    private static let index = "\(base).index"
    private static let times = "\(base).timeindex"

    /// Three batches of two records each from offset 10 on, and an index and a time index of the last two.
    private struct Segment {
        var files: [String: [UInt8]]
        let positions: [Int]

        init() throws {
            var log: [UInt8] = []
            var positions: [Int] = []
            for number in 0..<3 {
                positions.append(log.count)
                var options = RecordBatchBuilder.Options()
                options.baseOffset = 10 + Int64(number) * 2
                var builder = RecordBatchBuilder(options)
                for delta in 0..<2 {
                    try builder.append(
                        timestamp: Int64(100 * number + delta), key: nil, value: [UInt8](repeating: 1, count: 90))
                }
                log += try builder.finish()
            }
            self.positions = positions
            files = [
                "\(base).log": log,
                index: bigEndian(Int32(3), Int32(positions[1]), Int32(5), Int32(positions[2])),
                times: bigEndian(Int64(101), Int32(3), Int64(201), Int32(5)),
            ]
        }
    }

    @Test func `entries are printed with absolute offsets`() throws {
        let segment = try Segment()
        let run = try DumpRun(Self.index, of: segment.files)
        #expect(
            run.output == [
                "Dumping /d/00000000000000000010.index", "offset: 13 position: \(segment.positions[1])",
                "offset: 15 position: \(segment.positions[2])",
            ])
        #expect(run.errors.isEmpty)
    }

    @Test func `the zero tail of a preallocated index is not printed`() throws {
        var segment = try Segment()
        segment.files[Self.index]? += [UInt8](repeating: 0, count: 100_000)
        segment.files[Self.times]? += [UInt8](repeating: 0, count: 120_000)
        #expect(try DumpRun(Self.index, of: segment.files).output.count == 3)
        #expect(try DumpRun(Self.times, of: segment.files).output.count == 3)
    }

    @Test func `an index without entries is empty`() throws {
        var segment = try Segment()
        for zeros in [0, 8 * 1000] {
            segment.files[Self.index] = [UInt8](repeating: 0, count: zeros)
            let run = try DumpRun(Self.index, of: segment.files)
            #expect(run.output.dropFirst() == ["/d/00000000000000000010.index is empty."])
            let old = try DumpRun(Self.index, of: segment.files) { $0.form = .v2_4 }
            #expect(old.output.count == 1)
        }
    }

    @Test func `entries that do not match the log are told at the end`() throws {
        var segment = try Segment()
        segment.files[Self.index] = bigEndian(Int32(2), Int32(segment.positions[1]), Int32(5), Int32(1))
        let run = try DumpRun(Self.index, of: segment.files)
        #expect(run.output.count == 3)
        #expect(
            run.errors == [
                "Mismatches in :/d/00000000000000000010.index", "  Index offset: 15, log offset: -1",
                "  Index offset: 12, log offset: 13",
            ])
        #expect(run.isSound)
    }

    @Test func `a batch over the maximum size is not found`() throws {
        let segment = try Segment()
        let run = try DumpRun(Self.index, of: segment.files) { $0.maxMessageSize = 100 }
        #expect(run.errors.count == 3)
    }

    @Test func `verifying alone prints no entries`() throws {
        let segment = try Segment()
        #expect(try DumpRun(Self.index, of: segment.files) { $0.verifiesIndexOnly = true }.output.count == 1)
        #expect(try DumpRun(Self.times, of: segment.files) { $0.verifiesIndexOnly = true }.output.count == 1)
    }

    @Test func `the sanity check looks at size and last entry`() throws {
        var segment = try Segment()
        func check(_ name: String) throws -> DumpRun {
            try DumpRun(name, of: segment.files) { $0.checksIndexSanityOnly = true }
        }
        #expect(try check(Self.index).output.last == "/d/00000000000000000010.index passed sanity check.")
        #expect(try check(Self.times).output.last == "/d/00000000000000000010.timeindex passed sanity check.")
        segment.files[Self.index] = bigEndian(Int32(-1), Int32(0))
        segment.files[Self.times] = bigEndian(Int64(5), Int32(1), Int64(4), Int32(2))
        #expect(try !check(Self.index).isSound)
        #expect(try !check(Self.times).isSound)
        segment.files[Self.index] = [1, 2, 3]
        segment.files[Self.times] = [1, 2, 3]
        #expect(try check(Self.index).errors == ["/d/00000000000000000010.index: the size 3 is not a multiple of 8"])
        #expect(
            try check(Self.times).errors == ["/d/00000000000000000010.timeindex: the size 3 is not a multiple of 12"])
    }

    @Test func `an index without its log is printed and not checked`() throws {
        var segment = try Segment()
        segment.files["\(Self.base).log"] = nil
        let run = try DumpRun(Self.index, of: segment.files)
        #expect(run.output.count == 3)
        #expect(!run.isSound)
        #expect(run.errors.count == 1)
    }

    @Test func `timestamps are printed with absolute offsets`() throws {
        let run = try DumpRun(Self.times, of: try Segment().files)
        #expect(
            run.output == [
                "Dumping /d/00000000000000000010.timeindex", "timestamp: 101 offset: 13", "timestamp: 201 offset: 15",
            ])
        #expect(run.errors.isEmpty)
        #expect(run.isSound)
    }

    @Test func `wrong timestamps are told at the end`() throws {
        var segment = try Segment()
        segment.files[Self.times] = bigEndian(
            Int64(300), Int32(3), Int64(201), Int32(5), Int64(400), Int32(4), Int64(500), Int32(99))
        let run = try DumpRun(Self.times, of: segment.files)
        #expect(
            run.errors == [
                "Found timestamp mismatch in :/d/00000000000000000010.timeindex",
                "  Index timestamp: 300, log timestamp: 101",
                "Found out of order timestamp in :/d/00000000000000000010.timeindex",
                "  Index timestamp: 201, Previously indexed timestamp: 300",
                "The following indexed offsets are not found in :/d/00000000000000000010.timeindex",
                "Indexed offset: 14, found log offset: 15", "Indexed offset: 109, found log offset: -1",
            ])
        let old = try DumpRun(Self.times, of: segment.files) { $0.form = .v2_4 }
        #expect(old.errors.contains("The following indexed offsets are not found in the log."))
    }

    @Test func `aborted transactions`() throws {
        let entry = bigEndian(Int16(0), Int64(1), Int64(2), Int64(3), Int64(4))
        let name = "\(Self.base).txnindex"
        let run = try DumpRun(name, of: [name: entry + entry])
        let line = "version: 0 producerId: 1 firstOffset: 2 lastOffset: 3 lastStableOffset: 4"
        #expect(run.output.dropFirst() == [line, line])
        #expect(try !DumpRun(name, of: [name: entry + [0]]).isSound)
        #expect(try !DumpRun(name, of: [name: bigEndian(Int16(9)) + entry.dropFirst(2)]).isSound)
    }
}
