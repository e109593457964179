// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

@Suite struct TruncateTests {
    private let configuration: LogConfiguration = {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 400
        configuration.indexIntervalBytes = 100
        return configuration
    }()

    private func filled(_ world: TestWorld, batches: Int = 12) throws -> UnifiedLog {
        let log = try world.open("/data/t-0", configuration)
        for step in 0..<batches {
            try log.append(TestBatches.batch(["a\(step)", "b\(step)"], timestamp: Int64(step)), epoch: Int32(step / 4))
        }
        world.run()
        return log
    }

    @Test(arguments: 0...24)
    func `a log ends where it was cut and goes on from there`(offset: Int64) throws {
        let world = TestWorld()
        let log = try filled(world)
        log.updateHighWatermark(24)
        let changed = try log.truncate(to: offset)
        #expect(changed == (offset < 24))
        // Inside of a batch the whole batch goes.
        let end = offset / 2 * 2
        #expect(log.logEndOffset == end)
        #expect(log.highWatermark == end)
        #expect(log.recoveryPoint <= end)
        #expect(try log.records().count == Int(end))
        #expect(log.latestEpoch == (end == 0 ? nil : Int32((end - 1) / 8)))
        try log.append(TestBatches.batch(["new"]), epoch: 9)
        #expect(try log.records().last == "\(end)=new")
        #expect(try log.offsetOfMaxTimestamp()?.offset == end)
        world.advance(60_000)
        #expect(try !world.files.list("/data/t-0").contains { $0.hasSuffix(".deleted") })
        try log.close()
        let again = try world.open("/data/t-0", configuration, clean: true)
        #expect(try again.records().last == "\(end)=new")
        #expect(again.logEndOffset == end + 1)
    }

    /// A file system that keeps data and loses the new names of what was cut off would put old batches behind new ones.
    @Test func `what was cut off does not come back behind what took its place`() throws {
        let world = TestWorld()
        let log = try world.open("/data/t-0", configuration)
        for step in 0..<12 { try log.append(TestBatches.batch(["a\(step)", "b\(step)"], timestamp: 5), epoch: 1) }
        world.run()
        try log.flush()
        let bases = try world.files.list("/data/t-0").compactMap { LogFileNames.offset($0, suffix: ".log") }
        let last = try #require(bases.count > 1 ? bases.last : nil)
        try log.truncate(to: last - 2)
        try log.append(TestBatches.batch(["x", "y"], timestamp: 5), epoch: 1)
        #expect(log.logEndOffset == last && log.segmentCount == bases.count - 1)
        let point = try log.flush()
        world.crash(.nothing)
        let again = try world.open("/data/t-0", configuration, recoveryPoint: point)
        #expect(again.logEndOffset == last)
        #expect(try again.records().suffix(2) == ["\(last - 2)=x", "\(last - 1)=y"])
    }

    @Test func `everything can be dropped`() throws {
        let world = TestWorld()
        let log = try filled(world)
        try log.truncateFullyAndStart(at: 100)
        #expect(log.logStartOffset == 100)
        #expect(log.logEndOffset == 100)
        #expect(log.highWatermark == 100)
        #expect(log.latestEpoch == nil)
        #expect(log.segmentCount == 1)
        try log.append(TestBatches.batch(["new"]), epoch: 5)
        #expect(try log.records() == ["100=new"])
        try log.close()
        let again = try world.open("/data/t-0", configuration, clean: true)
        #expect(again.logStartOffset == 100)
        #expect(try again.records() == ["100=new"])
    }

    @Test func `everything can be dropped to go on at the same offset`() throws {
        let world = TestWorld()
        let log = try filled(world)
        try log.truncateFullyAndStart(at: 0)
        try log.append(TestBatches.batch(["new"]))
        #expect(try log.records() == ["0=new"])
        #expect(try world.bytes("/data/t-0/00000000000000000000.log").count == log.size)
    }

    @Test func `a cut below the first segment starts the log there`() throws {
        let world = TestWorld()
        let log = try world.open("/data/t-0", configuration, logStartOffset: 50)
        try log.append(TestBatches.batch(["a"]))
        try log.truncate(to: 20)
        #expect(log.logStartOffset == 20)
        #expect(log.logEndOffset == 20)
    }

    @Test func `the owner hears when the recovery point goes back`() throws {
        let world = TestWorld()
        var options = LogOpenOptions()
        let lowered = SeededRandom(seed: 0)
        let before = SeededRandom(seed: 0).next()
        options.recoveryPointLowered = { _ = lowered.next() }
        let log = try UnifiedLog.open(
            directory: "/data/t-0", topicPartition: TestWorld.partition, configuration: configuration,
            runtime: world.runtime, options: options)
        for _ in 0..<4 { try log.append(TestBatches.batch(["a"])) }
        try log.flush()
        try log.truncate(to: 2)
        // Called once: the generator has moved by one.
        let expected = SeededRandom(seed: 0)
        _ = expected.next()
        #expect(lowered.next() == expected.next())
        #expect(before != 0)
        #expect(log.recoveryPoint == 2)
    }

    @Test func `deleting records moves the start and nothing else`() throws {
        let world = TestWorld()
        let log = try filled(world)
        log.updateHighWatermark(20)
        #expect(try log.incrementLogStartOffset(to: 13))
        #expect(try !log.incrementLogStartOffset(to: 5))
        #expect(log.logStartOffset == 13)
        #expect(throws: StorageError.self) { try log.incrementLogStartOffset(to: 21) }
        #expect(try log.records().first == "13=b6")
        #expect(log.epochEntries.first == EpochEntry(epoch: 1, startOffset: 13))
        try log.close()
        let again = try world.open("/data/t-0", configuration, clean: true, logStartOffset: 13)
        #expect(again.logStartOffset == 13)
        #expect(try again.records().first == "13=b6")
    }

    @Test func `a start beyond everything that is left empties the log`() throws {
        let world = TestWorld()
        let log = try filled(world)
        try log.close()
        let again = try world.open("/data/t-0", configuration, logStartOffset: 90)
        #expect(again.logStartOffset == 90)
        #expect(again.logEndOffset == 90)
        #expect(try again.append(TestBatches.batch(["x"])).firstOffset == 90)
        world.advance(60_000)
        #expect(try world.files.list("/data/t-0").filter { $0.hasSuffix(".log") } == ["00000000000000000090.log"])
    }
}

@Suite struct RecentBatchesTests {
    @Test func `the last batches are found, others not`() {
        var recent = RecentBatches()
        #expect(recent.find(0) == nil)
        for number in 0..<200 {
            recent.append(
                .init(
                    baseOffset: Int64(number) * 10, lastOffset: Int64(number) * 10 + 7, position: Int64(number) * 100,
                    size: 100))
        }
        let first = Int64(200 - RecentBatches.capacity) * 10
        #expect(recent.find(first - 1) == nil)
        #expect(recent.find(2000) == nil)
        for offset in first..<1998 {
            let number = offset % 10 <= 7 ? offset / 10 : offset / 10 + 1
            #expect(recent.find(offset)?.position == number * 100, "\(offset)")
        }
        recent.removeAll()
        #expect(recent.find(1990) == nil)
    }
}
