// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import OrderedCollections
import Testing

@testable import KafkaCoordination

/// Requests of both protocols, sensible and not, on the same two groups, with timers, lost appends, expiry, deletions and
/// failovers: after every step the groups are sound, and now and then the shard that is made from the log is the same.
@Suite struct ShardFuzzTests {
    @Test func `whatever comes, groups are sound and the log tells all`() throws {
        var conversions = 0
        for seed in UInt64(1)...6 {
            var fuzz = ShardFuzz(seed: seed)
            for step in 0..<400 {
                try fuzz.step()
                if let violation = fuzz.world.violation {
                    Issue.record("seed \(seed), step \(step): \(violation)")
                    return
                }
            }
            // Nobody says anything any more: all sessions end, and nobody waits.
            try fuzz.world.wait(1_000_000)
            #expect(fuzz.world.violation == nil, "seed \(seed)")
            #expect(fuzz.world.parked.isEmpty, "seed \(seed): requests were never answered")
            #expect(
                fuzz.world.shard.groupIDs.allSatisfy { fuzz.world.shard.group($0)?.isEmpty == true }, "seed \(seed)")
            conversions += fuzz.world.conversions
        }
        #expect(conversions > 3, "hardly any group was converted")
    }
}

/// What is asked, by chance.
struct ShardFuzz {
    private static let groups = ["g", "h"]
    private static let instances: [String?] = [nil, nil, nil, "i", "j"]
    private static let regexes = ["[ab]", ".*", "(", "a{1001}"]

    var world = ShardWorld()
    private var random: TestRandom

    init(seed: UInt64) { random = TestRandom(seed: seed) }

    mutating func step() throws {
        try world.wait(Int64(random.below(1_500)))
        world.failsAppends = random.chance(4)
        defer { world.failsAppends = false }
        let group = Self.groups[random.below(Self.groups.count)]
        switch random.below(100) {
        case 0..<22: try join(group)
        case 22..<38: try sync(group)
        case 38..<46: try heartbeat(group)
        case 46..<50: try leave(group)
        case 50..<78: try consumerHeartbeat(group)
        case 78..<88: try commit(group)
        case 88..<93: try administer(group)
        case 93..<96: changeTopics()
        case 96..<98: world.configure(migration: random.below(4))
        default: try world.fail(overCompacted: random.chance(50))
        }
        world.check()
        if random.chance(5) { try world.checkLog() }
    }

    // MARK: The classic protocol

    private mutating func join(_ group: String) throws {
        let version = Int16([0, 3, 5, 9][random.below(4)])
        let instance = version >= 5 ? Self.instances[random.below(5)] : nil
        let subscription = ConsumerProtocolSubscription(topics: random.chance(50) ? ["a"] : ["a", "b"])
        var metadata: [UInt8] = [0, 1] + (try subscription.encoded(version: 1))
        if random.chance(3) { metadata = [1] }
        let request = JoinGroupRequest(
            groupID: group, sessionTimeoutMs: random.chance(98) ? 10_000 : .min,
            rebalanceTimeoutMs: version == 0
                ? -1 : [8_000, 20_000, .min, .max][random.chance(95) ? 0 : random.below(4)],
            memberID: random.chance(30) ? "" : anyID(group), groupInstanceID: instance,
            protocolType: random.chance(98) ? "consumer" : "connect",
            protocols: [.init(name: "range", metadata: metadata), .init(name: "sticky", metadata: metadata)])
        let answer = try world.ask(version) { $0.joinGroup(request, $1) }
        if let answer { world.joined(group, answer) }
    }

    private mutating func sync(_ group: String) throws {
        let memberID = anyID(group)
        let classic = world.shard.classicGroups[group]
        let leads = classic?.leaderID == memberID || random.chance(5)
        // Each member gets its number's share; a leader may do worse.
        let assignments = (leads ? classic.map { Array($0.members.keys) } ?? [] : []).enumerated().map { place, id in
            let share = (0..<3).filter { $0 % max(classic?.members.count ?? 1, 1) == place || random.chance(1) }
            let assignment = ConsumerProtocolAssignment(
                assignedPartitions: [.init(topic: "a", partitions: share.map { Int32($0) })])
            return SyncGroupRequest.SyncGroupRequestAssignment(
                memberID: id, assignment: [0, 1] + ((try? assignment.encoded(version: 1)) ?? []))
        }
        let request = SyncGroupRequest(
            groupID: group, generationID: epoch(group, memberID), memberID: memberID,
            groupInstanceID: random.chance(95) ? nil : "i", assignments: assignments)
        _ = try world.ask(4) { $0.syncGroup(request, $1) }
    }

    private mutating func heartbeat(_ group: String) throws {
        let memberID = anyID(group)
        let request = HeartbeatRequest(groupID: group, generationID: epoch(group, memberID), memberID: memberID)
        _ = try world.ask(4) { $0.heartbeat(request, $1) }
    }

    private mutating func leave(_ group: String) throws {
        var members = [LeaveGroupRequest.MemberIdentity(memberID: anyID(group))]
        if random.chance(30) { members.append(.init(memberID: "", groupInstanceID: "i")) }
        let request = LeaveGroupRequest(groupID: group, members: members)
        _ = try world.ask(5) { $0.leaveGroup(request, $1) }
    }

    // MARK: The consumer protocol

    private mutating func consumerHeartbeat(_ group: String) throws {
        let isNew = random.chance(25)
        let memberID = isNew ? "m\(random.below(1_000))" : anyID(group)
        var request = ConsumerGroupHeartbeatRequest(groupID: group, memberID: memberID)
        request.memberEpoch = isNew || random.chance(10) ? 0 : epoch(group, memberID)
        if random.chance(8) { request.memberEpoch = random.chance(50) ? -1 : -2 }
        let member = world.shard.consumerGroups[group]?.members[memberID]
        request.instanceID = member?.instanceID ?? (random.chance(30) ? Self.instances[random.below(5)] : nil)
        if request.memberEpoch == 0 {
            request.rebalanceTimeoutMs = [10_000, 20_000, .max, -7][random.chance(95) ? 0 : random.below(4)]
            request.topicPartitions = []
            request.subscribedTopicNames = random.chance(50) ? ["a"] : ["a", "b", "gone"]
        } else if random.chance(80) {
            let owned =
                random.chance(80) ? member?.assigned : member?.assigned.union(member?.pendingRevocation ?? .init())
            request.topicPartitions = (owned ?? .init()).topics.map { .init(topicID: $0.id, partitions: $0.partitions) }
        }
        if random.chance(10) { request.subscribedTopicRegex = Self.regexes[random.below(4)] }
        if random.chance(10) { request.serverAssignor = ["uniform", "range", "other"][random.below(3)] }
        _ = try world.ask(Int16(random.below(2))) { $0.consumerGroupHeartbeat(request, $1) }
    }

    // MARK: The rest

    private mutating func commit(_ group: String) throws {
        let memberID = random.chance(70) ? anyID(group) : ""
        let offsets: [Int64] = [5, 0, -1, .max, .min]
        let request = OffsetCommitRequest(
            groupID: group, generationIDOrMemberEpoch: memberID.isEmpty ? -1 : epoch(group, memberID),
            memberID: memberID, retentionTimeMs: random.chance(10) ? offsets[random.below(5)] : -1,
            topics: [
                .init(
                    name: ["a", "b", "gone"][random.below(3)],
                    partitions: [
                        .init(
                            partitionIndex: Int32(random.below(5)) - 1, committedOffset: offsets[random.below(5)],
                            commitTimestamp: random.chance(10) ? offsets[random.below(5)] : -1)
                    ])
            ])
        let version = Int16([2, 9][random.below(2)])
        _ = try world.ask(version) { $0.commitOffsets(request, $1) }
    }

    private mutating func administer(_ group: String) throws {
        switch random.below(5) {
        case 0:
            let request = OffsetDeleteRequest(
                groupID: group, topics: [.init(name: "b", partitions: [.init(partitionIndex: 1)])])
            _ = try world.ask(0) { $0.deleteOffsets(request, $1) }
        case 1: _ = try world.ask(3) { $0.deleteGroups(DeleteGroupsRequest(groupsNames: [group]), $1) }
        case 2: try world.act { $0.topicsDeleted(["b"], now: $1) }
        default: try world.expire()
        }
    }

    private mutating func changeTopics() {
        world.changeTopics { topics in
            switch random.below(3) {
            case 0: topics.partitions["a"] = 1 + random.below(5)
            case 1: topics.partitions["b"] = topics.partitions["b"] == nil ? 4 : nil
            default: topics.partitions["c"] = topics.partitions["c"] == nil ? 2 : nil
            }
        }
    }

    // MARK: Who asks

    private mutating func anyID(_ group: String) -> String {
        var members = world.shard.consumerGroups[group]?.memberIDs ?? []
        if let classic = world.shard.classicGroups[group] {
            members = Array(classic.members.keys) + classic.pendingMembers
        }
        if !members.isEmpty, random.chance(90) { return members[random.below(members.count)] }
        let known = world.ids[group] ?? []
        return known.isEmpty || random.chance(20) ? "nobody" : known[random.below(known.count)]
    }

    private mutating func epoch(_ group: String, _ memberID: String) -> Int32 {
        let hostile: [Int32] = [-3, -2, -1, 0, 1, .max, .min]
        if random.chance(8) { return hostile[random.below(hostile.count)] }
        let member = world.shard.consumerGroups[group]?.members[memberID]
        let current = member?.memberEpoch ?? world.shard.classicGroups[group]?.generation ?? 0
        return random.chance(90) ? current : member?.previousMemberEpoch ?? current - 1
    }
}
