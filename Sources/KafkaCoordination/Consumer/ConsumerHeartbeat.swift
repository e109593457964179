// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

/// ConsumerGroupHeartbeat (key 68) as a decision: joining (epoch 0), staying, leaving (-1, and -2 for a static member that
/// means to come back).
/// v1 patterns, and ids of members that they make themselves.
struct ConsumerHeartbeat {
    let request: ConsumerGroupHeartbeatRequest
    let context: GroupRequestContext

    private var reported: TopicPartitionSet? {
        request.topicPartitions.map { topics in
            TopicPartitionSet(topics.lazy.map { ($0.topicID, $0.partitions) })
        }
    }

    /// The id that the member goes by: old clients leave it to the broker to make one.
    private var memberID: String { request.memberID.isEmpty ? context.freshID.description : request.memberID }

    /// A heartbeat of a member that is there or joins.
    func decide(_ decision: inout ConsumerGroupDecision) throws(GroupRefusal) -> ConsumerGroupHeartbeatResponse {
        let memberID = memberID
        try refuseIfFull(decision, memberID)
        let before = try findMember(memberID, &decision)
        let member = updated(before)
        if before.classicProtocol != nil {
            decision.endJoinTimer(memberID)
            decision.endSyncTimer(memberID)
        }
        let isChanged = decision.subscribe(member)
        decision.refreshEpoch(subscriptionsChanged: isChanged)
        decision.updateTarget()
        try decision.reconcile(memberID, reported: reported)
        let groupID = decision.group.groupID
        decision.setSessionTimer(memberID, decision.configuration.sessionTimeout(of: groupID))

        let after = decision.group.members[memberID] ?? member
        var response = ConsumerGroupHeartbeatResponse()
        response.memberID = memberID
        response.memberEpoch = after.memberEpoch
        response.heartbeatIntervalMs = decision.configuration.heartbeatInterval(of: groupID)
        // Nothing is sent that the member knows; a full request says that it is not sure.
        if isFullRequest || after.assigned != before.assigned {
            response.assignment = .init(
                topicPartitions: after.assigned.topics.map { .init(topicID: $0.id, partitions: $0.partitions) })
        }
        return response
    }

    private var isFullRequest: Bool {
        let subscribes = request.subscribedTopicNames != nil || request.subscribedTopicRegex != nil
        return request.memberEpoch == 0
            || request.rebalanceTimeoutMs != -1 && subscribes && request.topicPartitions != nil
    }

    private func refuseIfFull(_ decision: ConsumerGroupDecision, _ memberID: String) throws(GroupRefusal) {
        let max = decision.configuration.maxSize
        guard decision.group.members.count >= Int(max), decision.group.members[memberID] == nil else { return }
        throw GroupRefusal(.groupMaxSizeReached, "The group has reached its maximum size of \(max) members.")
    }

    /// The member with what the request says; what it leaves out stays.
    private func updated(_ member: ConsumerMember) -> ConsumerMember {
        var member = member
        if let instanceID = request.instanceID { member.instanceID = instanceID }
        if let rackID = request.rackID { member.rackID = rackID }
        if request.rebalanceTimeoutMs != -1 { member.rebalanceTimeoutMilliseconds = request.rebalanceTimeoutMs }
        if let assignor = request.serverAssignor { member.serverAssignor = assignor }
        if let topics = request.subscribedTopicNames { member.subscribedTopics = topics.sortedWithoutRepetitions() }
        if let regex = request.subscribedTopicRegex { member.subscribedRegex = regex }
        member.clientID = context.clientID
        member.clientHost = context.clientHost
        member.classicProtocol = nil
        return member
    }

    // MARK: Who is it?

    private func findMember(
        _ memberID: String, _ decision: inout ConsumerGroupDecision
    ) throws(GroupRefusal) -> ConsumerMember {
        let isJoining = request.memberEpoch == 0
        guard let instanceID = request.instanceID else {
            let known = decision.group.members[memberID]
            guard let member = known ?? (isJoining ? ConsumerMember(memberID: memberID) : nil) else {
                throw GroupRefusal(.unknownMemberID, "Member \(memberID) is not a member of the group.")
            }
            try refuseEpoch(of: member)
            return member
        }
        let existing = decision.group.staticMember(instanceID)
        guard isJoining else {
            let member = try existing.orUnknown(instanceID: instanceID)
            try member.refuseFenced(memberID: memberID, instanceID: instanceID)
            try refuseEpoch(of: member)
            return member
        }
        guard let existing else { return decision.group.members[memberID] ?? ConsumerMember(memberID: memberID) }
        let hasLeft = existing.memberEpoch == ConsumerGroup.staticLeaveEpoch
        // Somebody who lost the answer to its joining, or restarted fast and kept its id.
        if existing.memberID == memberID, !hasLeft { return existing }
        guard hasLeft || existing.classicProtocol != nil else {
            throw GroupRefusal(
                .unreleasedInstanceID, "Instance id \(instanceID) is still in use by member \(existing.memberID).")
        }
        return decision.replace(existing, by: memberID)
    }

    /// A member may be one epoch behind when the answer that told it of the new one was lost; then what it owns is among
    /// what it was assigned.
    private func refuseEpoch(of member: ConsumerMember) throws(GroupRefusal) {
        let epoch = request.memberEpoch
        // Whoever joins has nothing and may always begin again.
        if epoch == 0 || epoch == member.memberEpoch { return }
        if epoch < member.memberEpoch, epoch == member.previousMemberEpoch,
            reported?.isSubset(of: member.assigned) ?? false
        {
            return
        }
        throw GroupRefusal(
            .fencedMemberEpoch,
            "The member is at epoch \(member.memberEpoch), not \(epoch). It must give up all partitions and join again."
        )
    }
}

extension ConsumerGroupDecision {
    /// A static member comes back with another id: what was its predecessor's is its own.
    mutating func replace(_ old: ConsumerMember, by memberID: String) -> ConsumerMember {
        let target = group.target[old.memberID] ?? TopicPartitionSet()
        let member = old.renamed(to: memberID)
        for record in group.tombstones(ofMember: old.memberID) { write(record) }
        write(group.subscriptionRecord(of: member))
        write(group.targetRecord(of: memberID, target))
        write(group.currentRecord(of: member))
        if old.memberID != memberID { cancelTimers(old.memberID) }
        return member
    }
}

extension ConsumerMember? {
    func orUnknown(instanceID: String) throws(GroupRefusal) -> ConsumerMember {
        guard let self else { throw GroupRefusal(.unknownMemberID, "Instance id \(instanceID) is not known.") }
        return self
    }
}

extension ConsumerMember {
    /// Somebody else has taken the instance id over.
    func refuseFenced(memberID: String, instanceID: String) throws(GroupRefusal) {
        guard self.memberID != memberID else { return }
        throw GroupRefusal(
            .fencedInstanceID, "Instance id \(instanceID) of member \(memberID) now belongs to member \(self.memberID)."
        )
    }
}
