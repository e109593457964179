// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

/// One decision about a consumer group in the making: a draft of the group, and the records that lead there.
///
/// Each record is replayed into the draft when it is written, so that later steps see what earlier ones decided. The
/// group itself changes only when the records are in the log and are replayed there.
struct ConsumerGroupDecision {
    private(set) var group: ConsumerGroup
    let configuration: ConsumerGroupConfiguration
    /// Milliseconds since 1970.
    let now: Int64
    /// Nil before the broker has heard of any topics.
    let metadata: (any GroupMetadataView)?
    private(set) var records: [GroupCoordinatorRecord] = []
    var effects: [GroupEffect] = []

    init(
        _ group: ConsumerGroup, configuration: ConsumerGroupConfiguration, now: Int64,
        metadata: (any GroupMetadataView)?
    ) {
        self.group = group
        self.configuration = configuration
        self.now = now
        self.metadata = metadata
    }

    mutating func write(_ record: GroupCoordinatorRecord) {
        records.append(record)
        _ = group.replay(record)
    }

    // MARK: Members

    /// Writes the member's subscription where it has changed.
    ///
    /// - Returns: whether it is new or subscribes to other topics than before.
    mutating func subscribe(_ member: ConsumerMember) -> Bool {
        let old = group.members[member.memberID]
        if let old, old.hasSameSubscriptionRecord(as: member) { return false }
        write(group.subscriptionRecord(of: member))
        let regexHasChanged = resolveRegex(of: member, was: old?.regex)
        return regexHasChanged || old?.subscribedTopics != member.subscribedTopics
    }

    /// Looks up what a pattern stands for that nobody had before, and forgets one that nobody has any more.
    private mutating func resolveRegex(of member: ConsumerMember, was old: String?) -> Bool {
        guard old != member.regex else { return false }
        if let old, group.regexCounts[old] == nil, group.resolvedRegexes[old] != nil {
            write(group.regexRecord(old, nil))
        }
        if let regex = member.regex, group.resolvedRegexes[regex] == nil { resolve(regex) }
        return true
    }

    /// - Returns: whether the pattern stands for other topics than before.
    @discardableResult
    private mutating func resolve(_ regex: String) -> Bool {
        // Patterns were read when they came; one of another broker that has other limits stands for nothing.
        let expression = try? RegularExpression(regex)
        let topics = expression.flatMap { expression in metadata.map { expression.matching($0.topicNames) } } ?? []
        let old = group.resolvedRegexes[regex]
        guard old?.topics != topics else { return false }
        write(
            group.regexRecord(
                regex,
                ConsumerGroup.ResolvedRegex(topics: topics, version: metadata?.version ?? 0, timestamp: now)))
        return true
    }

    // MARK: Epochs

    /// Brings what the group knows of topics up to date, and its epoch where that or the subscriptions have changed.
    mutating func refreshEpoch(subscriptionsChanged: Bool) {
        var isChanged = subscriptionsChanged
        if refreshRegexes() { isChanged = true }
        var hash = group.metadataHash
        if isChanged || metadata?.version != group.refresh.metadataVersion, let metadata {
            hash = MetadataHash.compute(topics: group.subscribedTopics, metadata)
            if hash != group.metadataHash { isChanged = true }
            group.refresh.metadataVersion = metadata.version
        }
        if isChanged { bumpEpoch(hash: hash) }
    }

    /// Members have gone: the epoch grows, whatever they subscribed to.
    mutating func bumpEpoch() {
        let hash = metadata.map { MetadataHash.compute(topics: group.subscribedTopics, $0) } ?? group.metadataHash
        bumpEpoch(hash: hash)
    }

    private mutating func bumpEpoch(hash: Int64) {
        write(group.epochRecord(ConsumerGroup.epoch(after: group.groupEpoch), hash: hash))
    }

    /// Looks all patterns through again when topics may have changed, but not too often.
    ///
    /// - Returns: whether one stands for other topics than before.
    private mutating func refreshRegexes() -> Bool {
        guard !group.regexCounts.isEmpty, let metadata else { return false }
        let regexes = group.regexCounts.keys.sorted()
        let age = group.refresh.regexTimestamp.map { now - $0 } ?? .max
        let isStale = group.refresh.regexVersion != metadata.version
        let isDue =
            age >= configuration.regexRefreshIntervalMilliseconds
            || isStale && age >= ConsumerGroupConfiguration.regexRefreshMinIntervalMilliseconds
        guard isDue else { return false }
        group.refresh.regexTimestamp = now
        group.refresh.regexVersion = metadata.version
        var isChanged = false
        for regex in regexes where resolve(regex) { isChanged = true }
        return isChanged
    }

    // MARK: Assignment

    /// Computes the target assignment anew where it is older than the group, unless the last one is too recent.
    mutating func updateTarget() {
        guard group.groupEpoch > group.assignmentEpoch, let metadata else { return }
        let (age, overflow) = now.subtractingReportingOverflow(group.assignmentTimestamp)
        let isTooRecent = !overflow && age >= 0 && age < Int64(configuration.assignmentInterval(of: group.groupID))
        if group.assignmentTimestamp > 0, isTooRecent, group.assignmentEpoch > 0 { return }
        let input = group.assignmentInput(metadata)
        let assignor = group.preferredAssignor(configuration.assignors)
        for (member, partitions) in zip(input.members, assignor.assign(input))
        where group.target[member.id] != partitions {
            write(group.targetRecord(of: member.id, partitions))
        }
        write(group.targetRecord(epoch: group.groupEpoch, timestamp: now))
    }

    /// Takes the member a step nearer to its target.
    ///
    /// - Parameter reported: the partitions that it says it owns; nil where it did not say.
    mutating func reconcile(_ memberID: String, reported: TopicPartitionSet?) throws(GroupRefusal) {
        guard let member = group.members[memberID], !member.isReconciled(to: group.assignmentEpoch) else { return }
        let draft = group
        let reconciler = Reconciler(
            targetEpoch: group.assignmentEpoch, target: group.target[memberID] ?? TopicPartitionSet(),
            reported: reported
        ) { topic, partition in
            draft.owner(of: topic, partition).map { $0 != memberID } ?? false
        }
        let next = try reconciler.reconcile(member)
        guard next != member else { return }
        write(group.currentRecord(of: next))
        guard next.classicProtocol == nil else { return }
        let timer = GroupTimer.consumerRebalance(groupID: group.groupID, memberID: memberID)
        if next.state == .unrevokedPartitions {
            let timeout = max(next.rebalanceTimeoutMilliseconds, 0)
            effects.append(.setTimer(timer, afterMilliseconds: Int64(timeout)))
        } else {
            effects.append(.cancelTimer(timer))
        }
    }

    // MARK: Timers

    mutating func setSessionTimer(_ memberID: String, _ milliseconds: Int32) {
        let timer = GroupTimer.consumerSession(groupID: group.groupID, memberID: memberID)
        effects.append(.setTimer(timer, afterMilliseconds: Int64(milliseconds)))
    }

    /// Gives a member of the classic protocol time to rejoin, from the first time on that it was told to.
    mutating func awaitJoin(of member: ConsumerMember) {
        guard group.awaitedJoins.insert(member.memberID).inserted else { return }
        let timeout = Int64(max(member.rebalanceTimeoutMilliseconds, 0))
        let timer = GroupTimer.consumerJoin(groupID: group.groupID, memberID: member.memberID)
        effects.append(.setTimer(timer, afterMilliseconds: timeout))
    }

    mutating func endJoinTimer(_ memberID: String) {
        group.awaitedJoins.remove(memberID)
        effects.append(.cancelTimer(.consumerJoin(groupID: group.groupID, memberID: memberID)))
    }

    mutating func setSyncTimer(_ memberID: String, _ milliseconds: Int32) {
        let timer = GroupTimer.consumerSync(groupID: group.groupID, memberID: memberID)
        effects.append(.setTimer(timer, afterMilliseconds: Int64(milliseconds)))
    }

    mutating func endSyncTimer(_ memberID: String) {
        effects.append(.cancelTimer(.consumerSync(groupID: group.groupID, memberID: memberID)))
    }

    mutating func cancelTimers(_ memberID: String) {
        effects.append(.cancelTimer(.consumerSession(groupID: group.groupID, memberID: memberID)))
        effects.append(.cancelTimer(.consumerRebalance(groupID: group.groupID, memberID: memberID)))
        effects.append(.cancelTimer(.consumerJoin(groupID: group.groupID, memberID: memberID)))
        effects.append(.cancelTimer(.consumerSync(groupID: group.groupID, memberID: memberID)))
        group.awaitedJoins.remove(memberID)
    }
}
