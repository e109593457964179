// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

@Suite struct TimestampLookupTests {
    private func log(_ world: TestWorld = TestWorld()) throws -> UnifiedLog {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 500
        configuration.indexIntervalBytes = 100
        return try world.open("/data/t-0", configuration)
    }

    @Test func `the first record at or after the time is found in any segment`() throws {
        let log = try log()
        // Three records a batch, 10 ms apart within, 100 ms between batches.
        for step in 0..<20 {
            var builder = RecordBatchBuilder()
            for record in 0..<3 {
                try builder.append(
                    timestamp: Int64(step) * 100 + Int64(record) * 10, key: nil, value: Array("v".utf8))
            }
            try log.append(builder.finish(), epoch: Int32(step / 10))
        }
        #expect(log.segmentCount > 3)
        for target in stride(from: Int64(-5), through: 1930, by: 7) {
            let expected = (0..<60).first { Int64($0 / 3) * 100 + Int64($0 % 3) * 10 >= target }
            let found = try log.offset(forTimestamp: target)
            #expect(found?.offset == expected.map { Int64($0) }, "\(target)")
            if let expected {
                #expect(found?.timestamp == Int64(expected / 3) * 100 + Int64(expected % 3) * 10)
                #expect(found?.leaderEpoch == Int32(expected / 30))
            }
        }
        #expect(try log.offset(forTimestamp: 1921) == nil)
    }

    @Test func `timestamps out of order are found by the first that is large enough`() throws {
        let log = try log()
        let stamps: [Int64] = [50, 10, 70, 20, 20, 90, 5, 60]
        for stamp in stamps { try log.append(TestBatches.sized(120, timestamp: stamp)) }
        for target in Int64(0)...95 {
            let expected = stamps.firstIndex { $0 >= target }
            #expect(try log.offset(forTimestamp: target)?.offset == expected.map { Int64($0) }, "\(target)")
        }
        #expect(try log.offsetOfMaxTimestamp() == TimestampedOffset(timestamp: 90, offset: 5, leaderEpoch: 0))
    }

    @Test func `records below the log start are not found`() throws {
        let log = try log()
        for stamp in [Int64(10), 20, 30] { try log.append(TestBatches.sized(100, timestamp: stamp)) }
        log.updateHighWatermark(3)
        try log.incrementLogStartOffset(to: 1)
        #expect(try log.offset(forTimestamp: 5)?.offset == 1)
    }

    @Test func `compressed batches are looked into`() throws {
        let log = try log()
        try log.append(TestBatches.batch(["a", "b", "c"], timestamp: 100, compression: .zstd))
        #expect(try log.offset(forTimestamp: 101)?.offset == 1)
        #expect(try log.offsetOfMaxTimestamp()?.offset == 2)
    }

    @Test(arguments: [true, false])
    func `lookups work after a restart`(clean: Bool) throws {
        let world = TestWorld()
        let log = try log(world)
        for step in 0..<9 { try log.append(TestBatches.sized(120, timestamp: Int64(step * 10))) }
        if clean { try log.close() } else { world.crash(.everything) }
        var configuration = LogConfiguration()
        configuration.segmentBytes = 500
        let again = try world.open("/data/t-0", configuration, clean: clean)
        #expect(try again.offset(forTimestamp: 75)?.offset == 8)
        #expect(try again.offset(forTimestamp: 31)?.offset == 4)
        #expect(try again.offsetOfMaxTimestamp()?.offset == 8)
    }

    @Test func `a log without timestamps has no such offset`() throws {
        let log = try log()
        #expect(try log.offsetOfMaxTimestamp() == nil)
        #expect(try log.offset(forTimestamp: 0) == nil)
        try log.append(TestBatches.sized(100, timestamp: -1))
        #expect(try log.offsetOfMaxTimestamp() == nil)
    }

    @Test func `earliest and latest are the log's marks`() throws {
        let log = try log()
        for _ in 0..<3 { try log.append(TestBatches.sized(100), epoch: 4) }
        log.updateHighWatermark(2)
        #expect(log.earliestOffset() == TimestampedOffset(timestamp: -1, offset: 0, leaderEpoch: 4))
        #expect(log.latestOffset(.highWatermark).offset == 2)
        #expect(log.latestOffset(.lastStable).offset == 2)
        #expect(log.latestOffset(.logEnd).offset == 3)
    }
}

@Suite struct LeaderEpochTests {
    @Test(arguments: [
        (Int32(-1), Int32(-1), Int64(-1)), (0, 0, 10), (1, 1, 10), (2, 2, 20), (3, 2, 20), (4, 4, 30), (5, 5, 35),
        (6, -1, -1),
    ])
    func `epochs end where the next begins`(requested: Int32, epoch: Int32, end: Int64) {
        var cache = LeaderEpochCache()
        cache.assign(epoch: 1, startOffset: 10)
        cache.assign(epoch: 2, startOffset: 10)
        cache = LeaderEpochCache([
            EpochEntry(epoch: 2, startOffset: 10), EpochEntry(epoch: 4, startOffset: 20),
            EpochEntry(epoch: 5, startOffset: 30),
        ])
        let found = cache.endOffset(for: requested, logEndOffset: 35)
        #expect(found.epoch == epoch)
        #expect(found.endOffset == end)
    }

    @Test func `new entries take out what contradicts them`() {
        var cache = LeaderEpochCache()
        cache.assign(epoch: 1, startOffset: 0)
        cache.assign(epoch: 1, startOffset: 5)
        #expect(cache.entries == [EpochEntry(epoch: 1, startOffset: 0)])
        cache.assign(epoch: 3, startOffset: 10)
        cache.assign(epoch: 4, startOffset: 10)
        #expect(cache.entries.map(\.epoch) == [1, 4])
        cache.assign(epoch: 5, startOffset: 20)
        cache.assign(epoch: 4, startOffset: 15)
        #expect(cache.entries == [EpochEntry(epoch: 1, startOffset: 0), EpochEntry(epoch: 4, startOffset: 15)])
        cache.assign(epoch: -1, startOffset: 99)
        #expect(cache.latestEpoch == 4)
    }

    @Test func `both ends can be cut`() {
        let entries = [
            EpochEntry(epoch: 1, startOffset: 0), EpochEntry(epoch: 2, startOffset: 10),
            EpochEntry(epoch: 3, startOffset: 20),
        ]
        var cache = LeaderEpochCache(entries)
        cache.truncateFromEnd(21)
        #expect(!cache.isDirty)
        cache.truncateFromEnd(20)
        #expect(cache.entries == Array(entries[..<2]))
        #expect(cache.isDirty)
        cache.truncateFromStart(5)
        #expect(cache.entries == [EpochEntry(epoch: 1, startOffset: 5), EpochEntry(epoch: 2, startOffset: 10)])
        cache.truncateFromStart(10)
        #expect(cache.entries == [EpochEntry(epoch: 2, startOffset: 10)])
        cache.truncateFromStart(40)
        #expect(cache.entries == [EpochEntry(epoch: 2, startOffset: 40)])
        #expect(cache.epoch(of: 39) == nil)
        #expect(cache.epoch(of: 40) == 2)
    }

    @Test(arguments: [true, false])
    func `a log knows its epochs after a restart`(clean: Bool) throws {
        let world = TestWorld()
        let log = try world.open()
        try log.append(TestBatches.batch(["a"]), epoch: 1)
        try log.append(TestBatches.batch(["b", "c"]), epoch: 3)
        log.assignEpochAtEnd(7)
        #expect(log.endOffset(forEpoch: 1) == EpochEndOffset(leaderEpoch: 1, endOffset: 1))
        #expect(log.endOffset(forEpoch: 7) == EpochEndOffset(leaderEpoch: 7, endOffset: 3))
        if clean {
            try log.close()
        } else {
            try log.flush()
            world.crash(.nothing)
        }
        let again = try world.open(clean: clean, recoveryPoint: clean ? 3 : 0)
        #expect(again.endOffset(forEpoch: 1).endOffset == 1)
        #expect(again.endOffset(forEpoch: 2) == EpochEndOffset(leaderEpoch: 1, endOffset: 1))
        // An epoch in which nothing was written is the leader's to announce again.
        #expect(again.endOffset(forEpoch: 3).endOffset == 3)
    }

    @Test func `a leader's epoch ends at the log's end before anything is written in it`() throws {
        let log = try TestWorld().open()
        #expect(log.endOffset(forEpoch: 4, ofLeader: 5) == EpochEndOffset(leaderEpoch: 4, endOffset: 0))
        try log.append(TestBatches.batch(["a", "b"]), epoch: 1)
        #expect(log.endOffset(forEpoch: 5) == EpochEndOffset(leaderEpoch: -1, endOffset: -1))
        #expect(log.endOffset(forEpoch: 5, ofLeader: 5) == EpochEndOffset(leaderEpoch: 5, endOffset: 2))
        #expect(log.endOffset(forEpoch: 3, ofLeader: 5) == EpochEndOffset(leaderEpoch: 1, endOffset: 2))
        #expect(log.endOffset(forEpoch: 1, ofLeader: 5) == EpochEndOffset(leaderEpoch: 1, endOffset: 2))
        #expect(log.endOffset(forEpoch: 6, ofLeader: 5) == EpochEndOffset(leaderEpoch: -1, endOffset: -1))
        #expect(log.endOffset(forEpoch: 1, ofLeader: 1) == EpochEndOffset(leaderEpoch: 1, endOffset: 2))
        #expect(log.epochEntries == [EpochEntry(epoch: 1, startOffset: 0)])
    }

    @Test func `a checkpoint that cannot be read is made again from the batches`() throws {
        let world = TestWorld(durability: .immediate)
        let log = try world.open()
        try log.append(TestBatches.batch(["a"]), epoch: 1)
        try log.append(TestBatches.batch(["b"]), epoch: 2)
        try log.close()
        let file = try world.files.open("/data/t-0/leader-epoch-checkpoint", .readWrite)
        try file.truncate(to: 5)
        let again = try world.open(clean: true)
        world.run()
        #expect(again.epochEntries == [EpochEntry(epoch: 1, startOffset: 0), EpochEntry(epoch: 2, startOffset: 1)])
        #expect(try world.bytes("/data/t-0/leader-epoch-checkpoint") == Array("0\n2\n1 0\n2 1\n".utf8))
    }
}
