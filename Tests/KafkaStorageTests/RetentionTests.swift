// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

@Suite struct RetentionTests {
    private static let now = TestBatches.time

    private func configuration(_ change: (inout LogConfiguration) -> Void = { _ in }) -> LogConfiguration {
        var configuration = LogConfiguration()
        configuration.retentionMs = -1
        configuration.indexIntervalBytes = 100
        change(&configuration)
        return configuration
    }

    /// A log with one segment of 300 bytes, three records, for each age in milliseconds; the last is the active one.
    private func open(
        _ world: TestWorld, ages: [Int64], highWatermark: Int64? = nil, _ change: (inout LogConfiguration) -> Void
    ) throws -> UnifiedLog {
        let log = try world.open("/data/t-0", configuration(change))
        for age in ages {
            try log.roll()
            for _ in 0..<3 { try log.append(TestBatches.sized(100, timestamp: Self.now - age), epoch: 2) }
        }
        log.updateHighWatermark(highWatermark ?? log.logEndOffset)
        return log
    }

    struct Case: CustomTestStringConvertible {
        var name: String
        var ages: [Int64] = [40, 30, 20, 10]
        var policy: LogConfiguration.CleanupPolicy = .delete
        var retentionMs: Int64 = -1
        var retentionBytes: Int64 = -1
        var logStart: Int64 = 0
        var highWatermark: Int64 = 12
        var deleted: Int
        var start: Int64

        var testDescription: String { name }
    }

    private static let cases: [Case] = [
        Case(name: "no limits: all stays", deleted: 0, start: 0),
        Case(name: "time: what is older than the limit goes", retentionMs: 25, deleted: 2, start: 6),
        Case(name: "time: as old as the limit is not older", retentionMs: 30, deleted: 1, start: 3),
        Case(
            name: "time: the first that is young enough keeps all behind it", ages: [40, 5, 40, 40], retentionMs: 20,
            deleted: 1, start: 3),
        Case(name: "time: the active segment goes with the others", retentionMs: 5, deleted: 4, start: 12),
        Case(
            name: "time: a timestamp ahead keeps its segment", ages: [-10, 40], retentionMs: 5, highWatermark: 6,
            deleted: 0, start: 0),
        Case(name: "size: down to the limit, never below it", retentionBytes: 700, deleted: 1, start: 3),
        Case(name: "size: exactly to the limit", retentionBytes: 600, deleted: 2, start: 6),
        Case(name: "size: nothing but an empty segment stays at 0", retentionBytes: 0, deleted: 4, start: 12),
        Case(name: "size: a log below its limit stays", retentionBytes: 1201, deleted: 0, start: 0),
        Case(name: "size and time: what either says", retentionMs: 35, retentionBytes: 600, deleted: 2, start: 6),
        Case(name: "time and size: what either says", retentionMs: 15, retentionBytes: 1000, deleted: 3, start: 9),
        Case(name: "log start: segments wholly below it go", logStart: 7, deleted: 2, start: 7),
        Case(name: "log start: at a segment's base", logStart: 6, deleted: 2, start: 6),
        Case(name: "log start: the active segment stays", logStart: 12, deleted: 3, start: 12),
        Case(name: "log start and time", retentionMs: 15, logStart: 4, deleted: 3, start: 9),
        Case(name: "high watermark: nothing above it goes", retentionMs: 5, highWatermark: 5, deleted: 1, start: 3),
        Case(name: "high watermark: it may be a segment's end", retentionMs: 5, highWatermark: 6, deleted: 2, start: 6),
        Case(
            name: "high watermark: the active segment needs all of it", retentionMs: 5, highWatermark: 11, deleted: 3,
            start: 9),
        Case(
            name: "compact: time and size do not count", policy: .compact, retentionMs: 5, retentionBytes: 0,
            deleted: 0, start: 0),
        Case(name: "compact: log start counts", policy: .compact, retentionMs: 5, logStart: 5, deleted: 1, start: 5),
        Case(
            name: "no policy: log start alone counts", policy: [], retentionMs: 5, retentionBytes: 0, logStart: 3,
            deleted: 1, start: 3),
        Case(
            name: "compact and delete: time counts", policy: [.compact, .delete], retentionMs: 15, deleted: 3,
            start: 9),
    ]

    @Test(arguments: cases)
    func `what goes`(_ given: Case) throws {
        let world = TestWorld()
        let log = try open(world, ages: given.ages, highWatermark: given.highWatermark) { _ in }
        // Set now only: the records have no keys.
        log.update(
            configuration {
                $0.retentionMs = given.retentionMs
                $0.retentionBytes = given.retentionBytes
                $0.cleanupPolicy = given.policy
            })
        try log.incrementLogStartOffset(to: given.logStart)
        let end = log.logEndOffset
        #expect(try log.deleteOldSegments(now: Self.now) == given.deleted)
        #expect(log.logStartOffset == given.start)
        #expect(log.logEndOffset == end)
        #expect(log.earliestOffset().offset == given.start)
        #expect(try log.records().count == Int(end - given.start))
        #expect(try log.deleteOldSegments(now: Self.now) == 0)
        log.update(configuration())
        #expect(try log.append(TestBatches.sized(100)).firstOffset == end)
    }

    @Test func `files get another name at once and go after the delay`() throws {
        let world = TestWorld()
        let log = try open(world, ages: [40, 10]) { $0.retentionMs = 20 }
        world.run()
        try world.files.open("/data/t-0/00000000000000000000.txnindex", .createNew).close()
        let before = try world.files.list("/data/t-0")
        #expect(before.contains("00000000000000000003.snapshot"))
        #expect(try log.deleteOldSegments(now: Self.now) == 1)
        let marked = try world.files.list("/data/t-0").filter { $0.hasSuffix(".deleted") }
        #expect(
            marked == [".index", ".log", ".timeindex", ".txnindex"].map { "00000000000000000000\($0).deleted" })
        world.advance(59_999)
        #expect(try world.files.list("/data/t-0").filter { $0.hasSuffix(".deleted") } == marked)
        world.advance(1)
        let left = try world.files.list("/data/t-0")
        #expect(!left.contains { $0.hasPrefix("00000000000000000000") })
        #expect(left.contains("00000000000000000003.log"))
        #expect(left.contains("00000000000000000003.snapshot"))
    }

    @Test func `the snapshot at a segment's base goes with it`() throws {
        let world = TestWorld()
        let log = try open(world, ages: [40, 30, 10]) { $0.retentionMs = 20 }
        world.run()
        #expect(try log.deleteOldSegments(now: Self.now) == 2)
        world.advance(60_000)
        let snapshots = try world.files.list("/data/t-0").filter { $0.hasSuffix(".snapshot") }
        #expect(snapshots == ["00000000000000000006.snapshot"])
    }

    @Test func `leader epochs begin at the new start`() throws {
        let world = TestWorld()
        let log = try world.open("/data/t-0", configuration { $0.retentionMs = 20 })
        for epoch: Int32 in 1...3 {
            try log.append(TestBatches.sized(100, timestamp: Self.now - 40 + Int64(epoch)), epoch: epoch)
            if epoch > 1 { try log.roll() }
        }
        log.updateHighWatermark(3)
        #expect(try log.deleteOldSegments(now: Self.now) == 2)
        #expect(log.logStartOffset == 3)
        try log.append(TestBatches.sized(100, timestamp: Self.now), epoch: 3)
        #expect(log.epochEntries == [EpochEntry(epoch: 3, startOffset: 3)])
        world.run()
        #expect(try world.bytes("/data/t-0/leader-epoch-checkpoint") == Array("0\n1\n3 3\n".utf8))
    }

    @Test func `a read under way is not disturbed`() throws {
        let world = TestWorld()
        let log = try open(world, ages: [40, 10]) { $0.retentionMs = 20 }
        let range = try log.read(from: 0, maxBytes: 300, isolation: .logEnd, atLeastOne: true)
        let file = try #require(range.file)
        let bytes = try file.readBytes(at: range.position, count: range.count)
        try log.deleteOldSegments(now: Self.now)
        world.advance(60_000)
        #expect(try file.readBytes(at: range.position, count: range.count) == bytes)
        #expect(bytes.count == 300)
        #expect(throws: StorageError.self) {
            try log.read(from: 2, maxBytes: 300, isolation: .logEnd, atLeastOne: true)
        }
    }

    @Test func `records without timestamps are as old as their file`() throws {
        let world = TestWorld()
        let log = try world.open("/data/t-0", configuration { $0.retentionMs = 1000 })
        try log.append(TestBatches.sized(100, timestamp: -1))
        try log.roll()
        world.advance(600)
        try log.append(TestBatches.sized(100, timestamp: -1))
        log.updateHighWatermark(2)
        world.advance(400)
        #expect(try log.deleteOldSegments(now: world.clock.wallMilliseconds) == 0)
        world.advance(1)
        #expect(try log.deleteOldSegments(now: world.clock.wallMilliseconds) == 1)
        #expect(log.logStartOffset == 1)
    }

    @Test func `an open transaction whose beginning went holds the last stable offset at the start`() throws {
        let world = TestWorld()
        let log = try world.open("/data/t-0", configuration { $0.retentionMs = 1000 })
        try log.append(
            TestBatches.batch(["a"], timestamp: Self.now - 2000, producer: (7, 0, 0), isTransactional: true))
        try log.roll()
        try log.append(TestBatches.batch(["b"], timestamp: Self.now))
        log.updateHighWatermark(2)
        #expect(log.lastStableOffset == 0)
        #expect(try log.deleteOldSegments(now: Self.now) == 1)
        #expect(log.lastStableOffset == 1)
        #expect(try log.records(isolation: .lastStable).isEmpty)
    }

    @Test func `nothing is due: no file is touched`() throws {
        let world = TestWorld()
        let log = try open(world, ages: [40, 30, 20, 10]) {
            $0.retentionMs = 100
            $0.retentionBytes = 5000
        }
        world.run()
        let calls = world.files.callCount
        #expect(try log.deleteOldSegments(now: Self.now) == 0)
        #expect(world.files.callCount == calls)
        try log.close()
        let again = try world.open(
            "/data/t-0", configuration { $0.retentionMs = 100 }, clean: true, recoveryPoint: 12, highWatermark: 12)
        // The newest timestamp of the first segment must be read once.
        #expect(try again.deleteOldSegments(now: Self.now) == 0)
        let warm = world.files.callCount
        for _ in 0..<5 { #expect(try again.deleteOldSegments(now: Self.now) == 0) }
        #expect(world.files.callCount == warm)
    }

    @Test func `a timestamp that lies ahead is reported once`() throws {
        let world = TestWorld()
        let log = try open(world, ages: [-10, 40]) { $0.retentionMs = 5 }
        for _ in 0..<3 { try log.deleteOldSegments(now: Self.now) }
        #expect(world.events.all.filter { $0.contains("timestampInFuture") }.count == 1)
        #expect(try log.deleteOldSegments(now: Self.now + 16) == 2)
    }

    // MARK: Restarts

    @Test(arguments: [true, false])
    func `a restart finds the log as it was`(clean: Bool) throws {
        let world = TestWorld()
        let change: (inout LogConfiguration) -> Void = { $0.retentionMs = 25 }
        let log = try open(world, ages: [40, 30, 20, 10], change)
        world.run()
        try log.deleteOldSegments(now: Self.now)
        #expect(log.recoveryPoint == 9)
        if clean {
            try log.close()
            world.crash(.nothing)
        } else {
            world.crash(.everything)
        }
        let again = try world.open(
            "/data/t-0", configuration(change), clean: clean, recoveryPoint: log.recoveryPoint, highWatermark: 12)
        #expect(again.logStartOffset == 6)
        #expect(again.logEndOffset == 12)
        #expect(try again.records().count == 6)
        #expect(try !world.files.list("/data/t-0").contains { $0.hasSuffix(".deleted") })
    }

    @Test func `a restart after everything went goes on at the log's end`() throws {
        let world = TestWorld()
        let change: (inout LogConfiguration) -> Void = { $0.retentionMs = 5 }
        let log = try open(world, ages: [40, 30], change)
        #expect(try log.flush(upTo: 3) == 3)
        #expect(try log.deleteOldSegments(now: Self.now) == 2)
        #expect(log.recoveryPoint == 6)
        #expect(log.segmentCount == 1)
        world.crash(.nothing)
        let again = try world.open("/data/t-0", configuration(change), recoveryPoint: log.recoveryPoint)
        #expect(again.logStartOffset == 6)
        #expect(again.logEndOffset == 6)
        #expect(try again.append(TestBatches.sized(100)).firstOffset == 6)
    }

    @Test(arguments: 0..<40)
    func `a crash in the middle leaves no gap`(seed: UInt64) throws {
        let world = TestWorld(seed: seed)
        let change: (inout LogConfiguration) -> Void = { $0.retentionMs = 5 }
        let log = try open(world, ages: [60, 50, 40, 30, 20, 10, 0], change)
        world.run()
        let point = try log.flush()
        // The last call, the sync of the directory, fails: nothing is promised.
        world.files.setFault { _, operation, _ in operation == .syncDirectory ? .inputOutput : nil }
        #expect(throws: StorageError.self) { try log.deleteOldSegments(now: Self.now) }
        #expect(log.recoveryPoint == point)
        world.files.setFault(nil)
        world.crash(.some(random: world.random))
        let again = try world.open("/data/t-0", configuration(change), recoveryPoint: point, highWatermark: 21)
        #expect(again.logStartOffset % 3 == 0 && again.logStartOffset <= 18)
        #expect(again.logEndOffset == 21)
        #expect(try again.records().count == Int(21 - again.logStartOffset))
        try again.deleteOldSegments(now: Self.now)
        #expect(again.logStartOffset == 18)
    }

    // MARK: Faults

    @Test(arguments: [FileError.Kind.inputOutput, .noSpace])
    func `a failure at any call leaves a log that serves, and the next look does the rest`(
        kind: FileError.Kind
    ) throws {
        var number = 0
        while true {
            let world = TestWorld()
            let change: (inout LogConfiguration) -> Void = { $0.retentionMs = 5 }
            let log = try open(world, ages: [40, 30, 20], change)
            world.run()
            world.files.failCall(after: number, with: kind)
            _ = try? log.deleteOldSegments(now: Self.now)
            world.run()
            let wasHit = world.files.faultCount > 0
            world.files.setFault(nil)
            guard wasHit else { break }
            let hint: Comment = "call \(number)"
            if log.failure == nil {
                #expect(log.logEndOffset == 9, hint)
                #expect(try log.records().count == Int(9 - log.logStartOffset), hint)
                try log.deleteOldSegments(now: Self.now)
                #expect(log.logStartOffset == 9, hint)
                #expect(try log.append(TestBatches.sized(100)).firstOffset == 9, hint)
                world.run()
            }
            let (start, end) = (log.logStartOffset, log.logEndOffset)
            world.crash(.everything)
            let again = try world.open("/data/t-0", configuration(change), highWatermark: 9)
            #expect(again.logStartOffset == start, hint)
            #expect(again.logEndOffset == end, hint)
            #expect(try again.records().count == Int(end - start), hint)
            number += 1
        }
        #expect(number > 10)
    }
}
