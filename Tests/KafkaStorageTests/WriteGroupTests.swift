// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

@Suite struct WriteGroupTests {
    private func append(
        _ log: UnifiedLog, _ batch: [UInt8], _ group: WriteGroup, epoch: Int32 = 0
    ) throws -> AppendInfo {
        var bytes = batch
        return try bytes.withUnsafeMutableBytes {
            try log.appendAsLeader($0, leaderEpoch: epoch, now: TestBatches.time, group: group)
        }
    }

    private func writes(_ world: TestWorld, _ body: () throws -> Void) rethrows -> Int {
        let counter = Counter()
        world.files.setFault { _, operation, path in
            if operation == .write, path.hasSuffix(".log") { counter.add() }
            return nil
        }
        defer { world.files.setFault(nil) }
        try body()
        return counter.count
    }

    private final class Counter: @unchecked Sendable {
        // Counts under the file system's lock.
        private(set) var count = 0
        func add() { count += 1 }
    }

    @Test func `small batches go to the file in one write`() throws {
        let world = TestWorld()
        let log = try world.open()
        let group = WriteGroup()
        let count = try writes(world) {
            for number in 0..<5 {
                let info = try append(log, TestBatches.sized(10_000, fill: UInt8(97 + number)), group)
                #expect(info.firstOffset == Int64(number))
            }
            #expect(log.logEndOffset == 5)
            #expect(group.commit().isEmpty)
        }
        #expect(count == 1)
        #expect(group.isEmpty)
        #expect(try world.bytes("/data/t-0/00000000000000000000.log").count == 50_000)
        #expect(try log.records().map { $0.prefix(3) } == ["0=a", "1=b", "2=c", "3=d", "4=e"])
    }

    @Test func `no more waits than one piece holds, and large batches do not wait`() throws {
        let world = TestWorld()
        var settings = LogSettings()
        settings.writePieceBytes = 64 << 10
        let log = try world.open(settings: settings)
        let group = WriteGroup()
        let count = try writes(world) {
            for _ in 0..<10 { _ = try append(log, TestBatches.sized(20_000), group) }
            _ = try append(log, TestBatches.sized(65_536), group)
            #expect(group.commit().isEmpty)
        }
        // Three times three, one, and the large one.
        #expect(count == 5)
        #expect(try log.records().count == 11)
    }

    @Test func `whoever looks finds everything written`() throws {
        let world = TestWorld()
        let log = try world.open()
        let group = WriteGroup()
        _ = try append(log, TestBatches.batch(["a"]), group)
        #expect(try log.records() == ["0=a"])
        _ = try append(log, TestBatches.batch(["b"], timestamp: TestBatches.time + 9), group)
        #expect(try log.offsetOfMaxTimestamp()?.offset == 1)
        _ = try append(log, TestBatches.batch(["c"]), group)
        #expect(try log.flush() == 3)
        _ = try append(log, TestBatches.batch(["d"]), group)
        try log.roll()
        _ = try append(log, TestBatches.batch(["e"]), group)
        #expect(group.commit().isEmpty)
        try log.close()
        #expect(try world.open(clean: true).records() == ["0=a", "1=b", "2=c", "3=d", "4=e"])
    }

    @Test func `several logs are committed together`() throws {
        let world = TestWorld()
        let logs = try (0..<3).map { try world.open("/data/t-\($0)") }
        let group = WriteGroup()
        for round in 0..<4 { for log in logs { _ = try append(log, TestBatches.batch(["\(round)"]), group) } }
        #expect(writes(world) { _ = group.commit() } == 3)
        for log in logs { #expect(try log.records().count == 4) }
    }

    @Test func `a failed write takes back what waited, for all who waited`() throws {
        let world = TestWorld()
        let log = try world.open()
        let mine = WriteGroup()
        let other = WriteGroup()
        _ = try append(log, TestBatches.batch(["kept"], producer: (1, 0, 0)), mine)
        #expect(mine.commit().isEmpty)
        _ = try append(log, TestBatches.batch(["mine"], producer: (1, 0, 1)), mine, epoch: 3)
        _ = try append(log, TestBatches.batch(["other"], producer: (2, 0, 0)), other, epoch: 3)
        log.updateHighWatermark(3)
        world.files.failCall(after: 0, with: .noSpace)
        #expect(mine.commit().count == 1)
        #expect(other.commit().count == 1)
        #expect(log.failure == nil)
        #expect(log.logEndOffset == 1)
        #expect(log.highWatermark == 1)
        #expect(log.latestEpoch == 0)
        #expect(try log.records() == ["0=kept"])
        // The same batches come again: they are no duplicates now.
        let info = try append(log, TestBatches.batch(["mine"], producer: (1, 0, 1)), mine)
        #expect(info.firstOffset == 1)
        #expect(!info.isDuplicate)
        #expect(mine.commit().isEmpty)
        #expect(try log.records() == ["0=kept", "1=mine"])
    }

    @Test func `a failed write forgets no producer whose records were deleted`() throws {
        let world = TestWorld()
        let log = try world.open()
        let group = WriteGroup()
        try log.append(TestBatches.batch(["a"], producer: (1, 0, 0)))
        log.updateHighWatermark(1)
        try log.incrementLogStartOffset(to: 1)
        _ = try append(log, TestBatches.batch(["b"], producer: (1, 0, 1)), group)
        world.files.failCall(after: 0, with: .noSpace)
        #expect(group.commit().count == 1)
        // What the client had sent behind it must not take its place.
        #expect(throws: StorageError.self) { try log.append(TestBatches.batch(["c"], producer: (1, 0, 2))) }
        try log.append(TestBatches.batch(["b"], producer: (1, 0, 1)))
        try log.append(TestBatches.batch(["c"], producer: (1, 0, 2)))
        #expect(try log.records(from: 1) == ["1=b", "2=c"])
    }

    @Test func `after a failure appends are written at once, until one succeeds`() throws {
        let world = TestWorld()
        let log = try world.open()
        let group = WriteGroup()
        _ = try append(log, TestBatches.batch(["a"]), group)
        world.files.failCall(after: 0, with: .noSpace)
        #expect(group.commit().count == 1)
        world.files.failCall(after: 0, with: .noSpace)
        #expect(throws: StorageError.self) { try append(log, TestBatches.batch(["b"]), group) }
        world.files.setFault(nil)
        let count = try writes(world) { _ = try append(log, TestBatches.batch(["c"]), group) }
        #expect(count == 1)
        _ = group.commit()
        #expect(try writes(world) { _ = try append(log, TestBatches.batch(["d"]), group) } == 0)
        #expect(group.commit().isEmpty)
        #expect(try log.records() == ["0=c", "1=d"])
    }

    @Test func `a duplicate of a batch that waits is acknowledged only when that is written`() throws {
        let world = TestWorld()
        let log = try world.open()
        let group = WriteGroup()
        let batch = try TestBatches.batch(["a"], producer: (1, 0, 0))
        _ = try append(log, batch, group)
        world.files.failCall(after: 0, with: .inputOutput)
        #expect(throws: StorageError.self) { try append(log, batch, WriteGroup()) }
        #expect(group.commit().count == 1)
        #expect(log.logEndOffset == 0)
    }

    @Test func `what is flushed is durable, duplicates included`() throws {
        let world = TestWorld()
        let logs = try (0..<2).map { try world.open("/data/t-\($0)") }
        let first = WriteGroup()
        let batch = try TestBatches.batch(["a"], producer: (1, 0, 0))
        for log in logs { _ = try append(log, batch, first) }
        #expect(first.commit().isEmpty)
        // It is sent again: the answer is true only when the first one is durable.
        let again = WriteGroup()
        for log in logs { #expect(try append(log, batch, again).isDuplicate) }
        _ = try append(logs[1], TestBatches.batch(["b"]), again)
        #expect(again.flush().isEmpty)
        #expect(again.isEmpty)
        #expect(logs.map(\.recoveryPoint) == [1, 2])
        world.crash()
        #expect(try world.open("/data/t-0").records() == ["0=a"])
        #expect(try world.open("/data/t-1").records() == ["0=a", "1=b"])
    }

    @Test func `a flush writes what waits and syncs it with one call each`() throws {
        let world = TestWorld()
        let log = try world.open()
        let groups = (0..<5).map { _ in WriteGroup() }
        for group in groups { _ = try append(log, TestBatches.batch(["a"]), group) }
        #expect(writes(world) { _ = groups[0].flush() } == 1)
        #expect(log.recoveryPoint == 5)
        #expect(writes(world) { for group in groups[1...] { _ = group.flush() } } == 0)
    }

    @Test func `what was taken back meanwhile is not said to be durable`() throws {
        let world = TestWorld()
        let log = try world.open()
        let (mine, other) = (WriteGroup(), WriteGroup())
        _ = try append(log, TestBatches.batch(["mine"]), mine)
        _ = try append(log, TestBatches.batch(["other"]), other)
        world.files.setFault { _, operation, path in
            operation == .write && path.hasSuffix(".log") ? .noSpace : nil
        }
        #expect(mine.flush().count == 1)
        world.files.setFault(nil)
        // At its offset there is another one now.
        try log.append(TestBatches.batch(["later"]))
        try log.append(TestBatches.batch(["last"]))
        #expect(other.flush().count == 1)
        #expect(log.failure == nil)
        world.crash(.everything)
        #expect(try world.open().records() == ["0=later", "1=last"])
    }

    @Test func `a flush that fails before it writes leaves nothing of the caller's memory behind`() throws {
        let world = TestWorld()
        let log = try world.open()
        let group = WriteGroup()
        let lent = LentBatches([try TestBatches.sized(1_000, fill: 97)])
        group.lend(lent.all)
        _ = try log.appendAsLeader(lent.batches[0], leaderEpoch: 7, now: TestBatches.time, group: group)
        world.files.setFault { _, _, path in path.contains("leader-epoch-checkpoint") ? .noSpace : nil }
        #expect(group.flush().count == 1)
        group.endLending()
        lent.overwrite()
        world.files.setFault(nil)
        #expect(try log.records().map { $0.prefix(3) } == ["0=a"])
        #expect(try log.flush() == 1)
    }

    @Test(arguments: [false, true], [false, true])
    func `a failure at any call loses nothing that was committed`(isLent: Bool, isFlushed: Bool) throws {
        var configuration = LogConfiguration()
        // Large enough to stay where they lie, where they are lent.
        let padding = isLent ? String(repeating: "x", count: 600) : ""
        configuration.segmentBytes = isLent ? 6_000 : 900
        configuration.indexIntervalBytes = 100
        var settings = LogSettings()
        settings.writePieceBytes = isLent ? 1_600 : 250
        var number = 0
        while true {
            let world = TestWorld()
            let log = try world.open("/data/t-0", configuration, settings: settings)
            world.files.failCall(after: number, with: .noSpace)
            var committed: [String] = []
            for round in 0..<12 {
                let group = WriteGroup()
                var waiting: [(Int64, String)] = []
                let values = (0..<3).map { "\(round).\($0)" + padding }
                let lent = LentBatches(try values.map { try TestBatches.batch([$0]) })
                if isLent { group.lend(lent.all) }
                for (value, batch) in zip(values, lent.batches) {
                    let info = try? log.appendAsLeader(
                        batch, leaderEpoch: Int32(round / 4), now: TestBatches.time, group: group)
                    if let info { waiting.append((info.firstOffset, value)) }
                }
                if (isFlushed ? group.flush() : group.commit()).isEmpty {
                    committed += waiting.map { "\($0.0)=\($0.1)" }
                }
                group.endLending()
                lent.overwrite()
                if round == 6 { world.run() }
            }
            let isDone = world.files.faultCount == 0
            world.files.setFault(nil)
            // What was only written survives the process, what was synced the machine.
            world.crash(isFlushed ? .nothing : .everything)
            let again = try world.open("/data/t-0", configuration)
            let records = try again.records()
            #expect(Set(committed).isSubset(of: records), "call \(number)")
            #expect(records.count == Int(again.logEndOffset), "call \(number)")
            if isDone {
                #expect(records == committed)
                break
            }
            number += 1
        }
        #expect(number > 30)
    }

    @Test func `a full disk does not take the log out of service for index entries of what was given up`() throws {
        let world = TestWorld()
        var configuration = LogConfiguration()
        configuration.indexIntervalBytes = 0
        let log = try world.open("/data/t-0", configuration)
        try log.append(TestBatches.batch(["a"]))
        try log.append(TestBatches.batch(["b"]))
        let group = WriteGroup()
        for value in ["c", "d"] { _ = try append(log, TestBatches.batch([value]), group) }
        world.files.setFault { _, operation, _ in operation == .write ? .noSpace : nil }
        #expect(group.commit().count == 1)
        #expect(log.failure == nil)
        #expect(log.logEndOffset == 2)
        world.files.setFault(nil)
        try log.append(TestBatches.batch(["e"]))
        #expect(try log.records() == ["0=a", "1=b", "2=e"])
        #expect(try log.records(from: 2) == ["2=e"])
    }
}
