// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRuntime
import Synchronization
import Testing

@testable import KafkaStorage

/// What many partitions, and many segments, cost.
@Suite struct ManyLogsTests {
    private func partition(_ number: Int) -> TopicPartition { TopicPartition(topic: "t", partition: Int32(number)) }

    private func makeManager(_ world: TestWorld, openLogsMax: Int) throws -> LogManager {
        var configuration = LogManagerConfiguration(directories: ["/data"])
        configuration.openLogsMax = openLogsMax
        let manager = LogManager(configuration: configuration, runtime: world.runtime, observer: world.events)
        try manager.openDirectories()
        manager.loadLogs(topicConfiguration: { _ in LogConfiguration() }) { _ in }
        world.run()
        manager.startTasks()
        return manager
    }

    @Test func `idle logs hold no files, and work when they are needed again`() throws {
        let world = TestWorld()
        let manager = try makeManager(world, openLogsMax: 2)
        let base = world.files.openFileCount
        let logs = try (0..<8).map {
            try manager.createLog(for: partition($0), topicID: nil, configuration: LogConfiguration())
        }
        for log in logs { try log.append(TestBatches.batch(["a", "b"])) }
        #expect(world.files.openFileCount - base == 8)
        let held = try logs[7].read(from: 0, maxBytes: 999, isolation: .logEnd, atLeastOne: true)
        world.advance(10_000)
        #expect(world.files.openFileCount - base == 8, "in use since the last look")
        try logs[0].append(TestBatches.batch(["c"]))
        world.advance(10_000)
        // Two may stay, one is in use, and one is held by a reader.
        #expect(logs.filter(\.hasOpenFiles).count == 2)
        #expect(logs[0].hasOpenFiles)
        #expect(try #require(held.file).readBytes(at: held.position, count: held.count).count == held.count)
        for log in logs {
            #expect(log.recoveryPoint == log.logEndOffset || log.hasOpenFiles)
            #expect(try log.records().first == "0=a")
            let end = log.logEndOffset
            #expect(try log.append(TestBatches.batch(["d"])).firstOffset == end)
            #expect(try log.records().last == "\(end)=d")
        }
    }

    @Test func `few logs keep their files`() throws {
        let world = TestWorld()
        let manager = try makeManager(world, openLogsMax: 2)
        let log = try manager.createLog(for: partition(0), topicID: nil, configuration: LogConfiguration())
        try log.append(TestBatches.batch(["a"]))
        for _ in 0..<5 { world.advance(10_000) }
        #expect(log.hasOpenFiles)
        #expect(log.recoveryPoint == 0)
    }

    /// Calls by their kind, and by what the file is.
    private func callsOfCleanStart(segments: Int) throws -> [String: Int] {
        let world = TestWorld(durability: .immediate)
        var configuration = LogConfiguration()
        configuration.segmentBytes = 300
        var log = try world.open("/data/t-0", configuration)
        for _ in 0..<segments { try log.append(TestBatches.sized(250)) }
        world.run()
        #expect(log.segmentCount == segments)
        try log.close()
        let calls = Mutex<[String: Int]>([:])
        world.files.setFault { _, operation, path in
            let kind = path.split(separator: ".").last.map(String.init) ?? ""
            calls.withLock { $0["\(operation.rawValue) \(kind)", default: 0] += 1 }
            return nil
        }
        let base = world.files.openFileCount
        log = try world.open(
            "/data/t-0", configuration, clean: true, recoveryPoint: Int64(segments), highWatermark: Int64(segments))
        #expect(log.logEndOffset == Int64(segments))
        #expect(world.files.openFileCount == base)
        world.files.setFault(nil)
        return calls.withLock { $0 }
    }

    @Test func `a clean start asks for nothing of old segments but their sizes`() throws {
        let one = try callsOfCleanStart(segments: 2)
        var many = try callsOfCleanStart(segments: 102)
        let sizes = try #require(many["status log"])
        #expect(sizes == one["status log"]! + 100)
        many["status log"] = one["status log"]
        #expect(many == one)
    }
}
