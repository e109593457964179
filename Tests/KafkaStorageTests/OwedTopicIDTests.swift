// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRuntime
import Testing

@testable import KafkaStorage

/// `partition.metadata` where there is no space for it.
@Suite struct OwedTopicIDTests {
    private let partition = TopicPartition(topic: "t", partition: 0)

    private func stop(_ world: TestWorld, _ manager: LogManager) {
        manager.shutdown(brokerEpoch: 5) {}
        world.run()
    }

    /// How a log gets the `partition.metadata` that there was no space for.
    enum Settling: CaseIterable { case append, flush, stop }

    @Test(arguments: Settling.allCases)
    func `a log whose partition metadata are lost is served on a full disk`(settling: Settling) throws {
        let world = TestWorld()
        let id = KafkaUUID(high: 1, low: 9)
        let path = "/data/a/t-0/partition.metadata"
        var manager = try world.startManager()
        let made = try manager.createLog(for: partition, topicID: id, configuration: LogConfiguration())
        try made.append(TestBatches.batch(["a"]))
        stop(world, manager)
        let file = try world.files.open(path, .readWrite)
        let content = try world.bytes(path)
        try file.truncate(to: 0)
        manager = try world.startManager()
        world.files.setCapacity(world.files.usedBytes)
        let log = try manager.createLog(for: partition, topicID: id, configuration: LogConfiguration())
        #expect(log.topicID == id)
        #expect(try log.records() == ["0=a"])
        // No record comes before the file that says whose it is, nor is any called durable.
        #expect(throws: StorageError.self) { try log.append(TestBatches.batch(["b"])) }
        #expect(throws: StorageError.self) { try log.flush() }
        #expect(try log.records() == ["0=a"])
        world.files.setCapacity(nil)
        switch settling {
        case .append: try log.append(TestBatches.batch(["b"]))
        case .flush: try log.flush()
        case .stop: stop(world, manager)
        }
        #expect(try world.bytes(path) == content)
        if settling == .stop { return }
        try log.flush()
        world.crash()
        manager = try world.startManager()
        #expect(manager.log(for: partition)?.topicID == id)
        stop(world, manager)
    }

    @Test func `a new log without space for its partition metadata is not made`() throws {
        let world = TestWorld()
        let manager = try world.startManager()
        world.files.setFault { _, operation, path in
            operation == .write && path.hasSuffix("partition.metadata") ? .noSpace : nil
        }
        #expect(throws: StorageError.self) {
            try manager.createLog(
                for: partition, topicID: KafkaUUID(high: 1, low: 9), configuration: LogConfiguration())
        }
        #expect(try !world.files.list("/data/a").contains("t-0"))
        stop(world, manager)
    }
}
