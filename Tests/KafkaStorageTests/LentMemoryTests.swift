// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Synchronization
import Testing

@testable import KafkaStorage

/// Batches one behind the other in memory of their own, with a gap before each, as requests lie in a connection's buffer.
final class LentBatches {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var batches: [UnsafeMutableRawBufferPointer] = []

    init(_ contents: [[UInt8]]) {
        let gap = 37
        memory = .allocate(byteCount: contents.reduce(0) { $0 + $1.count + gap }, alignment: 16)
        var position = 0
        for content in contents {
            position += gap
            let place = UnsafeMutableRawBufferPointer(rebasing: memory[position..<(position + content.count)])
            place.copyBytes(from: content)
            batches.append(place)
            position += content.count
        }
    }

    deinit { memory.deallocate() }

    var all: UnsafeRawBufferPointer { UnsafeRawBufferPointer(memory) }

    /// As the next requests that arrive would.
    func overwrite() { _ = memory.initializeMemory(as: UInt8.self, repeating: 0xEE) }
}

@Suite struct LentMemoryTests {
    private let world = TestWorld()

    private func append(_ log: UnifiedLog, _ batch: UnsafeMutableRawBufferPointer, _ group: WriteGroup) throws -> Int64
    {
        try log.appendAsLeader(batch, leaderEpoch: 0, now: TestBatches.time, group: group).firstOffset
    }

    private func waits(_ log: UnifiedLog) -> Bool { log.state.withLock { !$0.active.deferred.isEmpty } }

    private func content(_ log: UnifiedLog) throws -> [String] { try log.records().map { String($0.prefix(4)) } }

    @Test func `lent batches are written from where they lie, and not looked at after the commit`() throws {
        let log = try world.open()
        let group = WriteGroup()
        for round in 0..<3 {
            // Small ones are copied, between others that are not.
            let sizes = [600, 80, 90, 10_000, 511, 512, 20_000]
            let lent = LentBatches(try sizes.map { try TestBatches.sized($0, fill: UInt8(97 + round)) })
            group.lend(lent.all)
            for batch in lent.batches { _ = try append(log, batch, group) }
            #expect(waits(log))
            #expect(group.commit().isEmpty)
            group.endLending()
            lent.overwrite()
        }
        #expect(try content(log).count == 21)
        #expect(try content(log)[7...8] == ["7=bb", "8=bb"])
        try log.close()
        #expect(try world.open().records().count == 21)
    }

    @Test func `what is changed before the commit is changed in the file`() throws {
        // Shows that nothing is copied.
        let log = try world.open()
        let group = WriteGroup()
        let lent = LentBatches([try TestBatches.sized(1_000), try TestBatches.sized(1_000)])
        group.lend(lent.all)
        for batch in lent.batches { _ = try append(log, batch, group) }
        lent.batches[1][900] = 0x79
        #expect(group.commit().isEmpty)
        group.endLending()
        #expect(try world.bytes("/data/t-0/00000000000000000000.log")[1_900] == 0x79)
    }

    @Test func `whoever looks before the commit finds them, and memory outside is copied`() throws {
        let log = try world.open()
        let group = WriteGroup()
        let lent = LentBatches([try TestBatches.sized(2_000, fill: 97), try TestBatches.sized(2_000, fill: 98)])
        let other = LentBatches([try TestBatches.sized(2_000, fill: 99)])
        group.lend(lent.all)
        _ = try append(log, lent.batches[0], group)
        #expect(try content(log) == ["0=aa"])
        #expect(!waits(log))
        _ = try append(log, other.batches[0], group)
        other.overwrite()
        _ = try append(log, lent.batches[1], group)
        #expect(group.commit().isEmpty)
        group.endLending()
        lent.overwrite()
        #expect(try content(log) == ["0=aa", "1=cc", "2=bb"])
    }

    @Test func `batches that are made anew outlive the call that made them`() throws {
        var configuration = LogConfiguration()
        configuration.compression = .codec(.gzip)
        let log = try world.open("/data/t-0", configuration)
        let group = WriteGroup()
        let values = (0..<4).map { "\($0)" + String(repeating: "abc", count: 300) }
        let old = try TestBatches.oldMessages([values[3]], magic: 1, compression: .none)
        let lent = LentBatches(try values[..<3].map { try TestBatches.batch([$0]) } + [old])
        group.lend(lent.all)
        for batch in lent.batches { _ = try append(log, batch, group) }
        lent.overwrite()
        #expect(group.commit().isEmpty)
        group.endLending()
        #expect(try log.records() == values.enumerated().map { "\($0.offset)=\($0.element)" })
    }

    @Test func `more batches than pieces may wait are written in several calls`() throws {
        let log = try world.open()
        let group = WriteGroup()
        var settings = LogSettings()
        settings.writePieceBytes = 1 << 20
        let wide = try world.open("/data/t-1", settings: settings)
        let lent = LentBatches(try (0..<600).map { try TestBatches.sized($0 % 2 == 0 ? 520 : 100) })
        group.lend(lent.all)
        for batch in lent.batches[..<300] { _ = try append(log, batch, group) }
        for batch in lent.batches[300...] { _ = try append(wide, batch, group) }
        #expect(group.commit().isEmpty)
        group.endLending()
        lent.overwrite()
        #expect(try log.records().count == 300)
        #expect(try wide.records().count == 300)
    }

    @Test(arguments: ["offline", "closed", "deleted", "truncated", "full"])
    func `no log holds lent memory after a commit that failed`(_ how: String) throws {
        let log = try world.open()
        try log.append(TestBatches.batch(["kept"]))
        let group = WriteGroup()
        let lent = LentBatches([try TestBatches.sized(1_000), try TestBatches.sized(1_000)])
        group.lend(lent.all)
        for batch in lent.batches { _ = try append(log, batch, group) }
        switch how {
        case "offline": log.markOffline("the directory failed")
        case "closed": try log.close()
        case "deleted": try log.delete(unique: world.random.uuid())
        case "truncated": try log.truncate(to: 1)
        default: world.files.failCall(after: 0, with: .noSpace)
        }
        #expect(group.commit().count == 1)
        group.endLending()
        #expect(!waits(log))
        lent.overwrite()
        if how == "truncated" || how == "full" {
            #expect(try log.records() == ["0=kept"])
            try log.append(TestBatches.batch(["next"]))
            #expect(try log.records() == ["0=kept", "1=next"])
        }
    }

    @Test func `batches of two connections go to the file together, each from its own memory`() throws {
        let log = try world.open()
        let groups = [WriteGroup(), WriteGroup()]
        let lent = [
            LentBatches([try TestBatches.sized(700, fill: 97), try TestBatches.sized(700, fill: 98)]),
            LentBatches([try TestBatches.sized(700, fill: 99), try TestBatches.sized(700, fill: 100)]),
        ]
        for (group, lent) in zip(groups, lent) { group.lend(lent.all) }
        for index in 0..<2 { for place in 0..<2 { _ = try append(log, lent[place].batches[index], groups[place]) } }
        #expect(groups[0].commit().isEmpty)
        groups[0].endLending()
        lent[0].overwrite()
        #expect(!waits(log))
        #expect(groups[1].commit().isEmpty)
        groups[1].endLending()
        lent[1].overwrite()
        #expect(try content(log) == ["0=aa", "1=cc", "2=bb", "3=dd"])
    }
}
