// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Synchronization
import Testing

@testable import KafkaStorage

/// Moving logs between directories.
@Suite struct LogMovingTests {
    private static let directories = ["/data/a", "/data/b"]
    private static let partition = TopicPartition(topic: "t", partition: 0)
    private static let configuration: LogConfiguration = {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 700
        configuration.indexIntervalBytes = 100
        configuration.segmentIndexBytes = 4096
        return configuration
    }()

    private final class Reported: Sendable {
        private let list = Mutex<[String]>([])
        func add(_ text: String) { list.withLock { $0.append(text) } }
        var all: [String] { list.withLock { $0 } }
    }

    /// Opens and loads everything; tasks, and with them moves, run only where `startsTasks`.
    private func start(_ world: TestWorld, startsTasks: Bool = true) throws -> LogManager {
        let manager = LogManager(
            configuration: LogManagerConfiguration(directories: Self.directories), runtime: world.runtime,
            observer: world.events)
        try manager.openDirectories()
        manager.loadLogs(topicConfiguration: { _ in Self.configuration }) { _ in }
        world.run()
        if startsTasks { manager.startTasks() }
        return manager
    }

    private func stop(_ world: TestWorld, _ manager: LogManager) {
        manager.shutdown(brokerEpoch: 1) {}
        world.run()
    }

    /// The log, in `/data/a`, with records 0 ..< count.
    private func make(_ manager: LogManager, _ count: Int) throws -> UnifiedLog {
        let log = try manager.createLog(
            for: Self.partition, topicID: KafkaUUID(high: 7, low: 9), configuration: Self.configuration)
        #expect(log.directory == "/data/a/t-0")
        try append(log, 0..<count)
        return log
    }

    private func append(_ log: UnifiedLog, _ values: Range<Int>, epoch: Int32 = 0) throws {
        for value in values { try log.append(TestBatches.batch(["v\(value)"]), epoch: epoch) }
        log.updateHighWatermark(log.logEndOffset)
    }

    private func records(_ range: Range<Int>) -> [String] { range.map { "\($0)=v\($0)" } }

    private func names(_ world: TestWorld, _ directory: String) throws -> [String] {
        try world.files.list(directory).filter { $0.hasPrefix("t-0") }
    }

    // MARK: Moving

    @Test func `a log that moves keeps everything and goes on`() throws {
        let world = TestWorld()
        let manager = try start(world)
        let log = try make(manager, 40)
        try log.incrementLogStartOffset(to: 5)
        let moves = Reported()
        manager.onMove { partition, _ in moves.add("\(partition)") }
        try manager.move(Self.partition, to: "/data/b")
        #expect(manager.describe { _ in true }[1].logs.map(\.isFuture) == [true])
        world.run()
        #expect(moves.all == ["t-0"])
        #expect(log.directory == "/data/b/t-0")
        #expect(manager.log(for: Self.partition) === log)
        #expect(manager.directory(of: Self.partition)?.path == "/data/b")
        #expect(log.logStartOffset == 5 && log.highWatermark == 40)
        try append(log, 40..<50)
        #expect(try log.records(from: 5) == records(5..<50))
        #expect(try names(world, "/data/b") == ["t-0"])
        world.advance(61_000)
        #expect(try names(world, "/data/a") == [])
        #expect(manager.describe { _ in true }.map { $0.logs.map(\.isFuture) } == [[], [false]])
        stop(world, manager)
        let again = try #require(try start(world).log(for: Self.partition))
        #expect(again.directory == "/data/b/t-0")
        #expect(again.logStartOffset == 5)
        #expect(again.topicID == KafkaUUID(high: 7, low: 9))
        #expect(try again.records(from: 5) == records(5..<50))
    }

    @Test func `appends, syncs and deleted records go on while a log moves`() throws {
        let world = TestWorld()
        let manager = try start(world)
        let log = try make(manager, 30)
        log.assignEpochAtEnd(3)
        try manager.move(Self.partition, to: "/data/b")
        let group = WriteGroup()
        var batch = try TestBatches.batch(["v30"])
        _ = try batch.withUnsafeMutableBytes { bytes in
            try log.appendAsLeader(bytes, leaderEpoch: 4, now: TestBatches.time, group: group)
        }
        try log.incrementLogStartOffset(to: 11)
        try log.flush()
        world.run()
        #expect(log.directory == "/data/b/t-0")
        #expect(group.commit().isEmpty)
        try append(log, 31..<33, epoch: 4)
        #expect(try log.records(from: 11) == records(11..<33))
        #expect(log.logStartOffset == 11)
        #expect(log.latestEpoch == 4)
        #expect(log.epoch(of: 20) == 0)
    }

    @Test func `idempotent producers are known after a move`() throws {
        let world = TestWorld()
        let manager = try start(world)
        let log = try make(manager, 1)
        let batch = try TestBatches.batch(["p"], producer: (id: 9, epoch: 0, sequence: 0))
        try log.append(batch)
        log.updateHighWatermark(2)
        try log.incrementLogStartOffset(to: 2)
        let states = log.activeProducers()
        #expect(states.count == 1)
        try manager.move(Self.partition, to: "/data/b")
        world.run()
        #expect(log.directory == "/data/b/t-0")
        #expect(log.activeProducers() == states)
        #expect(try log.append(batch).isDuplicate)
    }

    @Test func `to name the directory a log is in gives up its move`() throws {
        let world = TestWorld()
        let manager = try start(world)
        let log = try make(manager, 30)
        try manager.move(Self.partition, to: "/data/b")
        try manager.move(Self.partition, to: "/data/b/")
        #expect(try names(world, "/data/b").count == 1)
        try manager.move(Self.partition, to: "/data/a")
        world.run()
        #expect(log.directory == "/data/a/t-0")
        world.advance(61_000)
        #expect(try names(world, "/data/b") == [])
        try manager.move(Self.partition, to: "/data/b")
        world.run()
        #expect(log.directory == "/data/b/t-0")
        try manager.move(Self.partition, to: "/data/a")
        world.run()
        #expect(log.directory == "/data/a/t-0")
        #expect(try log.records() == records(0..<30))
    }

    @Test func `a log that is deleted while it moves is gone in both directories`() throws {
        let world = TestWorld()
        let manager = try start(world)
        _ = try make(manager, 30)
        try manager.move(Self.partition, to: "/data/b")
        try manager.deleteLog(for: Self.partition)
        world.run()
        world.advance(61_000)
        #expect(try names(world, "/data/a") + names(world, "/data/b") == [])
        #expect(manager.describe { _ in true }.map(\.logs) == [[], []])
    }

    @Test func `compaction rests while a log is copied`() throws {
        let world = TestWorld()
        let manager = try start(world)
        _ = try make(manager, 30)
        let calls = Reported()
        manager.pauseCleaning(
            with: { partition, go in
                calls.add("pause \(partition)")
                go()
            }, resume: { calls.add("resume \($0)") })
        try manager.move(Self.partition, to: "/data/b")
        #expect(calls.all == ["pause t-0"])
        world.run()
        #expect(calls.all == ["pause t-0", "resume t-0"])
    }

    @Test(arguments: [
        ("t", "/data/c", ErrorCode.logDirNotFound), ("t", "", .logDirNotFound), ("x", "/data/b", .replicaNotAvailable),
        (String(repeating: "l", count: 249), "/data/b", .invalidTopicException),
    ])
    func `what cannot be moved is refused`(topic: String, path: String, code: ErrorCode) throws {
        let world = TestWorld()
        let manager = try start(world)
        _ = try make(manager, 1)
        let refusal = #expect(throws: StorageError.self) {
            try manager.move(TopicPartition(topic: topic, partition: 0), to: path)
        }
        #expect(refusal?.errorCode == code)
    }

    @Test func `nothing is moved to a directory that is out of service`() throws {
        let world = TestWorld()
        let manager = try start(world)
        let log = try make(manager, 1)
        manager.markOffline(directory: "/data/b", reason: "smoke")
        let refusal = #expect(throws: StorageError.self) { try manager.move(Self.partition, to: "/data/b") }
        #expect(refusal?.errorCode == .kafkaStorageError)
        #expect(try log.records() == records(0..<1))
    }

    @Test func `when the directory of the copy fails the log stays where it is`() throws {
        let world = TestWorld()
        let manager = try start(world)
        let log = try make(manager, 30)
        try manager.move(Self.partition, to: "/data/b")
        world.files.setFault { _, operation, path in
            operation == .write && path.contains("-future") ? .inputOutput : nil
        }
        world.run()
        world.files.setFault(nil)
        #expect(log.directory == "/data/a/t-0")
        #expect(try log.records() == records(0..<30))
        #expect(manager.directories.map(\.isOnline) == [true, false])
    }

    @Test func `a copy waits for space`() throws {
        let world = TestWorld()
        let manager = try start(world)
        let log = try make(manager, 30)
        try manager.move(Self.partition, to: "/data/b")
        world.files.setFault { _, operation, path in
            operation == .write && path.contains("-future") ? .noSpace : nil
        }
        world.run()
        #expect(log.directory == "/data/a/t-0")
        #expect(manager.directories.map(\.isOnline) == [true, true])
        world.files.setFault(nil)
        world.advance(1_000)
        #expect(log.directory == "/data/b/t-0")
        #expect(try log.records() == records(0..<30))
    }

    // MARK: Restarting

    @Test func `a batch that is larger than a segment may be by now is moved, too`() throws {
        let world = TestWorld()
        let manager = try start(world)
        let log = try make(manager, 3)
        var large = Self.configuration
        large.segmentBytes = 10_000
        log.update(large)
        try log.append(TestBatches.sized(5_000, fill: 0x61))
        try log.append(TestBatches.batch(["last"]))
        log.updateHighWatermark(log.logEndOffset)
        let before = try log.records()
        log.update(Self.configuration)
        try manager.move(Self.partition, to: "/data/b")
        world.run()
        #expect(log.directory == "/data/b/t-0")
        #expect(try log.records() == before)
        #expect(before.count == 5)
        stop(world, manager)
        let again = try #require(try start(world).log(for: Self.partition))
        #expect(try again.records() == before)
    }

    @Test func `copies take no more than they may`() throws {
        let world = TestWorld()
        let manager = try start(world)
        let log = try make(manager, 0)
        for _ in 0..<10 { try log.append(TestBatches.sized(500)) }
        log.updateHighWatermark(log.logEndOffset)
        // Each read is of one segment at most: a batch, and half a second.
        manager.setMoveRate(bytesPerSecond: 1_000)
        try manager.move(Self.partition, to: "/data/b")
        world.run()
        #expect(log.directory == "/data/a/t-0")
        for _ in 0..<8 { world.advance(500) }
        #expect(log.directory == "/data/a/t-0")
        // A limit that is lifted counts from the next read on.
        manager.setMoveRate(bytesPerSecond: .max)
        world.advance(500)
        #expect(log.directory == "/data/b/t-0")
        #expect(try log.records().count == 10)
    }

    @Test func `a move that waits for its turn can be given up`() throws {
        let world = TestWorld()
        let manager = try start(world)
        let log = try make(manager, 40)
        manager.setMoveRate(bytesPerSecond: 0)
        try manager.move(Self.partition, to: "/data/b")
        world.run()
        try manager.move(Self.partition, to: "/data/a")
        world.advance(3_700_000)
        #expect(log.directory == "/data/a/t-0")
        #expect(manager.describe { _ in true }.map { $0.logs.map(\.isFuture) } == [[false], []])
    }

    @Test func `a copy that is not finished goes on after a restart`() throws {
        let world = TestWorld()
        var manager = try start(world)
        _ = try make(manager, 30)
        try manager.move(Self.partition, to: "/data/b")
        stop(world, manager)
        #expect(try names(world, "/data/b").count == 1)
        manager = try start(world)
        world.run()
        let log = try #require(manager.log(for: Self.partition))
        #expect(log.directory == "/data/b/t-0")
        #expect(try log.records() == records(0..<30))
    }

    @Test func `a copy whose log was just given up takes its place`() throws {
        let world = TestWorld()
        var manager = try start(world)
        let log = try make(manager, 30)
        try manager.move(Self.partition, to: "/data/b")
        // The process dies at the second rename.
        world.files.setFault { _, operation, path in
            operation == .rename && path.hasSuffix("-future") || operation == .rename && path.hasSuffix("-delete")
                ? .inputOutput : nil
        }
        world.run()
        #expect(log.failure != nil)
        world.files.setFault(nil)
        world.crash(.everything)
        manager = try start(world)
        world.run()
        let again = try #require(manager.log(for: Self.partition))
        #expect(again.directory == "/data/b/t-0")
        #expect(try again.records() == records(0..<30))
    }

    @Test func `a copy does not take the place of a log that may be elsewhere`() throws {
        let world = TestWorld()
        var manager = try start(world)
        _ = try make(manager, 30)
        try manager.move(Self.partition, to: "/data/b")
        stop(world, manager)
        world.files.setFault { _, _, path in path.hasPrefix("/data/a") ? .inputOutput : nil }
        manager = try start(world)
        world.run()
        #expect(manager.log(for: Self.partition) == nil)
        #expect(throws: StorageError.self) {
            _ = try manager.createLog(
                for: Self.partition, topicID: nil, configuration: Self.configuration, expecting: .log)
        }
        stop(world, manager)
        world.files.setFault(nil)
        manager = try start(world)
        world.run()
        let log = try #require(manager.log(for: Self.partition))
        #expect(try log.records() == records(0..<30))
    }

    /// The power fails at every call of a move; what was synced is there afterwards, once, whatever survived.
    @Test func `power may fail at any moment of a move`() throws {
        var number = 0
        while true {
            let world = TestWorld(seed: UInt64(number))
            var manager = try start(world)
            let log = try make(manager, 12)
            manager.checkpointRecoveryPoints()
            let synced = Int(try log.flush())
            try manager.move(Self.partition, to: "/data/b")
            try append(log, 12..<14)
            let before = world.files.faultCount
            world.files.failAllCalls(after: number, with: .inputOutput)
            world.run()
            let isOver = world.files.faultCount == before
            world.files.setFault(nil)
            world.crash([.nothing, .everything, .some(random: world.random)][number % 3])
            manager = try start(world)
            world.run()
            let again = try #require(manager.log(for: Self.partition), "call \(number)")
            let found = try again.records()
            #expect(found.count >= synced, "call \(number)")
            #expect(found == records(0..<found.count), "call \(number)")
            try append(again, found.count..<20)
            #expect(try again.records() == records(0..<20), "call \(number)")
            // A copy whose name was not durable yet is forgotten with it.
            let left = try names(world, "/data/a") + names(world, "/data/b")
            #expect(left.filter { !$0.hasSuffix("-delete") && !$0.hasSuffix("-stray") } == ["t-0"], "call \(number)")
            if isOver { break }
            number += 1
        }
        #expect(number > 60)
    }
}
