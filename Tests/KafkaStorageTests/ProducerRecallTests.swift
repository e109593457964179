// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Synchronization
import Testing

@testable import KafkaStorage

/// A producer may have five batches under way when the broker goes down, and sends all of them again.
@Suite struct ProducerRecallTests {
    private func batch(
        _ number: Int32, producer: Int64 = 7, epoch: Int16 = 0, timestamp: Int64 = TestBatches.time
    ) throws -> [UInt8] {
        try TestBatches.batch(
            ["\(number)a", "\(number)b"], timestamp: timestamp, producer: (producer, epoch, number * 2))
    }

    private func code(_ log: UnifiedLog, _ batch: [UInt8]) -> ErrorCode? {
        do {
            try log.append(batch)
            return nil
        } catch {
            return (error as? StorageError)?.errorCode
        }
    }

    /// Sends the batches of `numbers` again, and what no producer may send.
    private func expectRecognised(_ log: UnifiedLog, _ numbers: ClosedRange<Int32>, offset: Int64 = 0) throws {
        for number in numbers {
            let again = try log.append(batch(number))
            #expect(again.isDuplicate)
            #expect(again.firstOffset == offset + Int64(number) * 2)
        }
        #expect(code(log, try batch(numbers.lowerBound - 1)) == .outOfOrderSequenceNumber)
        #expect(code(log, try batch(numbers.upperBound + 2)) == .outOfOrderSequenceNumber)
        #expect(try !log.append(batch(numbers.upperBound + 1)).isDuplicate)
        #expect(code(log, try batch(numbers.lowerBound)) == .outOfOrderSequenceNumber)
    }

    @Test func `the last five batches are known after a clean stop`() throws {
        let world = TestWorld()
        let log = try world.open()
        for number: Int32 in 0..<6 { try log.append(batch(number)) }
        try log.close()
        try expectRecognised(try world.open(clean: true), 1...5)
    }

    @Test func `they are known from several segments, before and behind the snapshot`() throws {
        let world = TestWorld()
        let log = try world.open()
        for number: Int32 in 0..<7 {
            try log.append(batch(number))
            if number == 3 || number == 4 { try log.roll() }
        }
        world.run()
        world.crash(.everything)
        let again = try world.open(recoveryPoint: 10)
        #expect(again.state.withLock { $0.producers.producers[7]?.batches.count } == 3)
        try expectRecognised(again, 2...6)
    }

    @Test func `they are known when a failed write has been taken back`() throws {
        let world = TestWorld()
        let log = try world.open()
        for number: Int32 in 0..<6 { try log.append(batch(number)) }
        try log.roll()
        world.run()
        let group = WriteGroup()
        var late = try batch(6)
        _ = try log.appendAsLeader(&late, leaderEpoch: 0, now: TestBatches.time, group: group)
        world.files.failCall(after: 0, with: .noSpace)
        #expect(group.commit().count == 1)
        world.files.setFault(nil)
        try expectRecognised(log, 1...5)
    }

    @Test func `a producer that has begun a new epoch has left the old one behind`() throws {
        let world = TestWorld()
        let log = try world.open()
        for number: Int32 in 0..<3 { try log.append(batch(number)) }
        try log.append(batch(0, epoch: 1))
        try log.append(batch(1, epoch: 1))
        try log.close()
        let again = try world.open(clean: true)
        #expect(code(again, try batch(1)) == .invalidProducerEpoch)
        #expect(try again.append(batch(0, epoch: 1)).firstOffset == 6)
        #expect(again.state.withLock { $0.producers.producers[7]?.batches.count } == 2)
    }

    @Test func `one producer's question answers for all that the snapshot knows`() throws {
        let world = TestWorld()
        var settings = LogSettings()
        settings.producerIDExpirationMs = 1000
        let log = try world.open(settings: settings)
        try log.append(batch(0, producer: 9, timestamp: TestBatches.time - 5000))
        for number: Int32 in 0..<2 {
            for producer: Int64 in [7, 8] { try log.append(batch(number, producer: producer)) }
        }
        try log.close()
        let again = try world.open(clean: true, settings: settings)
        #expect(try again.append(batch(0)).isDuplicate)
        #expect(again.state.withLock { $0.producers.producers[8]?.batches.count } == 2)
        // One that is forgotten stays so.
        #expect(again.state.withLock { $0.producers.producers[9] } == nil)
        #expect(again.state.withLock { $0.producers.partialBelow } == nil)
    }

    @Test func `the log is read once and only for a sequence that does not follow`() throws {
        let world = TestWorld()
        let log = try world.open()
        for number: Int32 in 0..<3 { try log.append(batch(number)) }
        try log.close()
        let again = try world.open(clean: true)
        _ = try again.records()
        func reads(_ body: () throws -> Void) rethrows -> Int {
            let before = world.files.callCount
            try body()
            return world.files.callCount - before
        }
        let gap = try batch(9)
        try again.append(batch(3))
        let plain = try reads { try again.append(batch(4)) }
        let first = reads { #expect(code(again, gap) == .outOfOrderSequenceNumber) }
        let second = reads { #expect(code(again, gap) == .outOfOrderSequenceNumber) }
        #expect(plain == 1)
        #expect(first > 0)
        #expect(second == 0)
    }

    @Test func `a disk that cannot be read then is no reason to call a batch out of order`() throws {
        let world = TestWorld()
        let log = try world.open()
        for number: Int32 in 0..<3 { try log.append(batch(number)) }
        try log.close()
        let again = try world.open(clean: true)
        _ = try again.append(batch(3))
        world.files.setFault { _, operation, _ in operation == .read ? .inputOutput : nil }
        #expect(code(again, try batch(0)) == .kafkaStorageError)
        world.files.setFault(nil)
        #expect(try again.append(batch(0)).isDuplicate)
    }
}

/// What is known of producers must not go with the segments that it came from.
@Suite struct ProducerRetentionTests {
    private let configuration: LogConfiguration = {
        var configuration = LogConfiguration()
        configuration.retentionBytes = 0
        return configuration
    }()

    private func fill(_ log: UnifiedLog, _ numbers: Range<Int32>) throws {
        for number in numbers {
            try log.append(TestBatches.batch(["\(number)"], producer: (7, 0, number)))
        }
        log.updateHighWatermark(log.logEndOffset)
    }

    private func expectFollows(_ log: UnifiedLog, _ number: Int32) throws {
        #expect(try log.append(TestBatches.batch(["again"], producer: (7, 0, number))).isDuplicate)
        #expect(throws: StorageError.self) {
            try log.append(TestBatches.batch(["gap"], producer: (7, 0, number + 2)))
        }
        #expect(try !log.append(TestBatches.batch(["next"], producer: (7, 0, number + 1))).isDuplicate)
    }

    @Test func `a process that dies before the snapshot of a roll is written has one all the same`() throws {
        let world = TestWorld()
        let log = try world.open("/data/t-0", configuration)
        try fill(log, 0..<2)
        try log.roll()
        world.run()
        try fill(log, 2..<4)
        #expect(try log.deleteOldSegments(now: TestBatches.time) == 2)
        #expect(log.logStartOffset == 4)
        // What was left to the background is never done.
        world.crash(.everything)
        try expectFollows(try world.open("/data/t-0", configuration), 3)
    }

    @Test func `the machine that stops finds it, too`() throws {
        let world = TestWorld()
        let log = try world.open("/data/t-0", configuration)
        try fill(log, 0..<2)
        #expect(try log.deleteOldSegments(now: TestBatches.time) == 1)
        try world.files.syncDirectory("/data")
        world.crash()
        try expectFollows(try world.open("/data/t-0", configuration), 1)
    }

    @Test func `a batch that was lost in a gap is not taken for one that is there`() throws {
        var configuration = LogConfiguration()
        configuration.cleanupPolicy = [.compact]
        let world = TestWorld()
        let log = try world.open()
        for number: Int32 in 0..<2 {
            try log.append(TestBatches.batch(["x"], producer: (7, 0, number)))
            try log.roll()
        }
        world.run()
        world.crash(.everything)
        // The machine kept the name of the second segment and of the third, but not what was in the second.
        try world.files.open("/data/t-0/\(LogFileNames.digits(1)).log", .readWrite).truncate(to: 0)
        for clean in [false, true] {
            let again = try world.open("/data/t-0", configuration, clean: clean, recoveryPoint: 1)
            #expect(again.logEndOffset == 2)
            #expect(again.state.withLock { $0.producers.producers[7]?.batches.map(\.lastOffset) } == [0])
            if !clean { try again.close() }
        }
    }

    enum Loss: CaseIterable {
        case removed, emptied, damaged
    }

    @Test(arguments: Loss.allCases)
    func `a snapshot that is lost is made again before the batches go`(loss: Loss) throws {
        let world = TestWorld()
        let log = try world.open("/data/t-0", configuration)
        try fill(log, 0..<2)
        try log.roll()
        world.run()
        try log.append(TestBatches.batch(["other"], producer: (8, 0, 0)))
        log.updateHighWatermark(3)
        let path = "/data/t-0/\(LogFileNames.digits(2)).snapshot"
        switch loss {
        case .removed: try world.files.remove(path)
        case .emptied: try world.files.open(path, .readWrite).truncate(to: 0)
        case .damaged: try world.files.open(path, .readWrite).write([0xFF], at: 12)
        }
        log.state.withLock { $0.configuration.retentionBytes = 10 }
        #expect(try log.deleteOldSegments(now: TestBatches.time) == 1)
        world.crash(.everything)
        let again = try world.open("/data/t-0", configuration)
        #expect(again.logStartOffset == 2)
        try expectFollows(again, 1)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `a stop while the snapshot of a roll is written, and that of the machine when its segment is gone`(
        seed: UInt64
    ) throws {
        var configuration = configuration
        configuration.retentionBytes = 10
        var (number, deletions) = (0, 0)
        while true {
            let world = TestWorld(seed: seed)
            let log = try world.open("/data/t-0", configuration)
            try fill(log, 0..<2)
            try log.flush()
            try world.files.syncDirectory("/data")
            try log.roll()
            world.files.halt(after: number)
            world.run()
            let isThrough = !world.files.isHalted
            world.crash(seed % 2 == 0 ? .everything : .some(random: world.random))
            // The recovery point was not written after the flush.
            let again = try world.open("/data/t-0", configuration)
            try again.append(TestBatches.batch(["other"], producer: (8, 0, 0)))
            again.updateHighWatermark(3)
            // The machine may have lost the roll.
            deletions += try again.deleteOldSegments(now: TestBatches.time)
            world.crash(.some(random: world.random))
            try expectFollows(try world.open("/data/t-0", configuration), 1)
            if isThrough { break }
            number += 1
        }
        #expect(deletions > 2)
    }

    /// A log whose first segment was given up, with a snapshot in the middle of the next in place of the one at its base.
    private func withoutSnapshotAtBase(_ world: TestWorld) throws -> UnifiedLog {
        let log = try world.open("/data/t-0", configuration)
        try fill(log, 0..<2)
        try log.roll()
        world.run()
        try world.files.remove("/data/t-0/\(LogFileNames.digits(2)).snapshot")
        for number: Int32 in 0..<2 { try log.append(TestBatches.batch(["\(number)"], producer: (8, 0, number))) }
        log.updateHighWatermark(4)
        log.state.withLock { $0.configuration.retentionBytes = 100 }
        #expect(try log.deleteOldSegments(now: TestBatches.time) == 1)
        #expect(log.logStartOffset == 2)
        #expect(log.state.withLock { $0.snapshots } == [2, 4])
        return log
    }

    @Test(arguments: [0, 2, 4] as [Int64])
    func `a snapshot from behind where a recovery begins tells of producers before it`(recoveryPoint: Int64) throws {
        let world = TestWorld()
        let log = try withoutSnapshotAtBase(world)
        try log.append(TestBatches.batch(["2"], producer: (8, 0, 2)))
        for _ in 0..<2 {
            world.crash(.everything)
            let again = try world.open("/data/t-0", configuration, recoveryPoint: recoveryPoint)
            #expect(try again.append(TestBatches.batch(["again"], producer: (7, 0, 1))).isDuplicate)
            for number: Int32 in 0..<3 {
                #expect(try again.append(TestBatches.batch(["again"], producer: (8, 0, number))).isDuplicate)
            }
        }
    }

    @Test func `such a snapshot stays until a later one is sure to stay`() throws {
        let world = TestWorld()
        let log = try withoutSnapshotAtBase(world)
        try log.append(TestBatches.batch(["2"], producer: (8, 0, 2)))
        try log.roll()
        world.run()
        world.crash(.everything)
        // What the machine lost is what the newest snapshot is about.
        try world.files.open("/data/t-0/\(LogFileNames.digits(2)).log", .readWrite).truncate(to: 160)
        let again = try world.open("/data/t-0", configuration, recoveryPoint: 2)
        #expect(again.logEndOffset == 4)
        #expect(again.state.withLock { $0.snapshots } == [4])
        #expect(try again.append(TestBatches.batch(["again"], producer: (7, 0, 1))).isDuplicate)
        #expect(try !again.append(TestBatches.batch(["2"], producer: (8, 0, 2))).isDuplicate)
        try again.roll()
        world.run()
        world.crash(.everything)
        let third = try world.open("/data/t-0", configuration, recoveryPoint: 5)
        #expect(third.state.withLock { $0.snapshots } == [5])
        #expect(try third.append(TestBatches.batch(["again"], producer: (7, 0, 1))).isDuplicate)
    }

    @Test func `nothing is deleted while the snapshot cannot be written`() throws {
        let world = TestWorld()
        let log = try world.open("/data/t-0", configuration)
        try fill(log, 0..<2)
        world.files.setFault { _, operation, path in
            operation == .write && path.contains(".snapshot") ? .noSpace : nil
        }
        #expect(throws: StorageError.self) { try log.deleteOldSegments(now: TestBatches.time) }
        #expect(log.logStartOffset == 0)
        #expect(log.failure == nil)
        world.files.setFault(nil)
        #expect(try log.deleteOldSegments(now: TestBatches.time) == 1)
    }

    @Test func `producers that only an outdated snapshot knows are taken for new ones`() throws {
        let world = TestWorld()
        let log = try world.open("/data/t-0", configuration)
        try fill(log, 0..<2)
        try log.roll()
        world.run()
        try fill(log, 2..<4)
        try log.roll()
        world.run()
        try fill(log, 4..<5)
        world.crash(.everything)
        for name in try world.files.list("/data/t-0")
        where !name.hasPrefix(LogFileNames.digits(4)) && !name.hasSuffix("2.snapshot") {
            try world.files.remove("/data/t-0/\(name)")
        }
        try world.files.remove("/data/t-0/\(LogFileNames.digits(4)).snapshot")
        let again = try world.open("/data/t-0", configuration)
        #expect(again.logStartOffset == 4)
        #expect(again.state.withLock { $0.producers.producers[7]?.batches.map(\.lastSequence) } == [4])
    }
}
