// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaReplication
import KafkaRuntime
import KafkaSimulator
import KafkaStorage
import Synchronization
import Testing

@Suite struct PartitionTests {
    private final class Waiter: PartitionWaiter {
        private let state = Mutex<(advanced: Int, lost: Int)>((0, 0))

        var advanced: Int { state.withLock { $0.advanced } }
        var lost: Int { state.withLock { $0.lost } }

        func partitionAdvanced(by bytes: Int) { state.withLock { $0.advanced += bytes } }
        func partitionLost() { state.withLock { $0.lost += 1 } }
    }

    private final class Outcomes: Sendable {
        private let codes = Mutex<[ErrorCode]>([])

        var all: [ErrorCode] { codes.withLock { $0 } }
        func add(_ fault: PartitionFault?) { codes.withLock { $0.append(fault?.code ?? .none) } }
    }

    private static let leading = Partition.Leadership(leaderID: 1, leaderEpoch: 3, partitionEpoch: 1, isLocal: true)
    private static let following = Partition.Leadership(leaderID: 2, leaderEpoch: 4, partitionEpoch: 2, isLocal: false)

    private let world = SimulatedRuntime(seed: 1)

    private func makePartition(_ configuration: LogConfiguration = LogConfiguration()) throws -> Partition {
        let name = TopicPartition(topic: "t", partition: 0)
        let log = try UnifiedLog.open(
            directory: "/t-0", topicPartition: name, configuration: configuration, runtime: world.runtime,
            options: LogOpenOptions())
        return Partition(
            topicPartition: name, topicID: KafkaUUID(randomHigh: 1, randomLow: 1), log: log, leadership: Self.leading)
    }

    private func append(_ partition: Partition) throws -> Partition.Appended {
        var builder = RecordBatchBuilder()
        try builder.append(timestamp: 0, key: nil, value: [1, 2, 3])
        var bytes = try builder.finish()
        return try bytes.withUnsafeMutableBytes { try partition.append($0, origin: .client, now: 0).get() }
    }

    private func fault(_ partition: Partition, epoch: Int32 = -1) -> ErrorCode {
        switch partition.leaderLog(currentLeaderEpoch: epoch) {
        case .success: .none
        case .failure(let fault): fault.code
        }
    }

    // MARK: Leadership

    @Test func `only the leader serves, and only in its epoch`() throws {
        let partition = try makePartition()
        #expect(
            [-1, 2, 3, 4].map { fault(partition, epoch: $0) } == [
                .none, .fencedLeaderEpoch, .none, .unknownLeaderEpoch,
            ])
        partition.update(Self.following)
        #expect(
            [-1, 3, 4, 5].map { fault(partition, epoch: $0) } == [
                .notLeaderOrFollower, .fencedLeaderEpoch, .notLeaderOrFollower, .unknownLeaderEpoch,
            ])
        #expect(throws: PartitionFault.self) { try append(partition) }
        partition.update(Self.leading)
        #expect(try append(partition).info.firstOffset == 0)
    }

    @Test func `a consumer at the end is told the marks at once, by the leader and in its epoch`() throws {
        let partition = try makePartition()
        for _ in 0..<3 { _ = try append(partition) }
        let log = try #require(partition.log)
        for isolation in [ReadIsolation.highWatermark, .lastStable] {
            for offset in Int64(-1)...4 {
                let marks = partition.marksAtEnd(offset, isolation: isolation, currentLeaderEpoch: 3)
                let read = try? log.fetch(from: offset, maxBytes: 100, isolation: isolation, atLeastOne: true)
                #expect(marks == (offset == 3 ? read?.marks : nil))
                #expect((marks != nil) == (read?.range.count == 0))
            }
        }
        #expect(partition.marksAtEnd(3, isolation: .logEnd, currentLeaderEpoch: -1) == nil)
        #expect(partition.marksAtEnd(3, isolation: .highWatermark, currentLeaderEpoch: 2) == nil)
        #expect(partition.marksAtEnd(3, isolation: .highWatermark, currentLeaderEpoch: 4) == nil)
        partition.update(Self.following)
        #expect(partition.marksAtEnd(3, isolation: .highWatermark, currentLeaderEpoch: -1) == nil)
        partition.update(Self.leading)
        #expect(partition.marksAtEnd(3, isolation: .highWatermark, currentLeaderEpoch: -1) != nil)
        try log.close()
        #expect(partition.marksAtEnd(3, isolation: .highWatermark, currentLeaderEpoch: -1) == nil)
    }

    @Test func `without a log there is a storage error, after deletion an unknown partition`() throws {
        let offline = Partition(
            topicPartition: TopicPartition(topic: "t", partition: 0), topicID: .zero, log: nil,
            leadership: Self.leading)
        #expect(fault(offline) == .kafkaStorageError)
        #expect(offline.log == nil)
        let partition = try makePartition()
        partition.remove()
        #expect(fault(partition) == .unknownTopicOrPartition)
        #expect(partition.log == nil)
    }

    // MARK: Waiters

    @Test func `waiters hear of every append until they leave`() throws {
        let partition = try makePartition()
        let (one, other) = (Waiter(), Waiter())
        #expect(partition.add(one) && partition.add(other))
        #expect(partition.waiterCount == 2)
        let size = try append(partition).info.byteCount
        #expect(one.advanced == size && other.advanced == size)
        partition.remove(one)
        partition.remove(one)
        _ = try append(partition)
        #expect(one.advanced == size && other.advanced == 2 * size)
    }

    @Test func `waiters hear once that the partition is lost`() throws {
        for loses in [{ $0.update(Self.following) }, { $0.remove() }] as [(Partition) -> Void] {
            let partition = try makePartition()
            let waiter = Waiter()
            #expect(partition.add(waiter))
            loses(partition)
            loses(partition)
            #expect(waiter.lost == 1 && partition.waiterCount == 0)
            #expect(!partition.add(waiter))
        }
    }

    @Test func `a change of epoch alone loses nobody`() throws {
        let partition = try makePartition()
        let waiter = Waiter()
        #expect(partition.add(waiter))
        var next = Self.leading
        next.leaderEpoch += 1
        partition.update(next)
        #expect(waiter.lost == 0 && partition.waiterCount == 1)
        #expect(partition.leadership == next)
    }

    // MARK: Syncing

    private func syncing(every records: Int64) -> LogConfiguration {
        var configuration = LogConfiguration()
        configuration.flushMessages = records
        return configuration
    }

    @Test func `the high watermark waits for the sync`() throws {
        let partition = try makePartition(syncing(every: 1))
        let waiter = Waiter()
        #expect(partition.add(waiter))
        let appended = try append(partition)
        #expect(appended.mustSync)
        #expect(partition.log?.highWatermark == 0 && waiter.advanced == 0)
        let outcomes = Outcomes()
        partition.sync(upTo: 1, on: world.runtime.queues) { outcomes.add($0) }
        try world.runUntilIdle()
        #expect(outcomes.all == [.none])
        #expect(partition.log?.highWatermark == 1 && partition.log?.recoveryPoint == 1)
        #expect(waiter.advanced > 0)
    }

    @Test func `a new configuration counts from the next append`() throws {
        let partition = try makePartition()
        #expect(try !append(partition).mustSync)
        partition.update(syncing(every: 1))
        #expect(try append(partition).mustSync)
        partition.update(LogConfiguration())
        #expect(try !append(partition).mustSync)
    }

    @Test func `those who ask while a sync runs share the next`() throws {
        let partition = try makePartition(syncing(every: 1))
        let outcomes = Outcomes()
        for end in 1...20 as ClosedRange<Int64> {
            _ = try append(partition)
            partition.sync(upTo: end, on: world.runtime.queues) { outcomes.add($0) }
        }
        try world.runUntilIdle()
        #expect(outcomes.all == Array(repeating: .none, count: 20))
        #expect(partition.log?.highWatermark == 20)
    }

    @Test func `a partition that went meanwhile says how`() throws {
        let ways: [(ErrorCode, (Partition) -> Void)] = [
            (.unknownTopicOrPartition, { $0.remove() }), (.kafkaStorageError, { $0.markOffline() }),
        ]
        for (code, leaves) in ways {
            let partition = try makePartition(syncing(every: 1))
            _ = try append(partition)
            let outcomes = Outcomes()
            partition.sync(upTo: 1, on: world.runtime.queues) { outcomes.add($0) }
            leaves(partition)
            try world.runUntilIdle()
            #expect(outcomes.all == [code])
        }
    }
}
