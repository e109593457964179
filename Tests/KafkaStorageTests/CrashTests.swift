// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

/// The machine stops at any moment and takes what was not synced, or any part of it.
@Suite struct CrashTests {
    private static let configuration: LogConfiguration = {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 900
        configuration.indexIntervalBytes = 150
        configuration.segmentIndexBytes = 4096
        return configuration
    }()

    /// Random work against a log that crashes again and again. After every crash: what was synced is there, whatever
    /// is there is what was appended, and offsets have no gaps.
    @Test(arguments: 0..<60)
    func `what was synced survives and nothing else appears`(seed: Int) throws {
        let world = TestWorld(seed: UInt64(seed) &* 7919 &+ 1)
        let random = world.random
        // The value that every offset was last given.
        var written: [Int64: String] = [:]
        var synced: Int64 = 0
        var counter = 0
        var checkpoint: Int64 = 0
        for round in 0..<6 {
            var settings = LogSettings()
            settings.paddingBytes = [0, 30, 100][seed % 3]
            let log = try world.open(
                "/data/t-0", Self.configuration, recoveryPoint: checkpoint, settings: settings)
            let records = try log.records()
            #expect(log.logEndOffset >= synced, "round \(round)")
            #expect(records == (0..<log.logEndOffset).map { "\($0)=\(written[$0] ?? "?")" }, "round \(round)")
            written = written.filter { $0.key < log.logEndOffset }
            for _ in 0..<random.below(25) {
                switch random.below(10) {
                case 0..<7:
                    let values = (0...random.below(3)).map { _ in
                        counter += 1
                        return "r\(counter)"
                    }
                    let info = try log.append(TestBatches.batch(values), epoch: Int32(round))
                    for (index, value) in values.enumerated() { written[info.firstOffset + Int64(index)] = value }
                case 7: synced = max(synced, try log.flush())
                case 8:
                    world.run()
                    synced = max(synced, log.recoveryPoint)
                default:
                    // A checkpoint file is written now and then, durably.
                    checkpoint = log.recoveryPoint
                    synced = max(synced, checkpoint)
                }
            }
            switch random.below(3) {
            case 0: world.crash(.nothing)
            case 1: world.crash(.everything)
            default: world.crash(.some(random: random))
            }
        }
    }

    @Test func `a torn last batch is cut off at every length`() throws {
        let world = TestWorld(durability: .immediate)
        let log = try world.open()
        for value in ["a", "b"] { try log.append(TestBatches.batch([value]), epoch: 3) }
        let path = "/data/t-0/00000000000000000000.log"
        let good = try world.bytes(path).count
        try log.append(TestBatches.batch(["last", "batch"]), epoch: 4)
        let whole = try world.bytes(path)
        for length in good..<whole.count {
            let file = try world.files.open(path, .readWriteCreate)
            try file.truncate(to: 0)
            try file.write(Array(whole[..<length]), at: 0)
            let again = try world.open()
            #expect(try again.records() == ["0=a", "1=b"], "\(length) bytes")
            #expect(again.logEndOffset == 2)
            #expect(again.latestEpoch == 3)
            #expect(try world.bytes(path).count == good)
            try again.append(TestBatches.batch(["c"]), epoch: 5)
            #expect(try again.records(from: 2) == ["2=c"])
        }
    }

    @Test func `a flipped bit anywhere in the last batch cuts it off`() throws {
        let world = TestWorld(durability: .immediate)
        let log = try world.open()
        try log.append(TestBatches.batch(["a"]), epoch: 3)
        let path = "/data/t-0/00000000000000000000.log"
        let good = try world.bytes(path).count
        try log.append(TestBatches.batch(["b"]), epoch: 3)
        let whole = try world.bytes(path)
        for position in good..<whole.count {
            // The epoch is under no checksum.
            if (good + 12..<good + 16).contains(position) { continue }
            var damaged = whole
            damaged[position] ^= 0x10
            let file = try world.files.open(path, .readWriteCreate)
            try file.truncate(to: 0)
            try file.write(damaged, at: 0)
            let again = try world.open()
            let records = try again.records()
            if (good..<good + 8).contains(position), records.count == 2 {
                // Nor is the base offset; a larger one looks like a gap that compaction left.
                #expect(records[0] == "0=a")
            } else {
                #expect(records == ["0=a"], "byte \(position - good)")
                #expect(again.logEndOffset == 1)
            }
        }
    }

    @Test func `zeros behind the last batch are cut off`() throws {
        let world = TestWorld(durability: .immediate)
        let log = try world.open()
        try log.append(TestBatches.batch(["a"]))
        let path = "/data/t-0/00000000000000000000.log"
        let good = try world.bytes(path).count
        for zeros in [1, 60, 61, 62, 5000] {
            let file = try world.files.open(path, .readWrite)
            try file.truncate(to: Int64(good + zeros))
            let again = try world.open()
            #expect(try again.records() == ["0=a"], "\(zeros)")
            #expect(try world.bytes(path).count == good)
        }
    }

    @Test func `segments behind a damaged one are dropped`() throws {
        let world = TestWorld(durability: .immediate)
        let log = try world.open("/data/t-0", Self.configuration)
        for _ in 0..<12 { try log.append(TestBatches.sized(400)) }
        #expect(log.segmentCount == 6)
        let file = try world.files.open("/data/t-0/00000000000000000004.log", .readWrite)
        try file.write([0xFF], at: 470)
        let again = try world.open("/data/t-0", Self.configuration)
        #expect(again.logEndOffset == 5)
        #expect(again.segmentCount == 3)
        #expect(try again.records().count == 5)
        #expect(world.events.all.contains { $0.contains("truncatedTail") })
    }

    @Test func `indexes are as they were after a recovery`() throws {
        let world = TestWorld(durability: .immediate)
        let log = try world.open("/data/t-0", Self.configuration)
        for step in 0..<20 {
            try log.append(TestBatches.sized(Int(100 + 37 * (step % 5)), timestamp: 1000 + Int64(step * step % 50)))
        }
        world.run()
        try log.close()
        func indexes() throws -> [String: [UInt8]] {
            var found: [String: [UInt8]] = [:]
            for name in try world.files.list("/data/t-0") where name.hasSuffix("index") {
                found[name] = try world.bytes("/data/t-0/\(name)")
            }
            return found
        }
        let before = try indexes()
        #expect(before.count > 4)
        #expect(before.values.contains { $0.count >= 24 })
        let again = try world.open("/data/t-0", Self.configuration)
        try again.close()
        #expect(try indexes() == before)
        for name in before.keys { try world.files.remove("/data/t-0/\(name)") }
        try world.open("/data/t-0", Self.configuration).close()
        #expect(try indexes() == before)
    }

    @Test(arguments: 0..<20)
    func `indexes that a killed process had not synced reach the disk with what is appended later`(seed: Int) throws {
        let world = TestWorld(seed: UInt64(seed))
        var log = try world.open("/data/t-0", Self.configuration)
        var point: Int64 = 0
        // Durable as the active segment is: without its indexes, which are cut when the next segment begins.
        while log.segmentCount == 1 {
            point = try log.flush()
            try log.append(TestBatches.sized(200))
        }
        func indexes() throws -> [[UInt8]] {
            try ["index", "timeindex"].map { try world.bytes("/data/t-0/00000000000000000000.\($0)") }
        }
        let good = try indexes()
        #expect(good.allSatisfy { !$0.isEmpty })
        world.crash(.everything)
        log = try world.open("/data/t-0", Self.configuration, recoveryPoint: point)
        while log.segmentCount < 4 { try log.append(TestBatches.sized(200)) }
        let newPoint = try log.flush()
        world.crash(.some(random: world.random))
        log = try world.open("/data/t-0", Self.configuration, recoveryPoint: newPoint)
        try log.close()
        #expect(try indexes() == good)
    }

    @Test func `a damaged index of a segment below the recovery point is built again`() throws {
        let world = TestWorld(durability: .immediate)
        let log = try world.open("/data/t-0", Self.configuration)
        for _ in 0..<30 { try log.append(TestBatches.sized(100)) }
        world.run()
        let point = log.recoveryPoint
        let last = try #require(try world.files.list("/data/t-0").last { $0.hasSuffix(".index") })
        let previous = try #require(
            try world.files.list("/data/t-0").filter { $0.hasSuffix(".index") }.dropLast().last)
        #expect(last != previous)
        let good = try world.bytes("/data/t-0/\(previous)")
        #expect(good.count >= 16)
        let file = try world.files.open("/data/t-0/\(previous)", .readWrite)
        try file.write([UInt8](repeating: 0, count: good.count), at: 0)
        let again = try world.open("/data/t-0", Self.configuration, recoveryPoint: point)
        #expect(try world.bytes("/data/t-0/\(previous)") == good)
        #expect(try again.records().count == 30)
    }
}
