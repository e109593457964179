// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRuntime
import Synchronization
import Testing

@testable import KafkaStorage

@Suite struct LogRetentionTests {
    private func start(_ world: TestWorld, interval: Int64 = 1000) throws -> (logs: LogManager, retention: LogRetention)
    {
        let logs = LogManager(
            configuration: LogManagerConfiguration(directories: ["/data/a"]), runtime: world.runtime,
            observer: world.events)
        try logs.openDirectories()
        logs.loadLogs(topicConfiguration: { _ in LogConfiguration() }) { _ in }
        world.run()
        return (logs, LogRetention(logs: logs, interval: interval))
    }

    private func log(
        _ world: TestWorld, _ logs: LogManager, _ number: Int32, _ change: (inout LogConfiguration) -> Void
    ) throws -> UnifiedLog {
        var configuration = LogConfiguration()
        change(&configuration)
        let log = try logs.createLog(
            for: TopicPartition(topic: "t", partition: number), topicID: nil, configuration: configuration)
        try log.append(TestBatches.batch(["a"], timestamp: world.clock.wallMilliseconds))
        log.updateHighWatermark(1)
        return log
    }

    @Test func `looks begin after the delay and come at the interval`() throws {
        let world = TestWorld()
        let (logs, retention) = try start(world)
        let log = try log(world, logs, 0) { $0.retentionMs = 100 }
        retention.start(after: 5000)
        world.run()
        world.advance(4999)
        #expect(log.logStartOffset == 0)
        world.advance(1)
        #expect(log.logStartOffset == 1)
        try log.append(TestBatches.batch(["b"], timestamp: world.clock.wallMilliseconds))
        log.updateHighWatermark(2)
        world.advance(999)
        #expect(log.logStartOffset == 1)
        world.advance(1)
        #expect(log.logStartOffset == 2)
    }

    @Test func `one look sees to all logs that are not compacted`() throws {
        let world = TestWorld()
        let (logs, retention) = try start(world)
        var all: [UnifiedLog] = []
        for number: Int32 in 0..<5 {
            all.append(try log(world, logs, number) { $0.retentionMs = number == 2 ? 100_000 : 100 })
        }
        all.append(
            try log(world, logs, 5) {
                $0.retentionMs = 100; $0.cleanupPolicy = [.compact, .delete]
            })
        all.append(
            try log(world, logs, 6) {
                $0.retentionMs = 100; $0.cleanupPolicy = []
            })
        retention.start(after: 1000)
        world.run()
        world.advance(1000)
        #expect(all.map(\.logStartOffset) == [1, 1, 0, 1, 1, 0, 0])
    }

    @Test func `a log that fails keeps no other from its turn`() throws {
        let world = TestWorld()
        let (logs, retention) = try start(world)
        let first = try log(world, logs, 0) { $0.retentionMs = 100 }
        let second = try log(world, logs, 1) { $0.retentionMs = 100 }
        let third = try log(world, logs, 2) { $0.retentionMs = 100 }
        try first.close()
        world.files.setFault { _, operation, path in
            operation == .rename && path.contains("/t-1/") ? .noSpace : nil
        }
        retention.start(after: 1000)
        world.run()
        world.advance(1000)
        #expect(second.logStartOffset == 0)
        #expect(third.logStartOffset == 1)
        #expect(world.events.all.filter { $0.contains("retention") }.count == 1)
        world.files.setFault(nil)
        world.advance(1000)
        #expect(second.logStartOffset == 1)
    }

    @Test func `a disk that fails takes its directory out of service`() throws {
        let world = TestWorld()
        let (logs, retention) = try start(world)
        _ = try log(world, logs, 0) { $0.retentionMs = 100 }
        retention.start(after: 1000)
        world.run()
        world.files.setFault { _, operation, _ in operation == .rename ? .inputOutput : nil }
        world.advance(1000)
        #expect(logs.directories.map(\.isOnline) == [false])
        world.advance(10_000)
    }

    @Test func `a stop waits for the log that is looked at`() throws {
        let world = TestWorld()
        let (logs, retention) = try start(world)
        let log = try log(world, logs, 0) { $0.retentionMs = 100 }
        retention.start(after: 1000)
        world.run()
        world.clock.advance(1000)
        world.queues.fire(elapsed: 1000)
        let isDone = Mutex(false)
        retention.stop { isDone.withLock { $0 = true } }
        #expect(!isDone.withLock { $0 })
        world.run()
        #expect(isDone.withLock { $0 })
        #expect(log.logStartOffset == 1)
        try log.append(TestBatches.batch(["b"], timestamp: world.clock.wallMilliseconds))
        log.updateHighWatermark(2)
        world.advance(10_000)
        #expect(log.logStartOffset == 1)
    }

    @Test func `a stop before the first look ends it at once`() throws {
        let world = TestWorld()
        let (logs, retention) = try start(world)
        let log = try log(world, logs, 0) { $0.retentionMs = 100 }
        retention.start(after: 1000)
        let isDone = Mutex(false)
        retention.stop { isDone.withLock { $0 = true } }
        world.run()
        #expect(isDone.withLock { $0 })
        world.advance(10_000)
        #expect(log.logStartOffset == 0)
    }

    @Test func `many logs with nothing to delete cost no file call`() throws {
        let world = TestWorld(durability: .immediate)
        let (logs, retention) = try start(world)
        for number: Int32 in 0..<200 { _ = try log(world, logs, number) { _ in } }
        retention.start(after: 1000)
        world.run()
        let calls = world.files.callCount
        for _ in 0..<5 { world.advance(1000) }
        #expect(world.files.callCount == calls)
    }
}
