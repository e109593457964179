// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Synchronization
import Testing

@testable import KafkaStorage

/// What a cleaning keeps and what it drops, rule by rule.
@Suite struct CompactionTests {
    private static let day: Int64 = 86_400_000

    private func open(_ world: TestWorld, segmentBytes: Int32 = 900) throws -> UnifiedLog {
        var configuration = Compaction.configuration
        configuration.segmentBytes = segmentBytes
        return try world.open("/data/t-0", configuration)
    }

    @Test func `the last record of every key stays where it was`() throws {
        let log = try open(TestWorld())
        try log.append(Compaction.batch(["a=1", "b=1", "c=1"]))
        try log.append(Compaction.batch(["a=2", "d=1"]))
        try log.rollForCleaning()
        try log.append(Compaction.batch(["c=2"]))
        try log.append(Compaction.batch(["e=1"]))
        try log.rollForCleaning()
        // The segment that is written is not looked at.
        try log.append(Compaction.batch(["a=3"]))
        let done = try #require(try log.cleanNow())
        #expect(try log.keyed() == ["1:b=1", "3:a=2", "4:d=1", "5:c=2", "6:e=1", "7:a=3"])
        #expect(done.firstDirtyOffset == 0 && done.endOffset == 7)
        #expect(done.recordsRead == 7 && done.recordsRetained == 5 && done.keys == 5)
        #expect(done.segmentsBefore == 2 && done.segmentsAfter == 1)
        #expect(log.cleanedUpTo == 7)
        #expect(log.segmentCount == 2)
        #expect(log.logEndOffset == 8 && log.logStartOffset == 0)
        // Of what is left, everything can be found by its offset.
        #expect(try log.records(from: 2).first == "3=2")
        #expect(try log.records(from: 5).first == "5=2")
    }

    @Test func `batches of which everything stays are copied byte for byte`() throws {
        let log = try open(TestWorld())
        for compression in CompressionType.allCases {
            try log.append(Compaction.batch(["\(compression)=1", "\(compression).=2"], compression: compression))
        }
        try log.append(Compaction.batch(["gone=1", "stays=1"]))
        try log.append(Compaction.batch(["gone=2"]))
        try log.rollForCleaning()
        let before = try log.entries().map(\.bytes)
        try log.cleanNow()
        let after = try log.entries().map(\.bytes)
        #expect(after.count == before.count)
        for index in before.indices {
            #expect((after[index] == before[index]) == (index != before.count - 2), "batch \(index)")
        }
    }

    @Test(arguments: CompressionType.allCases)
    func `a batch that is made anew keeps what it said of itself`(compression: CompressionType) throws {
        let log = try open(TestWorld())
        try log.append(
            Compaction.batch(
                ["a=1", "b=1", "c=1", "a=2", "z=1"], compression: compression, producer: (7, 3, 40)), epoch: 5)
        try log.append(Compaction.batch(["z=2"]))
        try log.rollForCleaning()
        let before = try log.headers()[0]
        try log.cleanNow()
        #expect(try log.keyed() == ["1:b=1", "2:c=1", "3:a=2", "5:z=2"])
        let after = try log.headers()[0]
        #expect(after.baseOffset == before.baseOffset && after.lastOffset == before.lastOffset)
        #expect(after.attributes == before.attributes && after.attributes.compression == compression)
        #expect(after.producerID == 7 && after.producerEpoch == 3 && after.baseSequence == 40)
        #expect(after.partitionLeaderEpoch == 5)
        #expect(after.recordsCount == 3)
        #expect(after.baseTimestamp == TestBatches.time + 1)
        #expect(after.maxTimestamp == TestBatches.time + 3)
    }

    @Test func `append time and headers survive`() throws {
        let world = TestWorld()
        var configuration = Compaction.configuration
        configuration.messageTimestampType = .logAppendTime
        let log = try world.open("/data/t-0", configuration)
        try log.append(Compaction.batch(["a=1", "b=1"]), now: TestBatches.time + 500)
        try log.append(Compaction.batch(["a=2"]), now: TestBatches.time + 600)
        try log.rollForCleaning()
        try log.cleanNow()
        let header = try log.headers()[0]
        #expect(header.attributes.timestampType == .logAppendTime)
        #expect(header.maxTimestamp == TestBatches.time + 500)
        try log.entries()[0].bytes.withUnsafeBytes { bytes in
            try RecordBatch(bytes: bytes).forEachRecord { record in
                #expect(record.timestamp == TestBatches.time + 500)
                #expect(record.headers.map(\.key) == ["h"])
            }
        }
    }

    @Test func `records without a key are dropped`() throws {
        let world = TestWorld()
        var configuration = Compaction.configuration
        configuration.cleanupPolicy = .delete
        let log = try world.open("/data/t-0", configuration)
        try log.append(Compaction.batch(["=lost", "a=1"]))
        try log.append(Compaction.batch(["=lost"]))
        try log.append(Compaction.batch(["b=1"]))
        try log.rollForCleaning()
        log.update(Compaction.configuration)
        let done = try log.cleanNow()
        #expect(try log.keyed() == ["1:a=1", "3:b=1"])
        #expect(done?.recordsWithoutKey == 2)
    }

    @Test func `a deletion stays until its horizon has passed`() throws {
        let log = try open(TestWorld())
        let time = TestBatches.time
        try log.append(Compaction.batch(["a=1", "b=1"]))
        try log.append(Compaction.batch(["a", "c=1"]))
        try log.append(Compaction.batch(["end=1"]))
        try log.rollForCleaning()
        try log.cleanNow(now: time)
        #expect(try log.keyed() == ["1:b=1", "2:a", "3:c=1", "4:end=1"])
        let header = try log.headers()[1]
        #expect(header.deleteHorizon == time + 1000)
        #expect(header.maxTimestamp == time + 1)
        // Timestamps count from the horizon now, and come out as before.
        try log.entries()[1].bytes.withUnsafeBytes { bytes in
            var times: [Int64] = []
            try RecordBatch(bytes: bytes).forEachRecord { times.append($0.timestamp) }
            #expect(times == [time, time + 1])
        }
        func again(_ now: Int64) throws -> [String] {
            try log.append(Compaction.batch(["x=\(now)"]))
            try log.rollForCleaning()
            try log.cleanNow(now: now)
            return try log.keyed().filter { !$0.contains("x=") }
        }
        let horizonSet = try log.entries()[1].bytes
        #expect(try again(time + 999) == ["1:b=1", "2:a", "3:c=1", "4:end=1"])
        #expect(try log.entries()[1].bytes == horizonSet)
        #expect(try again(time + 1000) == ["1:b=1", "3:c=1", "4:end=1"])
        // What is left of the batch keeps the mark.
        #expect(try log.headers()[1].deleteHorizon == time + 1000)
    }

    @Test func `the last batch below the end stays though nothing in it does`() throws {
        let log = try open(TestWorld())
        try log.append(Compaction.batch(["a=1"]))
        try log.append(Compaction.batch(["gone"]))
        try log.rollForCleaning()
        try log.cleanNow(now: TestBatches.time)
        try log.append(Compaction.batch(["b=1"]))
        try log.rollForCleaning()
        try log.cleanNow(now: TestBatches.time + 5000)
        #expect(try log.keyed() == ["0:a=1", "2:b=1"])
        // "b" is replaced by a deletion at the very end, whose horizon has passed.
        var header = try #require(try log.headers().last)
        #expect(header.baseOffset == 2)
        try log.append(Compaction.batch(["b"], timestamp: TestBatches.time + 7))
        try log.rollForCleaning()
        try log.cleanNow(now: TestBatches.time)
        log.state.withLock { $0.cleanedUpTo = nil }
        try log.cleanNow(now: TestBatches.time + 5000)
        #expect(try log.keyed() == ["0:a=1"])
        header = try #require(try log.headers().last)
        #expect(header.baseOffset == 3 && header.lastOffset == 3 && header.recordsCount == 0)
        #expect(header.baseTimestamp == -1 && header.maxTimestamp == TestBatches.time + 7)
        #expect(header.attributes.rawValue == 0 && header.sizeInBytes == 61)
    }

    // MARK: Producers

    @Test func `the last batch of a producer stays empty and the next start knows its sequence`() throws {
        let world = TestWorld()
        let log = try open(world)
        try log.append(Compaction.batch(["a=1", "b=1"], producer: (1, 2, 0)))
        try log.append(Compaction.batch(["a=2", "b=2"], compression: .gzip, producer: (1, 2, 2)))
        try log.append(Compaction.batch(["a=3", "b=3"], producer: (2, 0, 0)))
        try log.append(Compaction.batch(["x=1"]))
        try log.rollForCleaning()
        try log.cleanNow()
        #expect(try log.keyed() == ["4:a=3", "5:b=3", "6:x=1"])
        let empty = try log.headers()[0]
        #expect(empty.baseOffset == 2 && empty.lastOffset == 3 && empty.recordsCount == 0)
        #expect(empty.producerID == 1 && empty.producerEpoch == 2 && empty.lastSequence == 3)
        #expect(empty.attributes.rawValue == 0)
        // Without its snapshots the log says the same of its producers.
        world.run()
        for name in try world.files.list("/data/t-0") where name.hasSuffix(".snapshot") {
            try world.files.remove("/data/t-0/\(name)")
        }
        world.crash(.everything)
        let again = try open(world)
        #expect(again.activeProducers().map(\.lastSequence) == [3, 1])
        #expect(again.activeProducers().map(\.epoch) == [2, 0])
        let duplicate = try again.append(Compaction.batch(["a=2", "b=2"], producer: (1, 2, 2)))
        #expect(duplicate.firstOffset == 2 && again.logEndOffset == 7)
        #expect(try again.append(Compaction.batch(["a=4"], producer: (1, 2, 4))).firstOffset == 7)
        // Now the empty batch is the last of nobody.
        try again.rollForCleaning()
        try again.cleanNow()
        #expect(try again.headers().map(\.baseOffset) == [4, 6, 7])
    }

    // MARK: Transactions

    private func values(_ log: UnifiedLog) throws -> [String] { try log.keyed() }

    @Test func `records of aborted transactions go and their markers follow`() throws {
        let world = TestWorld()
        let log = try open(world, segmentBytes: 4000)
        func data(_ records: [String], _ producer: Int64, _ sequence: Int32) throws {
            try log.append(Compaction.batch(records, producer: (producer, 0, sequence), isTransactional: true))
        }
        let transactions = TestTransactions()
        try data(["a=kept"], 1, 0)
        try transactions.end(.commit, by: 1, in: log)
        try data(["a=aborted"], 1, 1)
        try data(["b=kept"], 2, 0)
        try transactions.end(.abort, by: 1, in: log)
        try transactions.end(.commit, by: 2, in: log)
        try log.append(Compaction.batch(["z=1"]))
        try log.rollForCleaning()
        try log.cleanNow(now: TestBatches.time)
        // The last data of producer 1 stays as an empty batch, which keeps the marker, and its entry in the index.
        let kept = ["0:a=kept", "1:!commit", "3:b=kept", "4:!abort", "5:!commit", "6:z=1"]
        #expect(try log.keyed() == kept)
        #expect(try log.headers()[2].recordsCount == 0)
        let aborted = AbortedTransaction(producerID: 1, firstOffset: 2, lastOffset: 4, lastStableOffset: 3)
        #expect(try log.abortedTransactions(from: 0, upTo: 7) == [aborted])
        #expect(try log.committedValues() == ["kept", "kept", "1"])

        // Producer 1 writes again: nothing of the aborted transaction is left, and the marker gets its horizon.
        try data(["c=1"], 1, 2)
        try transactions.end(.commit, by: 1, in: log)
        try log.rollForCleaning()
        try log.cleanNow(now: TestBatches.time + 1)
        #expect(try log.headers().map(\.baseOffset) == [0, 1, 3, 4, 5, 6, 7, 8])
        try log.append(Compaction.batch(["z=2"]))
        try log.rollForCleaning()
        try log.cleanNow(now: TestBatches.time + 2)
        let marker = try #require(try log.headers().first { $0.baseOffset == 4 })
        #expect(marker.deleteHorizon == TestBatches.time + 2 + 1000)
        #expect(marker.attributes.isControl && marker.attributes.isTransactional && marker.recordsCount == 1)
        #expect(try log.abortedTransactions(from: 0, upTo: 10) == [])
        #expect(try log.committedValues() == ["kept", "kept", "1", "2"])

        try log.append(Compaction.batch(["z=3"]))
        try log.rollForCleaning()
        try log.cleanNow(now: TestBatches.time + 1001)
        #expect(try log.headers().contains { $0.baseOffset == 4 })
        try log.append(Compaction.batch(["z=4"]))
        try log.rollForCleaning()
        try log.cleanNow(now: TestBatches.time + 1002)
        #expect(
            try log.keyed() == [
                "0:a=kept", "1:!commit", "3:b=kept", "5:!commit", "7:c=1", "8:!commit", "11:z=4",
            ])
        world.run()
        world.crash(.everything)
        let again = try open(world, segmentBytes: 4000)
        again.updateHighWatermark(again.logEndOffset)
        #expect(try again.committedValues() == ["kept", "kept", "1", "4"])
    }

    @Test func `an open transaction holds the cleaner back`() throws {
        let log = try open(TestWorld())
        try log.append(Compaction.batch(["a=1"]))
        try log.append(Compaction.batch(["a=2"]))
        try log.rollForCleaning()
        try log.append(Compaction.batch(["a=3"], producer: (1, 0, 0), isTransactional: true))
        try log.rollForCleaning()
        #expect(try log.cleanNow()?.endOffset == 2)
        #expect(try log.keyed() == ["1:a=2", "2:a=3"])
        #expect(try log.cleanNow() == nil)
        try TestTransactions().end(.commit, by: 1, in: log)
        try log.rollForCleaning()
        #expect(try log.cleanNow()?.endOffset == 4)
        #expect(try log.keyed() == ["2:a=3", "3:!commit"])
    }

    // MARK: Old formats

    @Test(arguments: [
        (Int8(0), CompressionType.none), (0, .gzip), (1, .none), (1, .gzip), (1, .lz4), (0, .snappy),
    ])
    func `old formats are cleaned in their own format`(magic: Int8, compression: CompressionType) throws {
        let world = TestWorld()
        let sets = [["a=1", "b=1", "c=1"], ["a=2", "c=2"], ["d=1"], ["b"]]
        var bytes: [UInt8] = []
        var offset: Int64 = 0
        for set in sets {
            bytes += try Compaction.oldMessages(set, magic: magic, compression: compression, offset: offset)
            offset += Int64(set.count)
        }
        try world.files.createDirectory("/data/t-0")
        let file = try world.files.open("/data/t-0/00000000000000000000.log", .readWriteCreate)
        try file.write(bytes, at: 0)
        let log = try open(world)
        #expect(log.logEndOffset == 7)
        try log.rollForCleaning()
        let before = try log.entries().map(\.bytes)
        try log.cleanNow()
        #expect(try log.keyed() == ["3:a=2", "4:c=2", "5:d=1", "6:b"])
        let after = try log.entries().map(\.bytes)
        #expect(after == Array(before.dropFirst(compression == .none ? 3 : 1)))
        // A key of a compressed set goes alone; then the deletion, when the clean part is old enough.
        try log.append(Compaction.batch(["c=3"]))
        try log.rollForCleaning()
        try log.cleanNow()
        #expect(try log.keyed() == ["3:a=2", "5:d=1", "6:b", "7:c=3"])
        for entry in try log.entries().dropLast() {
            #expect(try entry.bytes.withUnsafeBytes { try LegacyMessage(parsing: $0).magic } == magic)
        }
        var configuration = Compaction.configuration
        configuration.deleteRetentionMs = 0
        log.update(configuration)
        try log.append(Compaction.batch(["e=3"]))
        try log.rollForCleaning()
        try log.cleanNow()
        #expect(try log.keyed() == ["3:a=2", "5:d=1", "7:c=3", "8:e=3"])
    }

    // MARK: Segments

    @Test func `small segments become large ones and their snapshots go`() throws {
        let world = TestWorld()
        let log = try open(world, segmentBytes: 2000)
        for round in 0..<12 {
            try log.append(Compaction.batch((0..<5).map { "k\($0)=\(round)" }))
            try log.append(Compaction.batch(["own\(round)=1"]))
            try log.rollForCleaning()
        }
        world.run()
        #expect(log.segmentCount == 13)
        let done = try #require(try log.cleanNow())
        #expect(done.segmentsBefore == 12)
        // Sizes before the cleaning decide; the next puts more together.
        #expect(done.segmentsAfter < 12)
        try log.append(Compaction.batch(["k0=x"]))
        try log.rollForCleaning()
        try log.cleanNow()
        #expect(log.segmentCount == 2)
        world.advance(1000)
        let names = try world.files.list("/data/t-0")
        #expect(names.filter { $0.hasSuffix(".log") }.count == 2)
        #expect(names.filter { $0.hasSuffix(".snapshot") }.count <= 2)
        #expect(!names.contains { $0.hasSuffix(".deleted") || $0.hasSuffix(".swap") || $0.hasSuffix(".cleaned") })
        #expect(
            try log.keyed().map { String($0.split(separator: ":")[1]) }.sorted()
                == ((0..<12).map { "own\($0)=1" } + ["k0=x"] + (1..<5).map { "k\($0)=11" }).sorted())
    }

    @Test func `a map that is too small cleans in several rounds`() throws {
        let log = try open(TestWorld(), segmentBytes: 3000)
        for round in 0..<6 { try log.append(Compaction.batch((0..<9).map { "k\(round % 2).\($0)=\(round)" })) }
        try log.rollForCleaning()
        var rounds = 0
        while let done = try log.cleanNow(mapBytes: 24 * 8) {
            #expect(done.endOffset > done.firstDirtyOffset)
            #expect(done.keys <= 7)
            rounds += 1
        }
        #expect(rounds > 3)
        #expect(log.cleanedUpTo == 54)
        #expect(
            try log.keyed()
                == (36..<45).map { "\($0):k0.\($0 - 36)=4" } + (45..<54).map { "\($0):k1.\($0 - 45)=5" })
    }

    @Test func `a large batch is cleaned with a small buffer`() throws {
        let log = try open(TestWorld(), segmentBytes: 1 << 20)
        let big = String(repeating: "x", count: 30_000)
        for round in 0..<3 { try log.append(Compaction.batch(["a=\(round)\(big)", "b\(round)=\(big)"])) }
        try log.rollForCleaning()
        try log.cleanNow(bufferBytes: 4096)
        #expect(try log.keyed().map { $0.prefix(6) } == ["1:b0=x", "3:b1=x", "4:a=2x", "5:b2=x"])
    }

    @Test func `whoever reads a segment that is replaced reads on`() throws {
        let world = TestWorld()
        let log = try open(world)
        for round in 0..<5 { try log.append(Compaction.batch(["a=\(round)"])) }
        try log.rollForCleaning()
        let range = try log.read(from: 0, maxBytes: 1 << 20, isolation: .highWatermark, atLeastOne: true)
        let file = try #require(range.file)
        let before = try file.readBytes(at: range.position, count: range.count)
        try log.cleanNow()
        world.advance(1000)
        #expect(try file.readBytes(at: range.position, count: range.count) == before)
        #expect(try log.keyed() == ["4:a=4"])
    }

    @Test func `a high watermark inside of what was cleaned stays where it was`() throws {
        let log = try open(TestWorld(), segmentBytes: 200)
        for round in 0..<8 { try log.append(Compaction.batch(["a=\(round)"])) }
        log.updateHighWatermark(5)
        #expect(try log.records(isolation: .highWatermark).count == 5)
        try log.cleanNow()
        #expect(log.highWatermark == 5)
        #expect(try log.keyed().first == "3:a=3")
        #expect(try log.records(isolation: .highWatermark) == ["3=3", "4=4"])
        log.updateHighWatermark(8)
        #expect(try log.records(isolation: .highWatermark) == ["3=3", "4=4", "5=5", "6=6", "7=7"])
    }

    @Test func `times are found in what was cleaned`() throws {
        let log = try open(TestWorld(), segmentBytes: 4000)
        for round in 0..<20 {
            try log.append(
                Compaction.batch(["a=\(round)", "b\(round)=1"], timestamp: TestBatches.time + Int64(round) * 100))
        }
        try log.rollForCleaning()
        try log.cleanNow()
        #expect(try log.offset(forTimestamp: TestBatches.time + 700)?.offset == 15)
    }

    @Test func `damage is an error with its place and nothing is lost`() throws {
        let world = TestWorld()
        let log = try open(world)
        for round in 0..<6 { try log.append(Compaction.batch(["a=\(round)", "b\(round)=1"])) }
        try log.rollForCleaning()
        let path = "/data/t-0/00000000000000000000.log"
        let whole = try world.bytes(path)
        let second = try log.entries()[0].bytes.count
        for position in [second + 70, second + 30, second + 9] {
            let file = try world.files.open(path, .readWrite)
            try file.write([whole[position] ^ 0x10], at: Int64(position))
            let error = #expect(throws: StorageError.self) { try log.cleanNow() }
            if case .corrupt(let where_, let place, _)? = error {
                #expect(where_ == path && place == Int64(second))
            } else {
                Issue.record("position \(position): \(String(describing: error))")
            }
            try file.write([whole[position]], at: Int64(position))
            #expect(!(try world.files.list("/data/t-0")).contains { $0.hasSuffix(".cleaned") })
        }
        #expect(try world.bytes(path) == whole)
        try log.cleanNow()
        #expect(try log.keyed().last == "11:b5=1")
    }
}
