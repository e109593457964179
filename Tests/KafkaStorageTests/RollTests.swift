// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

@Suite struct RollTests {
    private func open(_ world: TestWorld, _ change: (inout LogConfiguration) -> Void) throws -> UnifiedLog {
        var configuration = LogConfiguration()
        change(&configuration)
        return try world.open("/data/t-0", configuration)
    }

    @Test(arguments: [(1000, 1), (999, 2)])
    func `by size: a segment is filled to the byte`(segmentBytes: Int32, segments: Int) throws {
        let log = try open(TestWorld()) { $0.segmentBytes = segmentBytes }
        for _ in 0..<4 { try log.append(TestBatches.sized(250)) }
        #expect(log.segmentCount == segments)
    }

    @Test func `by time: counted from the first record's timestamp to the new one's`() throws {
        let log = try open(TestWorld()) { $0.segmentMs = 1000 }
        try log.append(TestBatches.sized(100, timestamp: 5000))
        try log.append(TestBatches.sized(100, timestamp: 6000))
        #expect(log.segmentCount == 1)
        try log.append(TestBatches.sized(100, timestamp: 6001))
        #expect(log.segmentCount == 2)
        try log.append(TestBatches.sized(100, timestamp: 5000))
        #expect(log.segmentCount == 2)
    }

    @Test func `by time: without timestamps counted from the segment's making`() throws {
        let world = TestWorld()
        let log = try open(world) { $0.segmentMs = 1000 }
        try log.append(TestBatches.sized(100, timestamp: -1), now: world.clock.wallMilliseconds)
        world.advance(1000)
        try log.append(TestBatches.sized(100, timestamp: -1), now: world.clock.wallMilliseconds)
        #expect(log.segmentCount == 1)
        world.advance(1)
        try log.append(TestBatches.sized(100, timestamp: -1), now: world.clock.wallMilliseconds)
        #expect(log.segmentCount == 2)
    }

    @Test func `by time: an empty segment does not roll`() throws {
        let world = TestWorld()
        let log = try open(world) { $0.segmentMs = 1000 }
        world.advance(100_000)
        try log.append(TestBatches.sized(100), now: world.clock.wallMilliseconds)
        #expect(log.segmentCount == 1)
    }

    @Test func `jitter takes time off, the same for the whole segment`() throws {
        let world = TestWorld(seed: 3)
        let log = try open(world) {
            $0.segmentMs = 1000
            $0.segmentJitterMs = 1000
        }
        let jitter = SeededRandom(seed: 3).below(1000)
        #expect(jitter > 0)
        try log.append(TestBatches.sized(100, timestamp: 5000))
        try log.append(TestBatches.sized(100, timestamp: 6000 - jitter))
        #expect(log.segmentCount == 1)
        try log.append(TestBatches.sized(100, timestamp: 6001 - jitter))
        #expect(log.segmentCount == 2)
    }

    @Test func `compacted topics roll by the compaction lag where that is shorter`() throws {
        let log = try open(TestWorld()) {
            $0.segmentMs = 1_000_000
            $0.maxCompactionLagMs = 10
            $0.cleanupPolicy = .compact
        }
        try log.append(TestBatches.batch(["a"], timestamp: 5000))
        try log.append(TestBatches.batch(["a"], timestamp: 5011))
        #expect(log.segmentCount == 2)
    }

    @Test func `when the index is full`() throws {
        let log = try open(TestWorld()) {
            $0.segmentIndexBytes = 24
            $0.indexIntervalBytes = 0
        }
        for _ in 0..<9 { try log.append(TestBatches.sized(100, timestamp: -1)) }
        // The first batch has no entry; three entries fill the index.
        #expect(log.segmentCount == 3)
    }

    @Test func `when the time index is full but for one entry`() throws {
        let log = try open(TestWorld()) {
            $0.segmentIndexBytes = 36
            $0.indexIntervalBytes = 0
        }
        for step in 0..<4 { try log.append(TestBatches.sized(100, timestamp: Int64(step))) }
        #expect(log.segmentCount == 2)
    }

    @Test func `files are cut to what they hold and a snapshot is written`() throws {
        let world = TestWorld()
        let log = try open(world) {
            $0.segmentBytes = 1000
            $0.indexIntervalBytes = 200
        }
        for step in 0..<4 { try log.append(TestBatches.sized(300, timestamp: Int64(step))) }
        #expect(world.queues.pendingCount > 0)
        #expect(log.recoveryPoint == 0)
        world.run()
        #expect(log.recoveryPoint == 3)
        func size(_ name: String) throws -> Int64? { try world.files.status("/data/t-0/\(name)")?.size }
        #expect(try size("00000000000000000000.log") == 900)
        #expect(try size("00000000000000000000.index") == 16)
        #expect(try size("00000000000000000000.timeindex") == 24)
        #expect(try size("00000000000000000003.log") == 300)
        #expect(try size("00000000000000000003.index") == 10_485_760)
        #expect(try size("00000000000000000003.timeindex") == 10_485_756)
        #expect(try size("00000000000000000003.snapshot") == 10)
        #expect(try world.bytes("/data/t-0/leader-epoch-checkpoint") == Array("0\n1\n0 0\n".utf8))
    }

    @Test func `nothing is rolled twice`() throws {
        let log = try open(TestWorld()) { _ in }
        try log.roll()
        #expect(log.segmentCount == 1)
        try log.append(TestBatches.batch(["a"]))
        try log.roll()
        try log.roll()
        #expect(log.segmentCount == 2)
    }

    @Test(arguments: [false, true])
    func `a log that is closed right behind a roll knows its producers afterwards`(writesBefore: Bool) throws {
        let world = TestWorld()
        let log = try world.open()
        try log.append(TestBatches.batch(["a"], producer: (4, 0, 7)))
        try log.roll()
        if writesBefore { world.run() }
        try log.close()
        world.run()
        let again = try world.open(clean: true)
        #expect(again.activeProducers().map(\.lastSequence) == [7])
        let repeated = try again.append(TestBatches.batch(["a"], producer: (4, 0, 7)))
        #expect(repeated.isDuplicate)
    }

    @Test func `producers are known behind a log whose records were all deleted`() throws {
        let world = TestWorld()
        let log = try world.open()
        try log.append(TestBatches.batch(["a"], producer: (4, 0, 7)))
        log.updateHighWatermark(1)
        try log.incrementLogStartOffset(to: 1)
        try log.close()
        let again = try world.open(clean: true, logStartOffset: 1)
        #expect(again.activeProducers().map(\.lastSequence) == [7])
    }
}
