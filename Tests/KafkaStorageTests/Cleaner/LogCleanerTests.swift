// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Synchronization
import Testing

@testable import KafkaStorage

/// Which logs are cleaned, when, and by whom.
@Suite struct LogCleanerTests {
    private struct Setup {
        let world = TestWorld()
        let manager: LogManager
        let cleaner: LogCleaner

        init(_ configure: (inout LogCleanerConfiguration) -> Void = { _ in }) throws {
            manager = try LogCleanerTests.load(world)
            var configuration = LogCleanerConfiguration()
            configuration.ioBufferBytes = 8192
            configure(&configuration)
            cleaner = LogCleaner(
                configuration: configuration, logs: manager, runtime: world.runtime, observer: world.events)
        }

        func log(_ topic: String, _ configure: (inout LogConfiguration) -> Void = { _ in }) throws -> UnifiedLog {
            var configuration = Compaction.configuration
            configure(&configuration)
            return try manager.createLog(
                for: TopicPartition(topic: topic, partition: 0), topicID: nil, configuration: configuration)
        }

        /// Segments of which all but the last `open` batches can be cleaned.
        func fill(_ log: UnifiedLog, batches: Int, keys: Int = 2) throws {
            for batch in 0..<batches {
                let records = (0..<keys).map { "k\($0)=\(batch)" }
                try log.append(Compaction.batch(records), now: world.clock.wallMilliseconds)
            }
            try log.rollForCleaning()
        }

        func range(_ log: UnifiedLog) throws -> CleanableRange {
            try log.cleanableRange(now: world.clock.wallMilliseconds)
        }
    }

    private static func load(_ world: TestWorld) throws -> LogManager {
        let manager = LogManager(
            configuration: LogManagerConfiguration(directories: ["/data"]), runtime: world.runtime,
            observer: world.events)
        try manager.openDirectories()
        manager.loadLogs(topicConfiguration: { _ in Compaction.configuration }) { _ in }
        world.run()
        return manager
    }

    private final class Flag: Sendable {
        private let count = Mutex(0)
        var value: Int { count.withLock { $0 } }
        func set() { count.withLock { $0 += 1 } }
    }

    // MARK: Ranges

    @Test func `what can be cleaned ends before the segment that is written`() throws {
        let setup = try Setup()
        let log = try setup.log("t")
        #expect(try !setup.range(log).isDue(minRatio: 0))
        try log.append(Compaction.batch(["a=1"]))
        log.updateHighWatermark(1)
        #expect(try setup.range(log).cleanableBytes == 0)
        try log.roll()
        let range = try setup.range(log)
        #expect(range.firstDirtyOffset == 0 && range.firstUncleanableOffset == 1)
        #expect(range.cleanBytes == 0 && range.cleanableBytes == log.size && range.dirtyRatio == 1)
        try log.cleanNow()
        #expect(try setup.range(log).cleanableBytes == 0)
        #expect(try setup.range(log).dirtyRatio == 0)
        try log.append(Compaction.batch(["b=1"]))
        try log.rollForCleaning()
        #expect(try setup.range(log).dirtyRatio == 0.5)
        #expect(try setup.range(log).isDue(minRatio: 0.49))
        #expect(try !setup.range(log).isDue(minRatio: 0.5))
    }

    @Test func `what may still be taken back is not cleaned`() throws {
        let setup = try Setup()
        let log = try setup.log("t")
        for value in 0..<3 {
            try log.append(Compaction.batch(["a=\(value)"]))
            try log.roll()
        }
        #expect(try setup.range(log).firstUncleanableOffset == 0)
        log.updateHighWatermark(2)
        #expect(try setup.range(log).firstUncleanableOffset == 2)
    }

    @Test func `young records are left alone and old ones are not left waiting`() throws {
        let setup = try Setup()
        let log = try setup.log("t") {
            $0.minCompactionLagMs = 1000
            $0.maxCompactionLagMs = 5000
            $0.minCleanableDirtyRatio = 1
        }
        let start = setup.world.clock.wallMilliseconds
        try log.append(Compaction.batch(["a=1"], timestamp: start - 2000))
        try log.rollForCleaning()
        try log.append(Compaction.batch(["a=2"], timestamp: start))
        try log.rollForCleaning()
        #expect(try setup.range(log).firstUncleanableOffset == 1)
        setup.world.clock.advance(999)
        #expect(try setup.range(log).firstUncleanableOffset == 1)
        setup.world.clock.advance(1)
        #expect(try setup.range(log).firstUncleanableOffset == 2)
        #expect(try !setup.range(log).isDue(minRatio: 1))
        setup.world.clock.advance(2001)
        #expect(try setup.range(log).isOverdue)
        #expect(try setup.range(log).isDue(minRatio: 1))
        try log.cleanNow(now: setup.world.clock.wallMilliseconds)
        #expect(try !setup.range(log).isDue(minRatio: 1))
    }

    @Test(arguments: [(Int64(-1), Int64(0)), (0, 0), (2, 2), (3, 3), (99, 0)])
    func `a checkpoint beyond the log begins anew`(cleaned: Int64, expected: Int64) throws {
        let setup = try Setup()
        let log = try setup.log("t")
        for value in 0..<3 { try log.append(Compaction.batch(["a=\(value)"])) }
        try log.rollForCleaning()
        log.state.withLock { $0.cleanedUpTo = cleaned }
        #expect(try setup.range(log).firstDirtyOffset == expected)
        try log.incrementLogStartOffset(to: 1)
        #expect(try setup.range(log).firstDirtyOffset == max(expected, 1))
    }

    @Test func `a truncation takes the checkpoint along`() throws {
        let setup = try Setup()
        let log = try setup.log("t")
        try setup.fill(log, batches: 5)
        setup.cleaner.start()
        setup.world.run()
        #expect(log.cleanedUpTo == 10)
        try log.truncate(to: 9)
        #expect(log.cleanedUpTo == 8 && log.logEndOffset == 8)
        setup.world.run()
        #expect(try setup.world.bytes("/data/cleaner-offset-checkpoint") == Array("0\n1\nt 0 8\n".utf8))
        try log.truncateFullyAndStart(at: 20)
        #expect(log.cleanedUpTo == nil)
    }

    // MARK: Workers

    @Test func `logs that are due are cleaned and the others left alone`() throws {
        let setup = try Setup()
        let due = try setup.log("due")
        let deleted = try setup.log("delete-only") { $0.cleanupPolicy = .delete }
        let clean = try setup.log("not-dirty-enough") { $0.minCleanableDirtyRatio = 1 }
        for log in [due, deleted, clean] { try setup.fill(log, batches: 4) }
        setup.cleaner.start()
        setup.world.run()
        #expect(try due.keyed() == ["6:k0=3", "7:k1=3"])
        #expect(try deleted.keyed().count == 8)
        #expect(try clean.keyed().count == 8)
        #expect(try setup.world.bytes("/data/cleaner-offset-checkpoint") == Array("0\n1\ndue 0 8\n".utf8))
        #expect(setup.world.events.all.contains { $0.hasPrefix("cleaned") && $0.contains("/data/due-0") })
        // More comes, and is found after the rest.
        try setup.fill(due, batches: 2)
        setup.world.advance(14_999)
        #expect(due.cleanedUpTo == 8)
        setup.world.advance(1)
        #expect(try due.keyed() == ["10:k0=1", "11:k1=1"])
    }

    @Test func `a start takes up where the last one ended and a deleted topic leaves nothing`() throws {
        let setup = try Setup()
        for topic in ["a", "b"] { try setup.fill(setup.log(topic), batches: 4) }
        setup.cleaner.start()
        setup.world.run()
        try setup.manager.deleteLog(for: TopicPartition(topic: "a", partition: 0))
        setup.world.run()
        let path = "/data/cleaner-offset-checkpoint"
        #expect(try setup.world.bytes(path) == Array("0\n1\nb 0 8\n".utf8))
        let stopped = Flag()
        setup.cleaner.stop { setup.manager.shutdown(brokerEpoch: 1) { stopped.set() } }
        setup.world.run()
        #expect(stopped.value == 1)
        let again = try Self.load(setup.world)
        #expect(again.log(for: TopicPartition(topic: "b", partition: 0))?.cleanedUpTo == 8)
    }

    @Test func `the filthiest log comes first`() throws {
        let setup = try Setup()
        let half = try setup.log("half")
        try setup.fill(half, batches: 4, keys: 4)
        try half.cleanNow()
        try setup.fill(half, batches: 1, keys: 4)
        let whole = try setup.log("whole")
        try setup.fill(whole, batches: 4)
        setup.cleaner.start()
        setup.world.run()
        let cleaned = setup.world.events.all.filter { $0.hasPrefix("cleaned") }
        #expect(cleaned.count == 2)
        #expect(cleaned[0].contains("/data/whole-0") && cleaned[1].contains("/data/half-0"))
    }

    @Test func `old segments of compacted logs are deleted where the policy says so`() throws {
        let setup = try Setup()
        let log = try setup.log("t") {
            $0.cleanupPolicy = [.compact, .delete]
            $0.retentionMs = 60_000
        }
        let compacted = try setup.log("compact") { $0.retentionMs = 60_000 }
        for log in [log, compacted] { try setup.fill(log, batches: 2) }
        setup.cleaner.start()
        setup.world.run()
        #expect(try log.keyed() == ["2:k0=1", "3:k1=1"])
        setup.world.clock.advance(70_000)
        setup.world.advance(15_000)
        #expect(log.logStartOffset == 4)
        #expect(try log.keyed() == [])
        #expect(try compacted.keyed() == ["2:k0=1", "3:k1=1"])
    }

    @Test func `a damaged log is set aside with its place and the others are cleaned`() throws {
        let setup = try Setup()
        let damaged = try setup.log("damaged")
        let sound = try setup.log("sound")
        for log in [damaged, sound] { try setup.fill(log, batches: 4) }
        let path = "/data/damaged-0/00000000000000000000.log"
        let file = try setup.world.files.open(path, .readWrite)
        try file.write([0xFF], at: 80)
        let before = try setup.world.bytes(path)
        setup.cleaner.start()
        setup.world.run()
        #expect(try sound.keyed().count == 2)
        #expect(damaged.uncleanableReason?.contains("\(path) is corrupt at byte 0") == true)
        #expect(setup.world.events.all.filter { $0.hasPrefix("uncleanable") }.count == 1)
        #expect(try setup.world.bytes(path) == before)
        #expect(damaged.failure == nil)
        setup.world.advance(15_000)
        #expect(setup.world.events.all.filter { $0.hasPrefix("uncleanable") }.count == 1)
        let next = try Self.load(setup.world.crashed())
        #expect(next.log(for: damaged.topicPartition)?.uncleanableReason == nil)
    }

    @Test func `a full disk is waited for`() throws {
        let setup = try Setup()
        let log = try setup.log("t")
        try setup.fill(log, batches: 4)
        setup.world.files.setFault { _, _, path in path.hasSuffix(".cleaned") ? .noSpace : nil }
        setup.cleaner.start()
        setup.world.run()
        setup.world.files.setFault(nil)
        #expect(log.cleanedUpTo == nil && log.failure == nil && log.uncleanableReason == nil)
        #expect(setup.world.events.all.contains { $0.contains("noSpace") })
        setup.world.advance(15_000)
        #expect(log.cleanedUpTo == 8)
        let names = try setup.world.files.list("/data/t-0")
        #expect(!names.contains { $0.hasSuffix(".cleaned") })
    }

    @Test func `a disk that fails takes the directory out of service`() throws {
        let setup = try Setup()
        let log = try setup.log("t")
        try setup.fill(log, batches: 4)
        setup.world.files.setFault { _, _, path in path.hasSuffix(".cleaned") ? .inputOutput : nil }
        setup.cleaner.start()
        setup.world.run()
        #expect(setup.manager.directories.allSatisfy { !$0.isOnline })
        #expect(log.failure != nil)
    }

    // MARK: Waiting

    @Test func `a throttled cleaning takes its time and ends when it is told to`() throws {
        let setup = try Setup { $0.bytesPerSecondMax = 1000 }
        let log = try setup.log("t") { $0.segmentBytes = 20_000 }
        try setup.fill(log, batches: 200)
        setup.cleaner.start()
        setup.world.run()
        #expect(log.cleanedUpTo == nil)
        let paused = Flag()
        setup.cleaner.pause(log.topicPartition) { paused.set() }
        #expect(paused.value == 0)
        setup.world.run()
        #expect(paused.value == 1)
        setup.world.advance(60_000)
        #expect(log.cleanedUpTo == nil)
        setup.cleaner.pause(log.topicPartition) { paused.set() }
        #expect(paused.value == 2)
        setup.cleaner.resume(log.topicPartition)
        setup.world.advance(60_000)
        #expect(log.cleanedUpTo == nil)
        setup.cleaner.resume(log.topicPartition)
        for _ in 0..<200 where log.cleanedUpTo == nil { setup.world.advance(1000) }
        #expect(log.cleanedUpTo == 400)
        let stopped = Flag()
        setup.cleaner.stop { stopped.set() }
        setup.world.run()
        #expect(stopped.value == 1)
    }

    @Test func `a stop ends a cleaning and leaves the log as it was`() throws {
        let setup = try Setup {
            $0.bytesPerSecondMax = 10_000
            $0.threads = 3
        }
        let log = try setup.log("t")
        try setup.fill(log, batches: 50)
        let before = try log.keyed()
        setup.cleaner.start()
        setup.world.run()
        let stopped = Flag()
        setup.cleaner.stop { stopped.set() }
        setup.world.run()
        #expect(stopped.value == 1)
        #expect(try log.keyed() == before)
        setup.world.advance(60_000)
        #expect(log.cleanedUpTo == nil)
        // It may be started again, with other settings.
        var configuration = LogCleanerConfiguration()
        configuration.threads = 1
        setup.cleaner.update(configuration)
        setup.cleaner.start()
        setup.world.run()
        #expect(log.cleanedUpTo == 100)
        configuration.threads = 0
        setup.cleaner.update(configuration)
        setup.world.run()
        setup.cleaner.stop { stopped.set() }
        #expect(stopped.value == 2)
    }

    @Test func `a stop during a restart is the last word`() throws {
        let setup = try Setup()
        let log = try setup.log("t")
        setup.cleaner.start()
        setup.world.run()
        var configuration = LogCleanerConfiguration()
        configuration.threads = 2
        setup.cleaner.update(configuration)
        let stopped = Flag()
        setup.cleaner.stop { stopped.set() }
        setup.world.run()
        #expect(stopped.value == 1)
        try setup.fill(log, batches: 50)
        setup.world.advance(60_000)
        #expect(log.cleanedUpTo == nil)
    }

    @Test func `a log that is truncated or deleted while it is cleaned is left as it is`() throws {
        for isDeleted in [false, true] {
            let setup = try Setup { $0.bytesPerSecondMax = 4000 }
            let log = try setup.log("t")
            try setup.fill(log, batches: 60)
            setup.cleaner.start()
            setup.world.run()
            for _ in 0..<4 { setup.world.advance(500) }
            #expect(log.cleanedUpTo == nil)
            if isDeleted {
                try setup.manager.deleteLog(for: log.topicPartition)
            } else {
                try log.truncate(to: 20)
            }
            for _ in 0..<120 { setup.world.advance(1000) }
            #expect(setup.world.events.all.allSatisfy { !$0.hasPrefix("uncleanable") && !$0.contains("Failure") })
            #expect(setup.manager.directories.allSatisfy { $0.isOnline })
            if !isDeleted {
                #expect(log.logEndOffset == 20)
                #expect(try Array(log.keyed().suffix(2)) == ["18:k0=9", "19:k1=9"])
            }
        }
    }

    @Test func `one log can be cleaned at once on demand`() throws {
        let setup = try Setup()
        let log = try setup.log("t") { $0.minCleanableDirtyRatio = 1 }
        try setup.fill(log, batches: 4)
        let done = try #require(try setup.cleaner.clean(log))
        #expect(done.recordsRetained == 2 && done.bytesRead > 0 && done.bytesWritten > 0)
        #expect(try setup.cleaner.clean(log) == nil)
        #expect(try setup.world.bytes("/data/cleaner-offset-checkpoint") == Array("0\n1\nt 0 8\n".utf8))
    }
}

extension TestWorld {
    /// Itself, after the death of the process.
    fileprivate func crashed() -> TestWorld {
        crash(.everything)
        return self
    }
}
