// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

extension ConsumerHeartbeat {
    /// Who leaves: the member that the request names.
    func leavingMember(_ group: ConsumerGroup) throws(GroupRefusal) -> ConsumerMember {
        guard let instanceID = request.instanceID else {
            guard let member = group.members[request.memberID] else {
                throw GroupRefusal(.unknownMemberID, "Member \(request.memberID) is not a member of the group.")
            }
            return member
        }
        let member = try group.staticMember(instanceID).orUnknown(instanceID: instanceID)
        try member.refuseFenced(memberID: request.memberID, instanceID: instanceID)
        return member
    }

    /// A static member leaves for a while: it keeps its partitions until its session ends.
    func leaveForAWhile(_ member: ConsumerMember, _ decision: inout ConsumerGroupDecision) {
        var member = member
        member.memberEpoch = ConsumerGroup.staticLeaveEpoch
        member.pendingRevocation = TopicPartitionSet()
        // Who comes back under its instance id begins at epoch 0 and may commit for what it kept.
        member.assignmentEpochs = PartitionEpochs(member.assigned, epoch: 0)
        decision.write(decision.group.currentRecord(of: member))
        let timer = GroupTimer.consumerRebalance(groupID: decision.group.groupID, memberID: member.memberID)
        decision.effects.append(.cancelTimer(timer))
    }

    /// The answer to who leaves.
    func farewell(_ member: ConsumerMember) -> ConsumerGroupHeartbeatResponse {
        var response = ConsumerGroupHeartbeatResponse()
        response.memberID = member.memberID
        response.memberEpoch = request.memberEpoch
        return response
    }
}

extension ConsumerGroupDecision {
    /// Members leave for good, by themselves or because their time is up.
    mutating func remove(_ members: [ConsumerMember]) {
        for member in members {
            for record in group.tombstones(ofMember: member.memberID) { write(record) }
            forgetRegex(of: member)
            cancelTimers(member.memberID)
        }
        bumpEpoch()
    }

    private mutating func forgetRegex(of member: ConsumerMember) {
        guard let regex = member.regex, group.regexCounts[regex] == nil, group.resolvedRegexes[regex] != nil else {
            return
        }
        write(group.regexRecord(regex, nil))
    }
}
