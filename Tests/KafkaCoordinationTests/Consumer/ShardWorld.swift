// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import OrderedCollections

@testable import KafkaCoordination

/// The owner of a shard in a world where appends may fail: its log, timers that fire at their times, and what must hold of
/// groups of both kinds.
struct ShardWorld {
    private(set) var shard: GroupCoordinatorShard
    private(set) var topics = TestTopics()
    private(set) var now: Int64 = 1_000_000
    private var log: [(key: [UInt8], value: [UInt8]?)] = []
    private var timers: [(timer: GroupTimer, deadline: Int64)] = []
    private(set) var parked: Set<RequestToken> = []
    /// Ids that members were given, by group.
    private(set) var ids: [String: [String]] = [:]
    private(set) var violation: String?
    /// How often a group with members passed from one kind to the other.
    private(set) var conversions = 0
    /// Which kind each group was of, where it had members.
    private var wasConsumer: [String: Bool] = [:]
    /// Classic groups that became empty while that could not be stored.
    private var unstored: Set<String> = []
    var failsAppends = false
    private var tokens: UInt64 = 0

    init() {
        var configuration = GroupCoordinatorConfiguration()
        configuration.initialRebalanceDelayMilliseconds = 100
        configuration.groupMaxSize = 5
        configuration.consumer.maxSize = 6
        configuration.offsetsRetentionMilliseconds = 60_000
        topics.partitions = ["a": 3, "b": 4]
        shard = GroupCoordinatorShard(configuration: configuration)
        _ = shard.loaded(now: now)
    }

    // MARK: Asking

    mutating func ask<Response>(
        _ version: Int16,
        _ method: (inout GroupCoordinatorShard, GroupRequestContext) throws -> GroupOutcome<Response>
    ) throws -> Response? {
        tokens += 1
        let token = RequestToken(tokens)
        let context = GroupRequestContext(
            now: now, apiVersion: version, clientID: "c", clientHost: "/127.0.0.1",
            freshID: KafkaUUID(high: 9, low: tokens), token: token, metadata: topics)
        let outcome = try method(&shard, context)
        if case .parked = outcome.reply { parked.insert(token) }
        guard try perform(outcome), case .now(let response) = outcome.reply else { return nil }
        return response
    }

    mutating func act(_ method: (inout GroupCoordinatorShard, Int64) -> GroupOutcome<Void>) throws {
        _ = try perform(method(&shard, now))
    }

    mutating func expire() throws {
        var cursor: String?
        repeat {
            let outcome = shard.expireOffsets(now: now, after: cursor)
            _ = try perform(outcome)
            guard case .now(let next) = outcome.reply else { return }
            cursor = next
        } while cursor != nil
    }

    mutating func joined(_ group: String, _ answer: JoinGroupResponse) {
        if !answer.memberID.isEmpty { ids[group, default: []].append(answer.memberID) }
    }

    mutating func configure(migration: Int) {
        shard.configuration.consumer.migrationPolicy =
            ConsumerGroupConfiguration.MigrationPolicy.allCases[migration]
    }

    mutating func changeTopics(_ change: (inout TestTopics) -> Void) {
        topics.version += 1
        change(&topics)
        shard.lastMetadata = topics
    }

    // MARK: What an owner does

    /// - Returns: whether the records were stored.
    private mutating func perform<Response>(_ outcome: GroupOutcome<Response>) throws -> Bool {
        if failsAppends, !outcome.records.isEmpty {
            failsAppends = false
            guard let ticket = outcome.ticket else { return false }
            if case .unstored = ticket { unstored.formUnion(shard.classicGroups.keys) }
            _ = try perform(shard.appendFailed(ticket, .notEnoughReplicas, now: now))
            return false
        }
        for record in outcome.records {
            let bytes = try record.encoded()
            log.append(bytes)
            try Self.replay(bytes, offset: Int64(log.count), into: &shard)
        }
        if let ticket = outcome.ticket { _ = try perform(shard.appended(ticket, now: now)) }
        for effect in outcome.effects { perform(effect) }
        return true
    }

    private mutating func perform(_ effect: GroupEffect) {
        switch effect {
        case .setTimer(let timer, let delay):
            timers.removeAll { $0.timer == timer }
            timers.append((timer, now + delay))
        case .cancelTimer(let timer): timers.removeAll { $0.timer == timer }
        case .completeJoin(let token, _), .completeSync(let token, _):
            if parked.remove(token) == nil { violation = "a request is answered twice" }
        }
    }

    mutating func wait(_ milliseconds: Int64) throws {
        let end = now + milliseconds
        while let next = timers.map(\.deadline).min(), next <= end,
            let index = timers.firstIndex(where: { $0.deadline == next })
        {
            now = max(now, next)
            let timer = timers.remove(at: index).timer
            let outcome = shard.timerFired(timer, now: now)
            if try !perform(outcome) { timers.append((timer, now + 500)) }
            check()
        }
        now = end
    }

    // MARK: The log

    private static func replay(
        _ bytes: (key: [UInt8], value: [UInt8]?), offset: Int64, into shard: inout GroupCoordinatorShard
    ) throws {
        let decoded = try bytes.key.withUnsafeBytes { key in
            if let value = bytes.value {
                return try value.withUnsafeBytes { try GroupCoordinatorRecord.decode(key: key, value: $0) }
            }
            return try GroupCoordinatorRecord.decode(key: key, value: nil)
        }
        guard case .record(let record) = decoded else { throw WireError(.invalidValue(0)) }
        shard.replay(record, offset: offset)
    }

    private func reloaded(compacted: Bool) throws -> GroupCoordinatorShard {
        var shard = GroupCoordinatorShard(configuration: shard.configuration)
        let last = Dictionary(log.enumerated().map { ($1.key, $0) }) { $1 }
        for (index, bytes) in log.enumerated() where !compacted || last[bytes.key] == index {
            try Self.replay(bytes, offset: Int64(index + 1), into: &shard)
        }
        return shard
    }

    /// The broker stops, and who waits with it; another one takes over from the log.
    mutating func fail(overCompacted isCompacted: Bool) throws {
        shard = try reloaded(compacted: isCompacted)
        shard.lastMetadata = topics
        timers = []
        parked = []
        unstored = []
        try act { $0.loaded(now: $1) }
    }

    // MARK: What must hold

    mutating func check() {
        for groupID in shard.groupIDs {
            if shard.classicGroups[groupID] != nil, shard.consumerGroups[groupID] != nil {
                violation = "\(groupID) is of both kinds"
            }
            if let group = shard.consumerGroups[groupID] { check(group) }
            if let group = shard.classicGroups[groupID] { check(group) }
        }
        for (groupID, before) in wasConsumer {
            guard let group = shard.group(groupID), !group.isEmpty else {
                wasConsumer[groupID] = nil
                continue
            }
            if before != (shard.consumerGroups[groupID] != nil) { conversions += 1 }
        }
        for groupID in shard.groupIDs where shard.group(groupID)?.isEmpty == false {
            wasConsumer[groupID] = shard.consumerGroups[groupID] != nil
        }
    }

    /// Every partition has one owner, who is known; no epoch is ahead of the group's.
    private mutating func check(_ group: ConsumerGroup) {
        var all = TopicPartitionSet()
        for memberID in group.memberIDs {
            guard let member = group.members[memberID] else { continue }
            let owned = member.assigned.union(member.pendingRevocation)
            if !all.isDisjoint(with: owned) { violation = "a partition has two owners: \(group.summary)" }
            all = all.union(owned)
            for topic in owned.topics {
                for partition in topic.partitions where group.owner(of: topic.id, partition) != memberID {
                    violation = "an owner is not known: \(group.summary)"
                }
            }
            if member.memberEpoch > group.groupEpoch { violation = "a member is ahead: \(group.summary)" }
        }
        let targets = group.target.values.reduce(0) { $0 + $1.count }
        if group.target.values.reduce(TopicPartitionSet(), { $0.union($1) }).count != targets {
            violation = "a partition is the target of two members"
        }
        if group.target.keys.contains(where: { group.members[$0] == nil }) { violation = "a target has no member" }
    }

    /// Whoever is not expected has nobody waiting for it, and sessions run for all.
    private mutating func check(_ group: ClassicGroup) {
        let waiting = group.members.values.filter { $0.joinToken != nil }.count
        if waiting != group.awaitingJoinCount {
            violation = "\(waiting) wait to join, \(group.awaitingJoinCount) counted"
        }
        if waiting > 0, group.state != .preparingRebalance { violation = "a join waits in \(group.state)" }
        if group.members.values.contains(where: { $0.syncToken != nil }), group.state != .completingRebalance {
            violation = "a sync waits in \(group.state)"
        }
        if (group.state == .empty) != group.members.isEmpty, group.state != .preparingRebalance {
            violation = "\(group.state) with \(group.members.count) members"
        }
        if group.state == .preparingRebalance, !hasTimer(.classicJoin(groupID: group.groupID)) {
            violation = "a rebalance has no end"
        }
        if group.state == .completingRebalance, !group.pendingSync.isEmpty,
            !hasTimer(.classicSync(groupID: group.groupID))
        {
            violation = "nobody waits for the assignments"
        }
        for memberID in Array(group.members.keys) + group.pendingMembers {
            let isWaiting = group.members[memberID].map { $0.joinToken != nil || $0.syncToken != nil } ?? false
            if !isWaiting, !hasTimer(.classicSession(groupID: group.groupID, memberID: memberID)) {
                violation = "\(memberID) of \(group.state) has no session"
            }
        }
        if let leaderID = group.leaderID, group.members[leaderID] == nil { violation = "the leader is gone" }
    }

    private func hasTimer(_ timer: GroupTimer) -> Bool { timers.contains { $0.timer == timer } }

    // MARK: What the log says

    mutating func checkLog() throws {
        for isCompacted in [false, true] {
            let reloaded = try reloaded(compacted: isCompacted)
            if reloaded.offsets != shard.offsets { violation = "replayed offsets differ" }
            for groupID in Set(shard.groupIDs).union(reloaded.groupIDs).sorted() {
                if let difference = difference(groupID, reloaded) {
                    violation = "replayed \(isCompacted ? "compacted" : "whole"), \(groupID): \(difference)"
                }
            }
        }
    }

    private func difference(_ groupID: String, _ reloaded: GroupCoordinatorShard) -> String? {
        let (here, there) = (shard.consumerGroups[groupID], reloaded.consumerGroups[groupID])
        if here != nil || there != nil {
            let isSame =
                here?.summary == there?.summary && here?.metadataHash == there?.metadataHash
                && here?.members == there?.members && here?.target == there?.target
                && here?.resolvedRegexes == there?.resolvedRegexes && here?.staticMembers == there?.staticMembers
                && here?.topicCounts == there?.topicCounts && here?.regexCounts == there?.regexCounts
                && here?.classicMemberCount == there?.classicMemberCount
            return isSame ? nil : "\(here?.summary ?? "none") became \(there?.summary ?? "none")"
        }
        // Rebalances are in memory only, and so is who only holds offsets.
        guard let group = shard.classicGroups[groupID], !group.isSimple, !unstored.contains(groupID) else { return nil }
        guard group.state == .stable || group.state == .empty && group.generation > 0 else { return nil }
        guard let other = reloaded.classicGroups[groupID] else { return "the group is gone" }
        let isSame =
            group.state == other.state && group.generation == other.generation && group.leaderID == other.leaderID
            && group.protocolName == other.protocolName && group.staticMembers == other.staticMembers
            && group.members.count == other.members.count
            && (group.state == .stable || group.stateTimestamp == other.stateTimestamp)
            && zip(group.members.values, other.members.values).allSatisfy {
                $0.memberID == $1.memberID && $0.assignment == $1.assignment && $0.instanceID == $1.instanceID
                    && $0.metadata(for: group.protocolName ?? "") == $1.metadata(for: group.protocolName ?? "")
            }
        return isSame ? nil : "\(group.record) became \(other.record)"
    }
}
