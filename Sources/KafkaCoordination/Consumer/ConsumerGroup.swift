// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// A group of the consumer protocol (KIP-848): the broker assigns partitions, members reconcile one by one.
///
/// Three epochs drive it. The *group epoch* grows whenever something happens that may call for another assignment: members,
/// subscriptions, topics. The *assignment epoch* is the group epoch that the target assignment was made for. A *member
/// epoch* is the assignment epoch that the member has reached: it first gives up what it shall not have, says so, and only
/// then gets what it shall have, as far as others have given that up.
///
/// ```
/// Empty ── a member joins ──▶ Assigning ── target assigned ──▶ Reconciling ── all members at its epoch ──▶ Stable
/// ```
/// Invariant: every partition is owned, be it assigned or pending revocation, by at most one member.
///
/// The state is what the group's records say, and nothing else but `refresh` and `awaitedJoins`, which a crash may lose.
/// Decisions are made by `ConsumerGroupDecision`.
package struct ConsumerGroup: Sendable {
    /// The topics that a pattern stands for.
    package struct ResolvedRegex: Equatable, Sendable {
        /// Ascending.
        package var topics: [String]
        /// Of the metadata that it was looked up in.
        package var version: Int64
        /// Milliseconds since 1970.
        package var timestamp: Int64
    }

    /// What was last looked at, in memory only.
    struct Refresh: Equatable, Sendable {
        /// Of the metadata that `metadataHash` was computed from.
        var metadataVersion: Int64?
        /// When patterns were last looked through, milliseconds since 1970, and in which metadata.
        var regexTimestamp: Int64?
        var regexVersion: Int64?
    }

    package let groupID: String
    package internal(set) var groupEpoch: Int32 = 0
    /// Over all topics that members subscribe to; 0 where there are none, or where an older broker wrote the record.
    package internal(set) var metadataHash: Int64 = 0
    /// The group epoch of `target`.
    package internal(set) var assignmentEpoch: Int32 = 0
    /// When `target` was computed, milliseconds since 1970; 0 where that is not known.
    package internal(set) var assignmentTimestamp: Int64 = 0
    package private(set) var members: [String: ConsumerMember] = [:]
    /// What members shall own, by member id.
    package internal(set) var target: [String: TopicPartitionSet] = [:]
    package internal(set) var resolvedRegexes: [String: ResolvedRegex] = [:]
    /// Member ids of static members by their instance id.
    package private(set) var staticMembers: [String: String] = [:]
    /// Which member owns a partition, be it assigned or pending revocation.
    private var owners: [KafkaUUID: [Int32: String]] = [:]
    /// How many members name a topic.
    package private(set) var topicCounts: [String: Int] = [:]
    /// How many members subscribe with a pattern.
    package private(set) var regexCounts: [String: Int] = [:]
    private(set) var assignorCounts: [String: Int] = [:]
    /// Members that speak the classic protocol.
    package private(set) var classicMemberCount = 0
    /// How many of them offer an assignment protocol.
    private(set) var offerCounts: [String: Int] = [:]

    var refresh = Refresh()
    /// Members of the classic protocol that were told to rejoin and have a timer until they do.
    var awaitedJoins: Set<String> = []

    package init(groupID: String) { self.groupID = groupID }

    /// In ascending order.
    package var memberIDs: [String] { members.keys.sorted() }

    package func staticMember(_ instanceID: String?) -> ConsumerMember? {
        instanceID.flatMap { staticMembers[$0] }.flatMap { members[$0] }
    }

    /// Who owns the partition; nil where it is free.
    package func owner(of topicID: KafkaUUID, _ partition: Int32) -> String? { owners[topicID]?[partition] }

    /// All topics that members subscribe to by name or pattern, existing or not, ascending.
    package var subscribedTopics: [String] {
        var topics = Array(topicCounts.keys)
        for regex in regexCounts.keys { topics += resolvedRegexes[regex]?.topics ?? [] }
        return topics.sortedWithoutRepetitions()
    }

    /// Whether the member waits for partitions that somebody else has not given up.
    func isWaiting(_ member: ConsumerMember) -> Bool {
        guard member.state == .unreleasedPartitions, let target = target[member.memberID] else { return false }
        return !target.subtracting(member.assigned)
            .filter { topic, partition in
                owner(of: topic, partition).map { $0 != member.memberID } ?? false
            }.isEmpty
    }

    // MARK: Changing members

    /// Puts the member in place of what was there under its id.
    mutating func update(_ member: ConsumerMember) {
        let old = members.updateValue(member, forKey: member.memberID)
        updateCounts(from: old, to: member)
        if let instanceID = old?.instanceID, instanceID != member.instanceID { removeStaticMember(instanceID, old) }
        if let instanceID = member.instanceID { staticMembers[instanceID] = member.memberID }
        if old?.assigned != member.assigned || old?.pendingRevocation != member.pendingRevocation {
            if let old { releaseAll(of: old) }
            own(member.assigned, by: member.memberID)
            own(member.pendingRevocation, by: member.memberID)
        }
    }

    mutating func remove(memberID: String) {
        guard let old = members.removeValue(forKey: memberID) else { return }
        updateCounts(from: old, to: nil)
        if let instanceID = old.instanceID { removeStaticMember(instanceID, old) }
        releaseAll(of: old)
        awaitedJoins.remove(memberID)
    }

    /// Another member may have taken the instance id over already.
    private mutating func removeStaticMember(_ instanceID: String, _ member: ConsumerMember?) {
        if staticMembers[instanceID] == member?.memberID { staticMembers[instanceID] = nil }
    }

    private mutating func releaseAll(of member: ConsumerMember) {
        release(member.assigned, by: member.memberID)
        release(member.pendingRevocation, by: member.memberID)
    }

    /// While a compacted log is replayed, somebody else may own the partition already.
    private mutating func release(_ partitions: TopicPartitionSet, by memberID: String) {
        for topic in partitions.topics {
            for partition in topic.partitions where owners[topic.id]?[partition] == memberID {
                owners[topic.id]?[partition] = nil
            }
            if owners[topic.id]?.isEmpty == true { owners[topic.id] = nil }
        }
    }

    private mutating func own(_ partitions: TopicPartitionSet, by memberID: String) {
        for topic in partitions.topics {
            for partition in topic.partitions { owners[topic.id, default: [:]][partition] = memberID }
        }
    }

    private mutating func updateCounts(from old: ConsumerMember?, to new: ConsumerMember?) {
        if old?.subscribedTopics != new?.subscribedTopics {
            old?.subscribedTopics.forEach { topicCounts.decrement($0) }
            new?.subscribedTopics.forEach { topicCounts[$0, default: 0] += 1 }
        }
        if let regex = old?.regex { regexCounts.decrement(regex) }
        if let regex = new?.regex { regexCounts[regex, default: 0] += 1 }
        if let assignor = old?.serverAssignor { assignorCounts.decrement(assignor) }
        if let assignor = new?.serverAssignor { assignorCounts[assignor, default: 0] += 1 }
        if old?.classicProtocol != new?.classicProtocol {
            old?.classicProtocol?.offers.forEach { offerCounts.decrement($0.name) }
            new?.classicProtocol?.offers.forEach { offerCounts[$0.name, default: 0] += 1 }
            classicMemberCount += (new?.classicProtocol == nil ? 0 : 1) - (old?.classicProtocol == nil ? 0 : 1)
        }
    }
}

extension Dictionary where Value == Int {
    /// Counts one less; an entry at 0 is removed.
    fileprivate mutating func decrement(_ key: Key) {
        guard let count = self[key] else { return }
        self[key] = count > 1 ? count - 1 : nil
    }
}
