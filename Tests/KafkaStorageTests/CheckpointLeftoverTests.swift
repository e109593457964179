// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRuntime
import Testing

@testable import KafkaStorage

/// What is left of a checkpoint that could not be replaced.
@Suite struct CheckpointLeftoverTests {
    /// Opens and loads everything.
    private func start(_ world: TestWorld) throws -> LogManager {
        let manager = LogManager(
            configuration: LogManagerConfiguration(directories: ["/data/a", "/data/b"]), runtime: world.runtime,
            observer: world.events)
        try manager.openDirectories()
        manager.loadLogs(topicConfiguration: { _ in LogConfiguration() }) { _ in }
        world.run()
        return manager
    }

    @Test func `what a crash left of a checkpoint's replacement is removed at the next start`() throws {
        let world = TestWorld()
        _ = try start(world)
        let names = ["meta.properties.tmp", "cleaner-offset-checkpoint.tmp", ".kafka_cleanshutdown.tmp"]
        for name in names + ["somebody's.tmp"] { _ = try world.files.open("/data/a/\(name)", .readWriteCreate) }
        world.crash(.everything)
        _ = try start(world)
        let left = try world.files.list("/data/a").filter { $0.hasSuffix(".tmp") }
        #expect(left == ["somebody's.tmp"])
    }

    @Test func `a checkpoint that a full disk has no room for leaves nothing behind`() throws {
        let world = TestWorld()
        let manager = try start(world)
        let log = try manager.createLog(
            for: TopicPartition(topic: "t", partition: 0), configuration: LogConfiguration())
        try log.append(TestBatches.batch(["a"]))
        log.updateHighWatermark(1)
        world.files.setFault { _, operation, path in
            operation == .write && path.hasSuffix(".tmp") ? .noSpace : nil
        }
        manager.checkpointHighWatermarks()
        world.files.setFault(nil)
        for directory in ["/data/a", "/data/b"] {
            #expect(try world.files.list(directory).allSatisfy { !$0.hasSuffix(".tmp") })
        }
    }
}
