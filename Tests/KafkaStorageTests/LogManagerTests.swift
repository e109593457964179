// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Synchronization
import Testing

@testable import KafkaStorage

@Suite struct LogManagerTests {
    private func partition(_ number: Int32, topic: String = "t") -> TopicPartition {
        TopicPartition(topic: topic, partition: number)
    }

    private func manager(_ world: TestWorld, _ directories: [String] = ["/data/a", "/data/b"]) -> LogManager {
        LogManager(
            configuration: LogManagerConfiguration(directories: directories), runtime: world.runtime,
            observer: world.events)
    }

    /// Opens and loads everything.
    private func start(_ world: TestWorld, _ directories: [String] = ["/data/a", "/data/b"]) throws -> (
        manager: LogManager, report: LoadReport
    ) {
        let manager = manager(world, directories)
        try manager.openDirectories()
        let report = Box<LoadReport>()
        manager.loadLogs(topicConfiguration: { _ in LogConfiguration() }) { report.set($0) }
        world.run()
        return (manager, try #require(report.value))
    }

    private func stop(_ world: TestWorld, _ manager: LogManager, epoch: Int64 = 5) {
        let done = Box<Bool>()
        manager.shutdown(brokerEpoch: epoch) { done.set(true) }
        world.run()
        #expect(done.value == true)
    }

    private final class Box<Value: Sendable>: Sendable {
        private let stored = Mutex<Value?>(nil)

        var value: Value? { stored.withLock { $0 } }
        func set(_ value: Value) {
            stored.withLock { stored in
                #expect(stored == nil, "called twice")
                stored = value
            }
        }
    }

    /// A topic is deleted and made again within the interval of the checkpoints, and the process dies.
    @Test(arguments: [InMemoryFileSystem.Survival.everything, .nothing])
    func `a log made again has nothing of what the checkpoints said of the one before`(
        _ survival: InMemoryFileSystem.Survival
    ) throws {
        let world = TestWorld()
        let (manager, _) = try start(world)
        let old = try manager.createLog(for: partition(0), configuration: LogConfiguration(), directoryID: nil)
        for value in 0..<8 { try old.append(TestBatches.batch(["\(value)"]), epoch: 3) }
        try old.flush()
        old.updateHighWatermark(8)
        try old.incrementLogStartOffset(to: 6)
        manager.checkpointRecoveryPoints()
        manager.checkpointLogStartOffsets()
        manager.checkpointHighWatermarks()
        try manager.deleteLog(for: partition(0))
        let log = try manager.createLog(for: partition(0), configuration: LogConfiguration())
        for value in 0..<3 { try log.append(TestBatches.batch(["new \(value)"]), epoch: 4) }
        try log.flush()
        manager.abandon()
        world.crash(survival)
        let again = try #require(try start(world).manager.log(for: partition(0)))
        #expect(again.logStartOffset == 0)
        #expect(again.logEndOffset == 3)
        // Nothing vouches for it but what was checked.
        #expect(again.recoveryPoint == 0)
    }

    @Test func `a clean shutdown and start keeps everything`() throws {
        let world = TestWorld()
        let id = KafkaUUID(high: 1, low: 2)
        var (manager, report) = try start(world)
        #expect(report.logs == 0)
        #expect(!report.wasCleanShutdown)
        for number in 0..<6 {
            let log = try manager.createLog(
                for: partition(Int32(number)), topicID: id, configuration: LogConfiguration())
            for value in 0..<number { try log.append(TestBatches.batch(["\(value)"]), epoch: 3) }
            log.updateHighWatermark(Int64(number))
            if number == 4 { try log.incrementLogStartOffset(to: 2) }
        }
        stop(world, manager, epoch: 77)
        for directory in ["/data/a", "/data/b"] {
            #expect(
                try world.bytes("\(directory)/.kafka_cleanshutdown")
                    == Array("{\"version\":0,\"brokerEpoch\":77}".utf8))
        }
        world.crash(.nothing)
        (manager, report) = try start(world)
        #expect(report.wasCleanShutdown)
        #expect(report.previousBrokerEpoch == 77)
        #expect(report.logs == 6)
        for number in 1..<6 {
            let log = try #require(manager.log(for: partition(Int32(number))))
            #expect(log.logEndOffset == Int64(number))
            #expect(log.highWatermark == Int64(number))
            #expect(log.logStartOffset == (number == 4 ? 2 : 0))
            #expect(log.recoveryPoint == Int64(number))
            #expect(log.topicID == id)
            #expect(log.latestEpoch == 3)
        }
        #expect(try world.files.status("/data/a/.kafka_cleanshutdown") == nil)
    }

    @Test func `a file with a partition's name costs that partition only`() throws {
        let world = TestWorld()
        _ = try start(world)
        let file = try world.files.open("/data/a/t-0", .readWriteCreate)
        try file.write([1], at: 0)
        world.crash(.everything)
        let (manager, report) = try start(world)
        #expect(report.failedDirectories.isEmpty && report.failedLogs.isEmpty)
        do {
            _ = try manager.createLog(for: partition(0), configuration: LogConfiguration())
            Issue.record("a log was made in a file")
        } catch {
            #expect(error.errorCode == .kafkaStorageError)
            #expect("\(error)".contains("/data/a/t-0 is not a directory"))
        }
        #expect(!manager.hasFailedDirectories)
        #expect(try world.bytes("/data/a/t-0") == [1])
        _ = try manager.createLog(for: partition(1), configuration: LogConfiguration())
        try world.files.remove("/data/a/t-0")
        _ = try manager.createLog(for: partition(0), configuration: LogConfiguration())
        stop(world, manager)
    }

    @Test func `what the checkpoints say of a log that cannot be loaded is there when it is repaired`() throws {
        let world = TestWorld()
        var (manager, report) = try start(world)
        let id = KafkaUUID(high: 1, low: 2)
        let log = try manager.createLog(for: partition(0), topicID: id, configuration: LogConfiguration())
        for value in 0..<5 { try log.append(TestBatches.batch(["\(value)"])) }
        log.updateHighWatermark(5)
        try log.incrementLogStartOffset(to: 3)
        _ = try manager.createLog(for: partition(1), configuration: LogConfiguration())
        stop(world, manager)
        let good = try world.bytes("/data/a/t-0/partition.metadata")
        func write(_ bytes: [UInt8]) throws {
            let file = try world.files.open("/data/a/t-0/partition.metadata", .readWrite)
            try file.write(bytes, at: 0)
        }
        try write([UInt8](repeating: 0xFF, count: good.count))
        for _ in 0..<2 {
            (manager, report) = try start(world)
            #expect(report.failedLogs.map(\.partition) == [partition(0)])
            // Something of the directory changes, so that its checkpoints are written.
            let other = try manager.createLog(for: partition(2), configuration: LogConfiguration())
            try other.append(TestBatches.batch(["x"]))
            other.updateHighWatermark(other.logEndOffset)
            stop(world, manager)
        }
        try write(good)
        (manager, _) = try start(world)
        let repaired = try #require(manager.log(for: partition(0)))
        #expect(repaired.logStartOffset == 3)
        #expect(repaired.highWatermark == 5)
        #expect(try repaired.records().count == 2)
        stop(world, manager)
    }

    @Test func `new logs go to the directory with the fewest`() throws {
        let world = TestWorld()
        let (manager, _) = try start(world, ["/data/a", "/data/b", "/data/c"])
        for number in 0..<7 {
            _ = try manager.createLog(for: partition(Int32(number)), topicID: nil, configuration: LogConfiguration())
        }
        let counts = ["/data/a", "/data/b", "/data/c"].map { directory in
            manager.logs.filter { $0.directory.hasPrefix(directory) }.count
        }
        #expect(counts == [3, 2, 2])
        #expect(manager.directory(of: partition(1))?.path == "/data/b")
    }

    @Test func `a directory can be asked for by its id`() throws {
        let world = TestWorld()
        let manager = manager(world)
        try manager.openDirectories()
        let ids = [KafkaUUID(high: 9, low: 100), KafkaUUID(high: 9, low: 200)]
        for (path, id) in zip(["/data/a", "/data/b"], ids) {
            try manager.format(
                directory: path, MetaProperties(clusterID: "c", nodeID: 1, directoryID: id), comment: "now")
        }
        let log = try manager.createLog(
            for: partition(0), topicID: nil, configuration: LogConfiguration(), directoryID: ids[1])
        #expect(log.directory == "/data/b/t-0")
        #expect(throws: StorageError.self) {
            _ = try manager.createLog(
                for: partition(1), topicID: nil, configuration: LogConfiguration(),
                directoryID: KafkaUUID(high: 1, low: 1))
        }
        #expect(try MetaProperties.read(directory: "/data/b", world.files)?.directoryID == ids[1])
    }

    @Test func `a directory belongs to one broker at a time`() throws {
        let world = TestWorld()
        let (manager, _) = try start(world)
        #expect(throws: StorageError.self) { try self.manager(world, ["/data/c", "/data/b"]).openDirectories() }
        stop(world, manager)
        try self.manager(world, ["/data/b"]).openDirectories()
    }

    @Test func `after a crash the checkpoints are trusted and the rest is checked`() throws {
        let world = TestWorld()
        var (manager, _) = try start(world, ["/data/a"])
        let log = try manager.createLog(for: partition(0), topicID: nil, configuration: LogConfiguration())
        for value in 0..<5 { try log.append(TestBatches.batch(["\(value)"])) }
        log.updateHighWatermark(4)
        try log.flush()
        manager.checkpointRecoveryPoints()
        manager.checkpointHighWatermarks()
        #expect(
            try world.bytes("/data/a/recovery-point-offset-checkpoint") == Array("0\n1\nt 0 5\n".utf8))
        #expect(try world.bytes("/data/a/replication-offset-checkpoint") == Array("0\n1\nt 0 4\n".utf8))
        try log.append(TestBatches.batch(["lost"]))
        world.crash(.nothing)
        let report: LoadReport
        (manager, report) = try start(world, ["/data/a"])
        #expect(!report.wasCleanShutdown)
        #expect(report.previousBrokerEpoch == -1)
        let again = try #require(manager.log(for: partition(0)))
        #expect(again.logEndOffset == 5)
        #expect(again.highWatermark == 4)
    }

    @Test func `checkpoints are written at their intervals, and only where they changed`() throws {
        let world = TestWorld()
        let (manager, _) = try start(world, ["/data/a"])
        manager.startTasks()
        let log = try manager.createLog(for: partition(0), topicID: nil, configuration: LogConfiguration())
        try log.append(TestBatches.batch(["a"]))
        log.updateHighWatermark(1)
        world.advance(5000)
        #expect(try world.bytes("/data/a/replication-offset-checkpoint") == Array("0\n1\nt 0 1\n".utf8))
        let calls = world.files.callCount
        world.advance(5000)
        #expect(world.files.callCount == calls)
        log.updateHighWatermark(1)
        try log.append(TestBatches.batch(["b"]))
        log.updateHighWatermark(2)
        world.advance(5000)
        #expect(try world.bytes("/data/a/replication-offset-checkpoint") == Array("0\n1\nt 0 2\n".utf8))
        try log.flush()
        world.advance(60_000)
        #expect(try world.bytes("/data/a/recovery-point-offset-checkpoint") == Array("0\n1\nt 0 2\n".utf8))
        stop(world, manager)
        let after = world.files.callCount
        world.advance(600_000)
        #expect(world.files.callCount == after)
    }

    @Test func `deleted logs are gone at once, their files later`() throws {
        let world = TestWorld()
        let (manager, _) = try start(world, ["/data/a"])
        let log = try manager.createLog(for: partition(0), topicID: nil, configuration: LogConfiguration())
        try log.append(TestBatches.batch(["a"]))
        log.updateHighWatermark(1)
        let range = try log.read(from: 0, maxBytes: 100, isolation: .highWatermark, atLeastOne: true)
        try manager.deleteLog(for: partition(0))
        try manager.deleteLog(for: partition(0))
        #expect(manager.log(for: partition(0)) == nil)
        #expect(throws: StorageError.self) { try log.append(TestBatches.batch(["b"])) }
        let names = try world.files.list("/data/a").filter { $0.hasPrefix("t-0") }
        #expect(names.count == 1)
        #expect(LogFileNames.marked(names[0], suffix: "-delete") == partition(0))
        #expect(try range.file!.readBytes(at: range.position, count: range.count).count == range.count)
        let again = try manager.createLog(for: partition(0), topicID: nil, configuration: LogConfiguration())
        #expect(again.logEndOffset == 0)
        world.advance(59_999)
        #expect(try world.files.list("/data/a").contains(names[0]))
        world.advance(1)
        #expect(try world.files.list("/data/a").filter { $0.hasPrefix("t-0") } == ["t-0"])
    }

    @Test func `directories of deleted logs are removed at the next start`() throws {
        let world = TestWorld()
        let (manager, _) = try start(world, ["/data/a"])
        _ = try manager.createLog(for: partition(0), topicID: nil, configuration: LogConfiguration())
        try manager.deleteLog(for: partition(0))
        stop(world, manager)
        world.queues.dropAll()
        let (again, report) = try start(world, ["/data/a"])
        world.advance(0)
        #expect(report.logs == 0)
        #expect(again.logCount == 0)
        #expect(try !world.files.list("/data/a").contains { $0.hasPrefix("t-0") })
    }

    @Test func `loading tells how far it is`() throws {
        let world = TestWorld()
        let (manager, _) = try start(world)
        for number in 0..<5 {
            _ = try manager.createLog(for: partition(Int32(number)), topicID: nil, configuration: LogConfiguration())
        }
        stop(world, manager)
        let again = self.manager(world)
        try again.openDirectories()
        let seen = Mutex<[Int]>([])
        let totals = Mutex<Set<Int>>([])
        again.loadLogs(
            topicConfiguration: { _ in LogConfiguration() },
            progress: { progress in
                seen.withLock { $0.append(progress.loadedLogs) }
                totals.withLock { _ = $0.insert(progress.totalLogs) }
            }, completion: { _ in })
        world.run()
        #expect(seen.withLock { $0 } == [1, 2, 3, 4, 5])
        #expect(totals.withLock { $0 } == [5])
    }

    @Test func `topics get their own settings`() throws {
        let world = TestWorld()
        let (manager, _) = try start(world, ["/data/a"])
        for topic in ["x", "y"] {
            _ = try manager.createLog(
                for: partition(0, topic: topic), topicID: nil, configuration: LogConfiguration())
        }
        stop(world, manager)
        let again = self.manager(world, ["/data/a"])
        try again.openDirectories()
        again.loadLogs(
            topicConfiguration: { topic in
                var configuration = LogConfiguration()
                if topic == "x" { configuration.maxMessageBytes = 1 }
                return configuration
            }, completion: { _ in })
        world.run()
        #expect(again.log(for: partition(0, topic: "x"))?.configuration.maxMessageBytes == 1)
        #expect(again.log(for: partition(0, topic: "y"))?.configuration.maxMessageBytes == 1_048_588)
    }

    @Test func `of a partition in two directories the longer log is taken, the other set aside`() throws {
        let world = TestWorld()
        let (empty, _) = try start(world, ["/data/a"])
        _ = try empty.createLog(for: partition(0), topicID: nil, configuration: LogConfiguration())
        stop(world, empty)
        let (full, _) = try start(world, ["/data/b"])
        let log = try full.createLog(for: partition(0), topicID: nil, configuration: LogConfiguration())
        try log.append(TestBatches.batch(["a"]))
        stop(world, full)
        let (manager, report) = try start(world)
        #expect(report.failedDirectories.isEmpty && report.failedLogs.isEmpty)
        #expect(manager.logs.map(\.directory) == ["/data/b/t-0"])
        #expect(try manager.logs[0].records() == ["0=a"])
        #expect(try world.files.list("/data/a").filter { $0.hasSuffix("-stray") }.count == 1)
    }

    /// A topic was deleted while one directory was out of service, and made again in the other.
    @Test(arguments: [["/data/a", "/data/b"], ["/data/b", "/data/a"]])
    func `of logs of two topics of one name, that of the topic there is now is taken`(directories: [String]) throws {
        let world = TestWorld()
        let (old, new) = (KafkaUUID(high: 1, low: 1), KafkaUUID(high: 2, low: 2))
        for (id, directory, count) in [(old, "/data/a", 3), (new, "/data/b", 1)] {
            let (manager, _) = try start(world, [directory])
            let log = try manager.createLog(for: partition(0), topicID: id, configuration: LogConfiguration())
            for value in 0..<count { try log.append(TestBatches.batch(["\(directory) \(value)"])) }
            stop(world, manager)
        }
        let manager = self.manager(world, directories)
        try manager.openDirectories()
        manager.loadLogs(topicConfiguration: { _ in LogConfiguration() }, topicID: { _ in new }, completion: { _ in })
        world.run()
        #expect(manager.logs.map(\.topicID) == [new])
        #expect(try manager.logs[0].records() == ["0=/data/b 0"])
        #expect(try world.files.list("/data/a").filter { $0.hasSuffix("-stray") }.count == 1)
    }

    @Test func `a directory that fails is left out, the others serve`() throws {
        let world = TestWorld()
        var (manager, _) = try start(world)
        for number in 0..<4 {
            _ = try manager.createLog(for: partition(Int32(number)), topicID: nil, configuration: LogConfiguration())
        }
        stop(world, manager)
        world.files.setFault { _, _, path in path.hasPrefix("/data/b/") ? .inputOutput : nil }
        let report: LoadReport
        (manager, report) = try start(world)
        #expect(report.failedDirectories.map(\.path) == ["/data/b"])
        #expect(report.logs == 2)
        let log = try manager.createLog(for: partition(9), topicID: nil, configuration: LogConfiguration())
        #expect(log.directory == "/data/a/t-9")
        stop(world, manager)
        world.files.setFault(nil)
        #expect(try world.files.status("/data/b/.kafka_cleanshutdown") != nil)
        #expect(try start(world).report.logs == 5)
    }

    @Test func `a log whose files are damaged is left out, its directory serves on`() throws {
        let world = TestWorld()
        let (manager, _) = try start(world, ["/data/a"])
        for number in 0..<3 {
            let log = try manager.createLog(
                for: partition(Int32(number)), topicID: KafkaUUID(high: 1, low: 9), configuration: LogConfiguration())
            try log.append(TestBatches.batch(["a"]))
        }
        stop(world, manager)
        let file = try world.files.open("/data/a/t-1/partition.metadata", .readWrite)
        try file.write(Array("nonsense".utf8), at: 0)
        let (again, report) = try start(world, ["/data/a"])
        #expect(report.failedLogs.map(\.partition) == [partition(1)])
        #expect(report.failedDirectories.isEmpty)
        #expect(again.logs.map(\.topicPartition) == [partition(0), partition(2)])
    }

    @Test func `a directory with a log that was not recovered is not left as clean`() throws {
        let world = TestWorld()
        let (manager, _) = try start(world, ["/data/a"])
        var small = LogConfiguration()
        small.segmentBytes = 300
        for number in 0..<2 as Range<Int32> {
            let log = try manager.createLog(
                for: partition(number), topicID: KafkaUUID(high: 1, low: 9), configuration: small)
            for step in 0..<10 as Range<Int32> {
                try log.append(TestBatches.batch(["a\(step)"], producer: (4, 0, step)))
            }
            world.run()
        }
        manager.checkpointRecoveryPoints()
        for name in try world.files.list("/data/a/t-1") where name.hasSuffix(".snapshot") {
            try world.files.remove("/data/a/t-1/\(name)")
        }
        let file = try world.files.open("/data/a/t-1/00000000000000000000.log", .readWrite)
        try file.write([77], at: 16)
        world.crash(.everything)
        let (again, report) = try start(world, ["/data/a"])
        #expect(report.failedLogs.map(\.partition) == [partition(1)])
        stop(world, again)
        let (_, third) = try start(world, ["/data/a"])
        #expect(!third.wasCleanShutdown)
    }

    @Test func `a log that cannot be deleted because its directory fails does not stay in service`() throws {
        let world = TestWorld()
        let (manager, _) = try start(world)
        let log = try manager.createLog(
            for: partition(0), topicID: KafkaUUID(high: 1, low: 9), configuration: LogConfiguration())
        let kept = log.directory
        world.files.setFault { _, operation, path in
            operation == .rename && path.hasPrefix(kept) ? .inputOutput : nil
        }
        #expect(throws: StorageError.self) { try manager.deleteLog(for: partition(0)) }
        #expect(manager.log(for: partition(0)) == nil)
        #expect(log.failure != nil)
        #expect(manager.directories.filter(\.isOnline).count == 1)
    }

    @Test func `logs of a directory that is taken out of service refuse everything`() throws {
        let world = TestWorld()
        let (manager, _) = try start(world)
        let log = try manager.createLog(for: partition(0), topicID: nil, configuration: LogConfiguration())
        #expect(manager.markOffline(directory: "/data/a", reason: "smoke") == [partition(0)])
        #expect(manager.log(for: partition(0)) == nil)
        #expect(throws: StorageError.self) { try log.append(TestBatches.batch(["a"])) }
        #expect(throws: StorageError.self) {
            _ = try log.read(from: 0, maxBytes: 1, isolation: .logEnd, atLeastOne: false)
        }
        stop(world, manager)
        #expect(try world.files.status("/data/a/.kafka_cleanshutdown") == nil)
        #expect(try world.files.status("/data/b/.kafka_cleanshutdown") != nil)
    }

    @Test func `a failure at any call of start and stop loses no log`() throws {
        let world = TestWorld()
        var (manager, _) = try start(world)
        for number in 0..<3 {
            let log = try manager.createLog(
                for: partition(Int32(number)), topicID: KafkaUUID(high: 1, low: 1), configuration: LogConfiguration())
            try log.append(TestBatches.batch(["v\(number)"]))
        }
        stop(world, manager)
        var number = 0
        while true {
            world.files.failCall(after: number, with: .inputOutput)
            let before = world.files.faultCount
            if let started = try? start(world) { stop(world, started.manager) }
            world.files.setFault(nil)
            if world.files.faultCount == before { break }
            world.crash(.everything)
            (manager, _) = try start(world)
            #expect(manager.logCount == 3, "call \(number)")
            for log in manager.logs {
                #expect(try log.records() == ["0=v\(log.topicPartition.partition)"], "call \(number)")
            }
            stop(world, manager)
            number += 1
        }
        #expect(number > 30)
    }
}
