// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

/// The requests of members that speak the classic protocol inside a consumer group (KIP-848): the broker assigns, so a
/// join is answered at once, nobody leads, and the generation is the member's epoch.
struct ClassicRequests {
    let context: GroupRequestContext

    // MARK: JoinGroup

    /// What is known of a member that joins.
    struct Joined {
        let response: JoinGroupResponse
        /// The member of the consumer protocol, if it was one, whose place a static member took.
        let replaced: ConsumerMember?
    }

    func join(
        _ request: JoinGroupRequest, _ decision: inout ConsumerGroupDecision
    ) throws(GroupRefusal) -> Joined {
        let isNew = request.memberID.isEmpty
        let memberID = isNew ? context.freshID.description : request.memberID
        try refuseJoin(request, memberID, decision)
        if isNew, context.apiVersion >= 4, request.groupInstanceID == nil {
            return Joined(
                response: .failing(.memberIDRequired, memberID: memberID, version: context.apiVersion), replaced: nil)
        }
        let offers = request.protocols.map(ClassicMember.Offer.init)
        guard let offer = offers.first, let subscription = ConsumerProtocol.subscription(offer.metadata) else {
            throw GroupRefusal(.inconsistentGroupProtocol, "The subscription is not one of a consumer.")
        }
        let replaced = decision.group.staticMember(request.groupInstanceID)
        var member = try findMember(request, memberID, isNew: isNew, &decision)
        if let instanceID = request.groupInstanceID { member.instanceID = instanceID }
        if let rackID = subscription.rackID { member.rackID = rackID }
        member.rebalanceTimeoutMilliseconds = request.rebalanceTimeout(version: context.apiVersion)
        member.subscribedTopics = subscription.topics.sortedWithoutRepetitions()
        // Who held the place before may have subscribed with a pattern; this protocol's members look patterns up themselves.
        member.subscribedRegex = nil
        member.clientID = context.clientID
        member.clientHost = context.clientHost
        member.classicProtocol = .init(sessionTimeoutMilliseconds: request.sessionTimeoutMs, offers: offers)

        let isChanged = decision.subscribe(member)
        decision.refreshEpoch(subscriptionsChanged: isChanged)
        decision.updateTarget()
        let owned = ConsumerProtocol.ownedPartitions(subscription, context.metadata)
        try decision.reconcile(memberID, reported: owned)
        decision.endJoinTimer(memberID)
        decision.setSessionTimer(memberID, request.sessionTimeoutMs)
        decision.setSyncTimer(memberID, max(member.rebalanceTimeoutMilliseconds, 0))
        let epoch = decision.group.members[memberID]?.memberEpoch ?? 0
        let response = JoinGroupResponse(
            generationID: epoch, protocolType: ConsumerProtocol.name, protocolName: offer.name, memberID: memberID)
        return Joined(response: response, replaced: replaced?.classicProtocol == nil ? replaced : nil)
    }

    private func refuseJoin(
        _ request: JoinGroupRequest, _ memberID: String, _ decision: ConsumerGroupDecision
    ) throws(GroupRefusal) {
        let max = decision.configuration.maxSize
        if decision.group.members.count >= Int(max), decision.group.members[memberID] == nil {
            throw GroupRefusal(.groupMaxSizeReached, "The group has reached its maximum size of \(max) members.")
        }
        guard decision.group.supports(request.protocolType, request.protocols.map(\.name)) else {
            throw GroupRefusal(.inconsistentGroupProtocol, "The member's protocols are not supported.")
        }
    }

    private func findMember(
        _ request: JoinGroupRequest, _ memberID: String, isNew: Bool, _ decision: inout ConsumerGroupDecision
    ) throws(GroupRefusal) -> ConsumerMember {
        guard let instanceID = request.groupInstanceID else {
            return decision.group.members[memberID] ?? ConsumerMember(memberID: memberID)
        }
        let existing = decision.group.staticMember(instanceID)
        if isNew {
            guard let existing else { return ConsumerMember(memberID: memberID) }
            return decision.replace(existing, by: memberID)
        }
        let member = try existing.orUnknown(instanceID: instanceID)
        try member.refuseFenced(memberID: memberID, instanceID: instanceID)
        return member
    }

    // MARK: SyncGroup and Heartbeat

    func sync(
        _ request: SyncGroupRequest, _ decision: inout ConsumerGroupDecision
    ) throws(GroupRefusal) -> SyncGroupResponse {
        let (member, known) = try findClassic(request.memberID, request.groupInstanceID, decision.group)
        try refuseGeneration(request.generationID, of: member)
        let offer = known.offers.first
        let isOther =
            request.protocolType.map { $0 != ConsumerProtocol.name } ?? false
            || request.protocolName.map { $0 != offer?.name } ?? false
        if isOther {
            throw GroupRefusal(.inconsistentGroupProtocol, "The protocol is not the one that the member joined with.")
        }
        // A member that has something to give up has rejoined already and does so first.
        if decision.group.groupEpoch > member.memberEpoch, member.state != .unrevokedPartitions {
            decision.awaitJoin(of: member)
            throw GroupRefusal(.rebalanceInProgress, "The member must rejoin.")
        }
        decision.endSyncTimer(member.memberID)
        decision.setSessionTimer(member.memberID, known.sessionTimeoutMilliseconds)
        let assignment = ConsumerProtocol.encode(
            member.assigned, forSubscription: offer?.metadata ?? [], context.metadata)
        return SyncGroupResponse(
            protocolType: request.protocolType, protocolName: request.protocolName, assignment: assignment)
    }

    /// A member must rejoin when the group has moved on, when it has something to give up, and when what it waits for is
    /// free.
    func heartbeat(
        _ request: HeartbeatRequest, _ decision: inout ConsumerGroupDecision
    ) throws(GroupRefusal) -> HeartbeatResponse {
        let (member, known) = try findClassic(request.memberID, request.groupInstanceID, decision.group)
        try refuseGeneration(request.generationID, of: member)
        decision.setSessionTimer(member.memberID, known.sessionTimeoutMilliseconds)
        let mustRejoin =
            member.memberEpoch < decision.group.groupEpoch || member.state == .unrevokedPartitions
            || member.state == .unreleasedPartitions && !decision.group.isWaiting(member)
        guard mustRejoin else { return HeartbeatResponse() }
        decision.awaitJoin(of: member)
        return HeartbeatResponse(errorCode: ErrorCode.rebalanceInProgress.rawValue)
    }

    private func find(
        _ memberID: String, _ instanceID: String?, _ group: ConsumerGroup
    ) throws(GroupRefusal) -> ConsumerMember {
        if let instanceID {
            let member = try group.staticMember(instanceID).orUnknown(instanceID: instanceID)
            try member.refuseFenced(memberID: memberID, instanceID: instanceID)
            return member
        }
        guard let member = group.members[memberID] else {
            throw GroupRefusal(.unknownMemberID, "Member \(memberID) is not a member of the group.")
        }
        return member
    }

    /// A member that speaks the classic protocol.
    private func findClassic(
        _ memberID: String, _ instanceID: String?, _ group: ConsumerGroup
    ) throws(GroupRefusal) -> (ConsumerMember, ConsumerMember.ClassicProtocol) {
        let member = try find(memberID, instanceID, group)
        guard let known = member.classicProtocol else {
            throw GroupRefusal(.unknownMemberID, "Member \(memberID) does not use the classic protocol.")
        }
        return (member, known)
    }

    private func refuseGeneration(_ generation: Int32, of member: ConsumerMember) throws(GroupRefusal) {
        guard generation != member.memberEpoch else { return }
        throw GroupRefusal(.illegalGeneration, "The member is at generation \(member.memberEpoch), not \(generation).")
    }

    // MARK: LeaveGroup

    /// Who leaves is looked up one by one; those found are to leave together. Administrators remove members with this
    /// request, too: those of either protocol, a static one by its instance id alone. The answer names each as the request
    /// does.
    func leaving(
        _ identities: [LeaveGroupRequest.MemberIdentity], _ group: ConsumerGroup
    ) -> (members: [ConsumerMember], answers: [LeaveGroupResponse.MemberResponse]) {
        var leaving: [ConsumerMember] = []
        var answers: [LeaveGroupResponse.MemberResponse] = []
        for identity in identities {
            var answer = LeaveGroupResponse.MemberResponse(
                memberID: identity.memberID, groupInstanceID: identity.groupInstanceID)
            do throws(GroupRefusal) {
                let named = group.staticMember(identity.groupInstanceID)?.memberID
                let memberID = identity.memberID.isEmpty ? named ?? "" : identity.memberID
                let member = try find(memberID, identity.groupInstanceID, group)
                if leaving.contains(where: { $0.memberID == member.memberID }) {
                    answer.errorCode = ErrorCode.unknownMemberID.rawValue
                } else {
                    leaving.append(member)
                }
            } catch {
                answer.errorCode = error.code.rawValue
            }
            answers.append(answer)
        }
        return (leaving, answers)
    }
}

extension ConsumerGroup {
    /// Whether who offers these assignment protocols can be a member beside those of the classic protocol there are.
    func supports(_ protocolType: String, _ offers: [String]) -> Bool {
        protocolType == ConsumerProtocol.name
            && offers.contains { offerCounts[$0, default: 0] == classicMemberCount }
    }
}
