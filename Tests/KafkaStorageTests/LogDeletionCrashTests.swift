// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRuntime
import Testing

@testable import KafkaStorage

/// What a loss of power leaves of a log that is being deleted.
@Suite struct LogDeletionCrashTests {
    private let partition = TopicPartition(topic: "t", partition: 0)

    @Test func `a log comes back whole, under its own topic id, or not at all`() throws {
        let id = KafkaUUID(high: 1, low: 9)
        var configuration = LogConfiguration()
        configuration.fileDeleteDelayMs = 0
        var whole = 0
        for seed in 1...300 as ClosedRange<UInt64> {
            let world = TestWorld(seed: seed)
            let manager = try world.startManager()
            let log = try manager.createLog(for: partition, topicID: id, configuration: configuration)
            try log.append(TestBatches.batch(["a"]))
            try log.flush()
            try manager.deleteLog(for: partition)
            // The machine stops somewhere in the removal.
            world.files.halt(after: Int(seed % 12))
            world.advance(1)
            world.crash(.some(random: world.random))
            let again = try world.startManager()
            guard let found = again.log(for: partition) else { continue }
            whole += 1
            #expect(found.topicID == id, "seed \(seed)")
            #expect(try found.records() == ["0=a"], "seed \(seed)")
        }
        #expect(whole > 0)
    }

    @Test(arguments: [false, true])
    func `a new log of the name does not get what the deleted one held`(dies: Bool) throws {
        let (old, new) = (KafkaUUID(high: 1, low: 9), KafkaUUID(high: 1, low: 10))
        for seed in 1...300 as ClosedRange<UInt64> {
            let world = TestWorld(seed: seed)
            var manager = try world.startManager()
            // Nothing of it is ever synced, `partition.metadata` neither.
            let log = try manager.createLog(for: partition, topicID: old, configuration: LogConfiguration())
            try log.append(TestBatches.batch(["a"]))
            try world.files.syncDirectory("/data/a")
            try world.files.syncDirectory("/data/a/t-0")
            try manager.deleteLog(for: partition)
            if dies {
                world.crash(.everything)
                manager = try world.startManager()
            }
            _ = try manager.createLog(for: partition, topicID: new, configuration: LogConfiguration())
            world.crash(.some(random: world.random))
            guard let found = try world.startManager().log(for: partition), found.topicID != old else { continue }
            #expect(try found.records() == [], "seed \(seed)")
        }
    }
}
