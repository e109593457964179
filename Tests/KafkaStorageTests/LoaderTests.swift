// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

@Suite struct LoaderTests {
    private let configuration: LogConfiguration = {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 300
        return configuration
    }()

    /// Segments at 0, 2, 4 and 6 with one-record batches.
    private func filled() throws -> TestWorld {
        let world = TestWorld(durability: .immediate)
        let log = try world.open("/data/t-0", configuration)
        for step in 0..<8 { try log.append(TestBatches.sized(150, fill: UInt8(97 + step))) }
        world.run()
        try log.close()
        return world
    }

    private func logFiles(_ world: TestWorld) throws -> [String] {
        try world.files.list("/data/t-0").filter { $0.hasSuffix(".log") }
    }

    private func copy(_ world: TestWorld, _ from: String, _ to: String) throws {
        let file = try world.files.open("/data/t-0/\(to)", .readWriteCreate)
        try file.write(world.bytes("/data/t-0/\(from)"), at: 0)
    }

    @Test func `files awaiting deletion are removed`() throws {
        let world = try filled()
        try copy(world, "00000000000000000002.log", "00000000000000000099.log.deleted")
        try copy(world, "00000000000000000002.index", "00000000000000000099.index.deleted")
        let log = try world.open("/data/t-0", configuration, clean: true)
        #expect(log.logEndOffset == 8)
        #expect(try !world.files.list("/data/t-0").contains { $0.hasSuffix(".deleted") })
    }

    @Test(arguments: [false, true])
    func `segments that compaction left empty stay, as in Apache Kafka`(clean: Bool) throws {
        let world = try filled()
        for base in [2, 4] {
            try world.files.open("/data/t-0/0000000000000000000\(base).log", .readWrite).truncate(to: 0)
            for suffix in ["index", "timeindex"] {
                try world.files.open("/data/t-0/0000000000000000000\(base).\(suffix)", .readWrite).truncate(to: 0)
            }
        }
        var compacted = configuration
        compacted.cleanupPolicy = .compact
        let log = try world.open("/data/t-0", compacted, clean: clean)
        #expect(try logFiles(world).map { $0.prefix(20).suffix(1) } == ["0", "2", "4", "6"])
        #expect(try log.records().count == 4)
        #expect(try log.records(from: 3).count == 2)
        try log.close()
    }

    @Test(arguments: [false, true])
    func `empty segments over offsets that the one before holds are removed`(clean: Bool) throws {
        let world = try filled()
        for base in [1, 3] {
            for suffix in ["log", "index", "timeindex"] {
                _ = try world.files.open("/data/t-0/0000000000000000000\(base).\(suffix)", .readWriteCreate)
            }
        }
        let log = try world.open("/data/t-0", configuration, clean: clean)
        #expect(try logFiles(world).map { $0.prefix(20).suffix(1) } == ["0", "2", "4", "6"])
        #expect(try log.records().count == 8)
        try log.close()
    }

    @Test func `an unfinished cleaning is taken back`() throws {
        let world = try filled()
        try copy(world, "00000000000000000002.log", "00000000000000000002.log.cleaned")
        try copy(world, "00000000000000000002.log", "00000000000000000002.log.swap")
        let log = try world.open("/data/t-0", configuration)
        #expect(log.logEndOffset == 8)
        #expect(try log.records().count == 8)
        #expect(try !world.files.list("/data/t-0").contains { $0.hasSuffix(".cleaned") || $0.hasSuffix(".swap") })
    }

    @Test func `a swap that was interrupted is finished`() throws {
        let world = try filled()
        var compacted = configuration
        compacted.cleanupPolicy = .compact
        // One cleaned segment with the batch of offset 4 stands for the segments 2 and 4.
        try copy(world, "00000000000000000004.log", "00000000000000000002.log.swap")
        let log = try world.open("/data/t-0", compacted)
        #expect(try logFiles(world) == [0, 2, 6].map { LogFileNames.digits($0) + ".log" })
        #expect(try log.records().map { $0.prefix(1) } == ["0", "1", "4", "5", "6", "7"])
        #expect(try world.files.status("/data/t-0/00000000000000000004.index") == nil)
        #expect(try !world.files.list("/data/t-0").contains { $0.hasSuffix(".swap") })
    }

    @Test func `indexes without a log are removed, a log without indexes is checked`() throws {
        let world = try filled()
        try copy(world, "00000000000000000002.index", "00000000000000000050.index")
        try world.files.remove("/data/t-0/00000000000000000004.index")
        let log = try world.open("/data/t-0", configuration, clean: true)
        #expect(try log.records().count == 8)
        #expect(try world.files.status("/data/t-0/00000000000000000050.index") == nil)
        #expect(try world.files.status("/data/t-0/00000000000000000004.index") != nil)
    }

    @Test func `stray snapshots are removed, those of segments and the newest stay`() throws {
        let world = try filled()
        func snapshots() throws -> [String] {
            try world.files.list("/data/t-0").filter { $0.hasSuffix(".snapshot") }
        }
        #expect(try snapshots() == [2, 4, 6, 8].map { LogFileNames.digits($0) + ".snapshot" })
        try copy(world, "00000000000000000002.snapshot", "00000000000000000003.snapshot")
        try world.open("/data/t-0", configuration, clean: true).close()
        #expect(try snapshots() == [2, 4, 6, 8].map { LogFileNames.digits($0) + ".snapshot" })
    }

    @Test func `a damaged snapshot is removed and an older one used`() throws {
        let world = TestWorld(durability: .immediate)
        let log = try world.open("/data/t-0", configuration)
        for step in 0..<8 {
            try log.append(TestBatches.batch([String(repeating: "x", count: 100)], producer: (7, 0, Int32(step))))
        }
        world.run()
        try log.close()
        let file = try world.files.open("/data/t-0/00000000000000000008.snapshot", .readWrite)
        try file.write([0xFF], at: 12)
        let again = try world.open("/data/t-0", configuration, clean: true)
        #expect(again.activeProducers().first?.lastSequence == 7)
        #expect(world.events.all.contains { $0.contains("checksum") })
    }

    @Test func `the topic id is kept, and another is refused`() throws {
        let world = TestWorld()
        let log = try world.open()
        let id = KafkaUUID(high: 5, low: 6)
        try log.setTopicID(id)
        try log.setTopicID(id)
        #expect(throws: StorageError.self) { try log.setTopicID(KafkaUUID(high: 7, low: 8)) }
        try log.append(TestBatches.batch(["a"]))
        try log.close()
        #expect(try world.open(clean: true).topicID == id)
    }

    @Test func `a topic id that outlived its process is synced by the next`() throws {
        let world = TestWorld()
        let log = try world.open()
        try log.append(TestBatches.batch(["a"]))
        try log.flush()
        let id = KafkaUUID(high: 5, low: 6)
        try log.setTopicID(id)
        world.crash(.everything)
        try world.open().close()
        world.crash(.nothing)
        #expect(try world.open(clean: true).topicID == id)
    }

    @Test func `an index that points behind its segment does not hide what is in it`() throws {
        let world = TestWorld()
        let log = try world.open()
        try log.append(TestBatches.batch(["a", "b"]))
        try log.close()
        // A cut that was not synced came back with what was in the file before it.
        let index = try world.files.open("/data/t-0/00000000000000000000.index", .readWriteCreate)
        try index.write([0, 0, 0, 9, 0, 1, 0, 0], at: 0)
        index.close()
        let again = try world.open(clean: true)
        #expect(again.logEndOffset == 2)
        #expect(try again.records() == ["0=a", "1=b"])
    }

    @Test func `an empty directory becomes a log at the wanted start`() throws {
        let world = TestWorld()
        let log = try world.open("/data/t-0", configuration, logStartOffset: 42)
        #expect(log.logStartOffset == 42)
        #expect(log.logEndOffset == 42)
        #expect(try logFiles(world) == ["00000000000000000042.log"])
    }

    @Test func `messages of old formats are read, searched and recovered`() throws {
        let world = TestWorld(durability: .immediate)
        try world.files.createDirectory("/data/t-0")
        let file = try world.files.open("/data/t-0/00000000000000000000.log", .createNew)
        let plain = try TestBatches.oldMessages(["a", "b"], magic: 1, compression: .none)
        var wrapped = try TestBatches.oldMessages(["c", "d", "e"], magic: 1, compression: .gzip, timestamp: 9)
        // The wrapper carries the last offset.
        wrapped[7] = 4
        try file.write(plain + wrapped, at: 0)
        let log = try world.open()
        #expect(log.logEndOffset == 5)
        try log.append(TestBatches.batch(["f"], timestamp: TestBatches.time + 5))
        #expect(
            try log.read(from: 3, maxBytes: 1000, isolation: .logEnd, atLeastOne: true).position == Int64(plain.count))
        #expect(try log.offset(forTimestamp: TestBatches.time)?.offset == 0)
        #expect(try log.offset(forTimestamp: TestBatches.time + 1)?.offset == 5)
        try log.truncate(to: 4)
        #expect(log.logEndOffset == 2)
    }

    @Test func `a clean log whose end is damaged is checked after all`() throws {
        let world = try filled()
        let file = try world.files.open("/data/t-0/00000000000000000006.log", .readWrite)
        try file.truncate(to: 200)
        let log = try world.open("/data/t-0", configuration, clean: true)
        #expect(log.logEndOffset == 7)
        #expect(try log.records().count == 7)
    }

    @Test func `settings can change while the log is open`() throws {
        let log = try TestWorld().open("/data/t-0", configuration)
        try log.append(TestBatches.sized(150))
        var larger = configuration
        larger.segmentBytes = 10_000
        larger.maxMessageBytes = 100
        log.update(larger)
        #expect(throws: StorageError.self) { try log.append(TestBatches.sized(101)) }
        larger.maxMessageBytes = 1000
        log.update(larger)
        for _ in 0..<5 { try log.append(TestBatches.sized(150)) }
        #expect(log.segmentCount == 1)
    }
}

/// What a recovery gives up, in which order, and what of it a second crash may leave.
@Suite struct RecoveryCutTests {
    private let configuration: LogConfiguration = {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 300
        configuration.cleanupPolicy = .compact
        return configuration
    }()

    /// Segments at 0, 2, 4, 6 and 8, the second of them damaged.
    private func damaged() throws -> TestWorld {
        let world = TestWorld()
        let log = try world.open("/data/t-0", configuration)
        for step in 0..<10 {
            let batch = try TestBatches.batch([String(repeating: "\(step)", count: 70)])
            #expect(batch.count > 120 && batch.count <= 150)
            try log.append(batch)
        }
        #expect(log.segmentCount == 5)
        world.run()
        try log.flush()
        try world.files.syncDirectory("/data")
        let file = try world.files.open("/data/t-0/\(LogFileNames.digits(2)).log", .readWrite)
        try file.write([0xFF], at: 100)
        try file.sync()
        world.crash()
        return world
    }

    @Test(arguments: [true, false])
    func `a second crash at any moment leaves no segment behind the cut`(machineStops: Bool) throws {
        var isCut = false
        for call in 0..<200 where !isCut {
            let world = try damaged()
            world.files.halt(after: call)
            isCut = (try? world.open("/data/t-0", configuration)) != nil
            let random = SeededRandom(seed: UInt64(call))
            world.crash(machineStops ? .some(random: random) : .everything)
            let log = try world.open("/data/t-0", configuration)
            #expect(log.logEndOffset == 2, "halted at call \(call)")
            #expect(try log.records().count == 2)
            #expect(try world.files.list("/data/t-0").filter { $0.hasSuffix(".log") }.count <= 2)
        }
        #expect(isCut)
    }
}

/// `partition.metadata` of a log that never held anything is not durable, however the broker stopped.
@Suite struct UnusedLogTests {
    private let id = KafkaUUID(high: 3, low: 4)
    private let path = "/data/t-0/partition.metadata"

    @Test func `garbage in place of the id is no reason to take the partition out of service`() throws {
        let world = TestWorld()
        let log = try world.open()
        try log.setTopicID(id)
        try log.close()
        let file = try world.files.open(path, .readWrite)
        try file.write([UInt8](repeating: 0x41, count: 43), at: 0)
        let again = try world.open(clean: true)
        #expect(again.topicID == nil)
        try again.setTopicID(id)
        #expect(again.topicID == id)
    }

    @Test func `in a log that holds something it is damage`() throws {
        let world = TestWorld()
        let log = try world.open()
        try log.setTopicID(id)
        try log.append(TestBatches.batch(["a"]))
        try log.close()
        let file = try world.files.open(path, .readWrite)
        try file.write([UInt8](repeating: 0x41, count: 43), at: 0)
        #expect(throws: StorageError.self) { try world.open(clean: true) }
    }

    @Test func `id and names are durable with the first records after a clean stop`() throws {
        let world = TestWorld()
        let log = try world.open()
        try log.setTopicID(id)
        try log.close()
        try world.files.syncDirectory("/data")
        world.crash(.everything)
        let used = try world.open(clean: true)
        try used.append(TestBatches.batch(["a"]))
        try used.flush()
        world.crash()
        let again = try world.open()
        #expect(again.topicID == id)
        #expect(try again.records() == ["0=a"])
    }

    @Test(arguments: [".index", ".timeindex"])
    func `an index file that is gone is there again when the log is closed`(suffix: String) throws {
        let world = TestWorld()
        try world.open().close()
        let lost = "/data/t-0/\(LogFileNames.digits(0))\(suffix)"
        try world.files.remove(lost)
        try world.open(clean: true).close()
        #expect(try world.files.status(lost)?.size == 0)
    }

    @Test func `an index without entries is as long after a loss of power as it was`() throws {
        let world = TestWorld()
        let log = try world.open()
        try log.append(TestBatches.batch(["a"]))
        try log.close()
        try world.files.syncDirectory("/data")
        for seed: UInt64 in 0..<20 {
            world.crash(.some(random: SeededRandom(seed: seed)))
            #expect(try world.bytes("/data/t-0/\(LogFileNames.digits(0)).index").isEmpty)
        }
    }
}
