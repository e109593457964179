// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@testable import KafkaSimulator

/// What the swarm's model takes for allowed and what not.
@Suite struct SwarmModelTests {
    /// One partition with records that were acknowledged, and a broker's clock under control.
    private final class World {
        let model = SwarmModel()
        let partition: PartitionModel
        private(set) var now: Int64 = 1_000_000

        init(
            isCompacted: Bool = false, retentionMs: Int64 = -1, retentionBytes: Int64 = -1,
            deleteRetentionMs: Int64 = 86_400_000
        ) {
            let plan = SwarmPlan.Topic(
                name: "t", partitions: 1, configs: [], isSynced: false, isCompacted: isCompacted, hasAppendTime: false,
                keys: 1,
                segmentBytes: 1 << 20, retentionMs: retentionMs, retentionBytes: retentionBytes,
                deleteRetentionMs: deleteRetentionMs)
            partition = model.register(plan, id: KafkaUUID(high: 1, low: 1)).partitions[0]
            model.brokerTime = { [unowned self] in now }
        }

        func write(_ count: Int, key: Int32 = 0, tombstones: Bool = false) {
            for _ in 0..<count {
                let serial = model.add(
                    SwarmRecord(
                        partition: 0, key: key, isTombstone: tombstones, valueBytes: 0, sender: -1, number: 0,
                        timestamp: now, sentAt: now))
                partition.acknowledged(serial..<serial + 1, at: partition.knownEnd, losses: model.losses)
            }
        }

        func moveClock(by milliseconds: Int64) {
            model.noteTime()
            now += milliseconds
            model.noteClockMoved()
            model.noteTime()
        }

        func pass(_ milliseconds: Int64) {
            now += milliseconds
            model.noteTime()
        }

        var findings: Int { model.findings.count }
    }

    @Test func `nobody asked for anything to go`() {
        let world = World()
        world.write(10)
        world.partition.startSeen(at: 3, remainingBytes: 100)
        #expect(world.findings == 1)
    }

    @Test func `a segment goes for its size where enough is left without it`() {
        let world = World(retentionBytes: 1_000)
        world.write(10)
        world.partition.startSeen(at: 3, remainingBytes: 1_000)
        // What a loss of power takes from the log later does not matter, nor where something may have been lost already.
        world.partition.startSeen(at: 3, remainingBytes: 0)
        world.partition.startSeen(at: 4, remainingBytes: nil)
        #expect(world.findings == 0)
        world.partition.startSeen(at: 6, remainingBytes: 999)
        #expect(world.findings == 1)
    }

    @Test func `a segment goes for its age at the time when it goes`() {
        let world = World(retentionMs: 500)
        world.write(5)
        world.pass(501)
        world.write(5)
        world.partition.startSeen(at: 5, remainingBytes: 0)
        #expect(world.findings == 0)
        world.partition.startSeen(at: 6, remainingBytes: 0)
        #expect(world.findings == 1)
    }

    @Test func `an age must do where size would not allow it`() {
        let world = World(retentionMs: 500, retentionBytes: 1_000)
        world.write(5)
        world.partition.startSeen(at: 1, remainingBytes: 1_000)
        #expect(world.findings == 0)
        world.partition.startSeen(at: 2, remainingBytes: 999)
        #expect(world.findings == 1)
    }

    @Test func `of segments that go together each has its own reason`() {
        // The first of 700 bytes leaves enough for its size; the second goes for its age, as all in it are old.
        func world() -> World {
            let world = World(retentionMs: 500, retentionBytes: 1_000)
            world.write(3)
            world.pass(501)
            return world
        }
        let segments: [SegmentExtent] = [(0, 700), (3, 500), (5, 0)]
        let young = world()
        young.write(2)
        young.partition.startSeen(at: 5, segments: segments, remainingBytes: 600)
        #expect(young.findings == 1)
        let old = world()
        old.write(2)
        old.pass(501)
        old.partition.startSeen(at: 5, segments: segments, remainingBytes: 600)
        #expect(old.findings == 0)
        // Nobody knows what is at the end, so that its age is anybody's guess, but that of the first two must do.
        let unknown = world()
        unknown.write(1)
        unknown.partition.startSeen(at: 5, segments: [(0, 700), (4, 500)], remainingBytes: 400)
        #expect(unknown.findings == 1)
    }

    @Test func `a young record that no other replaces keeps its segment in a compacted log, too`() {
        let world = World(isCompacted: true, retentionMs: 500)
        world.write(2)
        world.partition.startSeen(at: 1, segments: [(0, 100), (1, 100)], remainingBytes: 100)
        #expect(world.findings == 0)
        world.partition.startSeen(at: 2, segments: [(1, 100)], remainingBytes: 0)
        #expect(world.findings == 1)
    }

    @Test func `a start that a clean stop has kept does not go back`() {
        let world = World(retentionBytes: 0)
        world.write(5)
        world.partition.noteKept(start: 3)
        world.partition.noteKept(start: nil)
        world.partition.checkKept(start: 3, "now")
        #expect(world.findings == 0)
        world.partition.checkKept(start: 2, "now")
        #expect(world.findings == 1)
    }

    @Test func `where compaction has been there is one record for a key`() {
        let world = World(isCompacted: true)
        world.write(4)
        let present = [false, true, false, true]
        world.partition.check(present: present, from: 0, cleanedUpTo: nil)
        world.partition.check(present: present, from: 0, cleanedUpTo: 3)
        #expect(world.findings == 0)
        world.partition.check(present: present, from: 0, cleanedUpTo: 4)
        #expect(world.findings == 1)
    }

    @Test func `a batch may be compacted away when all its keys have later records`() {
        let world = World(isCompacted: true, deleteRetentionMs: 1_000)
        world.write(2, key: 0)
        world.write(1, key: 1)
        #expect(world.partition.mayBeCompactedAway(0..<1, behind: -1))
        #expect(!world.partition.mayBeCompactedAway(0..<2, behind: -1))
        #expect(!world.partition.mayBeCompactedAway(2..<3, behind: -1))
        world.write(1, key: 2, tombstones: true)
        #expect(!world.partition.mayBeCompactedAway(3..<4, behind: -1))
        world.pass(1_000)
        #expect(world.partition.mayBeCompactedAway(3..<4, behind: -1))
        let plain = World()
        plain.write(2)
        #expect(!plain.partition.mayBeCompactedAway(0..<1, behind: -1))
        #expect(world.findings + plain.findings == 0)
    }

    @Test func `a tombstone stays for its time by the clock as the cleaner met it`() {
        let world = World(isCompacted: true, deleteRetentionMs: 5_000)
        world.write(1)
        world.write(1, tombstones: true)
        world.pass(4_999)
        world.partition.check(present: [false, false], from: 0)
        #expect(world.findings == 1)

        let turned = World(isCompacted: true, deleteRetentionMs: 5_000)
        turned.write(1)
        turned.write(1, tombstones: true)
        // Met ten seconds before it was sent, and gone five seconds later.
        turned.moveClock(by: -10_000)
        turned.pass(5_000)
        turned.partition.check(present: [false, false], from: 0)
        #expect(turned.findings == 0)
    }

    @Test func `the last record of a key stays`() {
        let world = World(isCompacted: true, deleteRetentionMs: 0)
        world.write(3)
        world.partition.check(present: [false, false, true], from: 0)
        #expect(world.findings == 0)
        world.partition.check(present: [false, true, false], from: 0)
        #expect(world.findings == 1)
    }

    @Test func `what was synced survives a loss, and nothing else must`() {
        let world = World()
        world.write(10)
        world.partition.noteDurable(6)
        world.model.noteLoss()
        world.partition.lost(from: 6)
        #expect(world.findings == 0)
        world.write(1)
        #expect(world.partition.knownEnd == 7)
        world.model.noteLoss()
        world.partition.lost(from: 5)
        #expect(world.findings == 1)
    }

    @Test func `a loss of power may take the beginning of a log of which nothing was synced`() {
        let world = World()
        world.write(10)
        world.model.noteLoss()
        world.partition.lostBeginning(below: 4)
        world.partition.startSeen(at: 4, remainingBytes: nil)
        #expect(world.findings == 0)
        // Only then, and only once.
        world.partition.lostBeginning(below: 6)
        world.partition.startSeen(at: 6, remainingBytes: nil)
        #expect(world.findings == 1)
        for isOfPower in [false, true] {
            let synced = World()
            synced.write(10)
            if isOfPower { synced.partition.noteDurable(1) }
            synced.model.noteLoss(isOfPower: isOfPower)
            synced.partition.lostBeginning(below: 4)
            synced.partition.startSeen(at: 4, remainingBytes: nil)
            #expect(synced.findings == 1)
        }
    }

    @Test func `a full disk excuses no log of which something was synced, nor one that only the process lost`() {
        let world = World()
        #expect(world.partition.mayHaveNoLog)
        world.write(2)
        #expect(!world.partition.mayHaveNoLog)
        world.model.noteLoss(isOfPower: false)
        #expect(!world.partition.mayHaveNoLog)
        world.model.noteLoss()
        #expect(world.partition.mayHaveNoLog)
        world.partition.noteDurable(1)
        #expect(!world.partition.mayHaveNoLog)
    }
}
