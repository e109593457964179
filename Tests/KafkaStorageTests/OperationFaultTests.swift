// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

/// Every operation of a log manager and its logs, with a failure at the N-th file call for every N.
@Suite struct OperationFaultTests {
    private static let partitions = (0..<3).map { TopicPartition(topic: "t", partition: Int32($0)) }
    private static let configuration: LogConfiguration = {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 700
        configuration.indexIntervalBytes = 100
        configuration.segmentIndexBytes = 4096
        configuration.retentionBytes = 2_000
        configuration.fileDeleteDelayMs = 10
        return configuration
    }()

    /// What was acknowledged, by partition and offset, and below which offset it was synced.
    private struct Model {
        var values: [TopicPartition: [Int64: String]] = [:]
        var synced: [TopicPartition: Int64] = [:]
        /// Where the log may have been cut back by an operation that was asked for.
        var cutTo: [TopicPartition: Int64] = [:]
        /// The log may start anywhere up to here.
        var start: [TopicPartition: Int64] = [:]
        var deleted: Set<TopicPartition> = []
    }

    private func open(_ world: TestWorld) -> LogManager? {
        let manager = LogManager(
            configuration: LogManagerConfiguration(directories: ["/data/a", "/data/b"]), runtime: world.runtime,
            observer: world.events)
        guard (try? manager.openDirectories()) != nil else {
            manager.abandon()
            return nil
        }
        manager.loadLogs(topicConfiguration: { _ in Self.configuration }) { _ in }
        world.run()
        return manager
    }

    private func append(_ log: UnifiedLog, _ count: Int, _ counter: inout Int, _ model: inout Model) {
        for _ in 0..<count {
            counter += 1
            guard let info = try? log.append(TestBatches.batch(["v\(counter)"])) else { continue }
            model.values[log.topicPartition, default: [:]][info.firstOffset] = "v\(counter)"
            log.updateHighWatermark(log.logEndOffset)
        }
    }

    private func sync(_ log: UnifiedLog, _ model: inout Model) {
        guard let point = try? log.flush() else { return }
        model.synced[log.topicPartition] = max(model.synced[log.topicPartition] ?? 0, point)
    }

    /// The script. It goes on after every failure, as a broker would.
    private func work(_ world: TestWorld, _ model: inout Model) {
        guard let manager = open(world) else { return }
        for directory in manager.directories where directory.isOnline {
            try? manager.format(
                directory: directory.path,
                MetaProperties(
                    clusterID: "c", nodeID: 1,
                    directoryID: KafkaUUID(high: 9, low: UInt64(directory.path.utf8.last ?? 0) + 100)),
                comment: "now")
        }
        var counter = 0
        manager.startTasks()
        for partition in Self.partitions {
            let log = try? manager.createLog(
                for: partition, topicID: KafkaUUID(high: 7, low: 9), configuration: Self.configuration)
            guard let log else { continue }
            append(log, 6, &counter, &model)
            sync(log, &model)
            append(log, 3, &counter, &model)
        }
        manager.checkpointRecoveryPoints()
        useFirst(manager, world, &counter, &model)
        useSecond(manager, world, &counter, &model)
        model.deleted.insert(Self.partitions[2])
        try? manager.deleteLog(for: Self.partitions[2])
        world.advance(20)
        manager.checkpointLogStartOffsets()
        manager.checkpointHighWatermarks()
        manager.shutdown(brokerEpoch: 3) {}
        world.run()
    }

    /// Roll, deleted records, retention, a move, and appends behind it.
    private func useFirst(_ manager: LogManager, _ world: TestWorld, _ counter: inout Int, _ model: inout Model) {
        let partition = Self.partitions[0]
        guard let log = manager.log(for: partition) else { return }
        try? log.roll()
        append(log, 12, &counter, &model)
        model.start[partition] = log.logEndOffset
        _ = try? log.incrementLogStartOffset(to: 2)
        _ = try? log.deleteOldSegments(now: world.clock.wallMilliseconds)
        world.run()
        if (try? manager.move(partition, to: "/data/b")) != nil { world.run() }
        append(log, 2, &counter, &model)
        sync(log, &model)
    }

    /// Truncation, and a full one.
    private func useSecond(_ manager: LogManager, _ world: TestWorld, _ counter: inout Int, _ model: inout Model) {
        let partition = Self.partitions[1]
        guard let log = manager.log(for: partition) else { return }
        let end = max(log.logEndOffset - 2, 0)
        model.cutTo[partition] = end
        model.synced[partition] = min(model.synced[partition] ?? 0, end)
        if (try? log.truncate(to: end)) == true {
            model.values[partition] = model.values[partition]?.filter { $0.key < end }
            model.cutTo[partition] = nil
            append(log, 2, &counter, &model)
            sync(log, &model)
        }
        guard let other = manager.log(for: Self.partitions[2]) else { return }
        try? other.truncateFullyAndStart(at: 100)
        append(other, 1, &counter, &model)
    }

    /// After a restart without faults every log works and holds what it must.
    private func check(_ world: TestWorld, _ model: Model, _ hint: String) throws {
        let manager = try #require(open(world), "\(hint)")
        #expect(manager.directories.map(\.isOnline) == [true, true], "\(hint)")
        for partition in Self.partitions where !model.deleted.contains(partition) {
            guard let log = manager.log(for: partition) else {
                #expect(model.values[partition] ?? [:] == [:], "\(hint): \(partition) is gone")
                continue
            }
            let found = try log.records()
            let values = model.values[partition] ?? [:]
            let cut = model.cutTo[partition] ?? .max
            // Dense, nothing twice, nothing but what was appended there.
            for (index, record) in found.enumerated() {
                let offset = log.logStartOffset + Int64(index)
                #expect(record.hasPrefix("\(offset)="), "\(hint): \(partition) \(found)")
                guard let value = values[offset], offset < cut else { continue }
                #expect(record == "\(offset)=\(value)", "\(hint): \(partition)")
            }
            #expect(log.logEndOffset == log.logStartOffset + Int64(found.count), "\(hint): \(partition)")
            #expect(log.logEndOffset >= model.synced[partition] ?? 0, "\(hint): \(partition) lost what was synced")
            #expect(log.logStartOffset <= model.start[partition] ?? 0, "\(hint): \(partition) starts too late")
            // What was acknowledged survives the death of the process.
            let last = values.keys.filter { $0 < cut }.max() ?? -1
            #expect(log.logEndOffset > last, "\(hint): \(partition) lost what was acknowledged")
            #expect(try log.append(TestBatches.batch(["after"])).firstOffset == log.logEndOffset - 1, "\(hint)")
        }
        manager.shutdown(brokerEpoch: 1) {}
        world.run()
    }

    private func calls() -> Int {
        let world = TestWorld()
        var model = Model()
        work(world, &model)
        return world.files.callCount
    }

    @Test(arguments: [FileError.Kind.inputOutput, .noSpace])
    func `a failure at any call leaves every log usable or says why it is not`(kind: FileError.Kind) throws {
        let total = calls()
        #expect(total > 400)
        for number in 0..<total {
            let world = TestWorld()
            var model = Model()
            world.files.failCall(after: number, with: kind)
            work(world, &model)
            world.files.setFault(nil)
            world.advance(100_000)
            #expect(world.files.openFileCount == 0, "call \(number): files stay open")
            world.crash(.everything)
            try check(world, model, "call \(number) \(kind)")
        }
    }

    @Test func `a disk that stays full or broken from any call on loses nothing that was acknowledged`() throws {
        for kind in [FileError.Kind.inputOutput, .noSpace] {
            for number in stride(from: 0, to: calls(), by: 3) {
                let world = TestWorld()
                var model = Model()
                world.files.failAllCalls(after: number, with: kind)
                work(world, &model)
                world.files.setFault(nil)
                world.crash(.everything)
                try check(world, model, "from call \(number) \(kind)")
            }
        }
    }
}
