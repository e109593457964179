// SPDX-License-Identifier: Apache-2.0
import KafkaBase
package import KafkaProtocol
import OrderedCollections

/// Consumer groups (KIP-848): ConsumerGroupHeartbeat (key 68), ConsumerGroupDescribe (key 69), their records and timers.
extension GroupCoordinatorShard {
    package mutating func consumerGroupHeartbeat(
        _ request: ConsumerGroupHeartbeatRequest, _ context: GroupRequestContext
    ) -> GroupOutcome<ConsumerGroupHeartbeatResponse> {
        lastMetadata = context.metadata
        let heartbeat = ConsumerHeartbeat(request: request, context: context)
        do throws(GroupRefusal) {
            try heartbeat.validate(configuration.consumer)
            return try request.memberEpoch < 0 ? leave(heartbeat) : stay(heartbeat)
        } catch {
            var response = ConsumerGroupHeartbeatResponse()
            response.errorCode = error.code.rawValue
            response.errorMessage = error.message
            return GroupOutcome(.now(response))
        }
    }

    private mutating func stay(
        _ heartbeat: ConsumerHeartbeat
    ) throws(GroupRefusal) -> GroupOutcome<ConsumerGroupHeartbeatResponse> {
        var decision = try beginHeartbeat(heartbeat.request, heartbeat.context)
        let response = try heartbeat.decide(&decision)
        return outcome(.now(response), decision)
    }

    /// The group that the heartbeat is for. Who joins may make it, or make it of a classic group.
    private func beginHeartbeat(
        _ request: ConsumerGroupHeartbeatRequest, _ context: GroupRequestContext
    ) throws(GroupRefusal) -> ConsumerGroupDecision {
        let groupID = request.groupID
        let isJoining = request.memberEpoch == 0
        guard let classic = classicGroups[groupID] else {
            guard let group = consumerGroups[groupID] ?? (isJoining ? ConsumerGroup(groupID: groupID) : nil) else {
                throw GroupRefusal(.groupIDNotFound, "Group \(groupID) not found.")
            }
            return begin(group, now: context.now, context.metadata)
        }
        guard isJoining else { throw GroupRefusal(.groupIDNotFound, "Group \(groupID) is not a consumer group.") }
        var decision = begin(ConsumerGroup(groupID: groupID), now: context.now, context.metadata)
        if classic.isEmpty {
            for record in classic.tombstones { decision.write(record) }
            return decision
        }
        let step = GroupStep(now: context.now, configuration: configuration)
        let upgrade = try GroupUpgrade(classic, configuration.consumer, step, context.metadata)
        for record in upgrade.records { decision.write(record) }
        decision.effects += upgrade.effects
        return decision
    }

    private mutating func leave(
        _ heartbeat: ConsumerHeartbeat
    ) throws(GroupRefusal) -> GroupOutcome<ConsumerGroupHeartbeatResponse> {
        let request = heartbeat.request
        guard classicGroups[request.groupID] == nil, let group = consumerGroups[request.groupID] else {
            throw GroupRefusal(.groupIDNotFound, "Group \(request.groupID) is not a consumer group.")
        }
        let member = try heartbeat.leavingMember(group)
        let reply = GroupReply.now(heartbeat.farewell(member))
        var decision = begin(group, now: heartbeat.context.now, heartbeat.context.metadata)
        if request.memberEpoch == ConsumerGroup.staticLeaveEpoch, request.instanceID != nil {
            heartbeat.leaveForAWhile(member, &decision)
            return outcome(reply, decision)
        }
        return remove([member], &decision, reply)
    }

    // MARK: Describing

    /// The answer for one group of the request.
    package func consumerGroupDescribe(
        _ groupID: String, _ metadata: any GroupMetadataView
    ) -> ConsumerGroupDescribeResponse.DescribedGroup {
        guard classicGroups[groupID] == nil, let group = consumerGroups[groupID] else {
            var unknown = ConsumerGroupDescribeResponse.DescribedGroup()
            unknown.groupID = groupID
            unknown.errorCode = ErrorCode.groupIDNotFound.rawValue
            unknown.errorMessage =
                classicGroups[groupID] == nil
                ? "Group \(groupID) not found." : "Group \(groupID) is not a consumer group."
            return unknown
        }
        return group.described(configuration.consumer.assignors, metadata)
    }

    // MARK: Decisions

    func begin(
        _ group: ConsumerGroup, now: Int64, _ metadata: (any GroupMetadataView)?
    ) -> ConsumerGroupDecision {
        ConsumerGroupDecision(group, configuration: configuration.consumer, now: now, metadata: metadata)
    }

    /// Ends a decision. What it remembers of the cluster holds only if nothing depends on its records' being stored.
    mutating func outcome<Response: Sendable>(
        _ reply: GroupReply<Response>, _ decision: ConsumerGroupDecision
    ) -> GroupOutcome<Response> {
        let groupID = decision.group.groupID
        consumerGroups[groupID]?.awaitedJoins = decision.group.awaitedJoins
        if decision.records.isEmpty { consumerGroups[groupID]?.refresh = decision.group.refresh }
        return GroupOutcome(reply, records: decision.records, effects: decision.effects)
    }

    /// Members go for good. If only members of the classic protocol stay, the group may become a classic one.
    mutating func remove<Response: Sendable>(
        _ members: [ConsumerMember], _ decision: inout ConsumerGroupDecision, _ reply: GroupReply<Response>
    ) -> GroupOutcome<Response> {
        let group = decision.group
        if let metadata = decision.metadata,
            let classic = group.downgraded(
                without: Set(members.map(\.memberID)), configuration, now: decision.now, metadata)
        {
            return GroupOutcome(
                reply, records: group.tombstones + [classic.recordBeforeRebalance], effects: group.timerCancellations,
                ticket: .downgrade(classic, .memberLeft))
        }
        decision.remove(members)
        return outcome(reply, decision)
    }

    /// The records of a downgrade are stored: the members' sessions begin, and a rebalance where one has left.
    mutating func downgraded(_ classic: ClassicGroup, _ reason: GroupDowngrade, _ step: inout GroupStep) {
        var classic = classic
        for memberID in classic.members.keys { classic.restartSession(memberID, &step) }
        switch reason {
        case .memberReplaced(isStable: true): break
        case .memberLeft, .memberReplaced(isStable: false): classic.prepareRebalance(&step)
        }
        classicGroups[classic.groupID] = classic
    }

    // MARK: Timers

    /// A member did not do in time what the timer waits for: it is out.
    mutating func consumerTimerFired(
        _ timer: GroupTimer, _ groupID: String, _ memberID: String, now: Int64
    ) -> GroupOutcome<Void> {
        guard classicGroups[groupID] == nil, let group = consumerGroups[groupID], let member = group.members[memberID]
        else { return GroupOutcome(.now(())) }
        switch timer {
        case .consumerRebalance:
            guard member.mustGiveUp else { return GroupOutcome(.now(())) }
        case .consumerJoin:
            guard group.awaitedJoins.contains(memberID) else { return GroupOutcome(.now(())) }
        default: break
        }
        var decision = begin(group, now: now, lastMetadata)
        return remove([member], &decision, .now(()))
    }

    // MARK: Replaying

    mutating func replayConsumerRecord(_ record: GroupCoordinatorRecord) {
        guard let (groupID, hasValue) = record.consumerGroup else { return }
        if hasValue {
            // Whatever held the name before is gone, if its tombstone was compacted away already; or it only held offsets.
            classicGroups[groupID] = nil
            if consumerGroups[groupID] == nil { consumerGroups[groupID] = ConsumerGroup(groupID: groupID) }
        }
        if consumerGroups[groupID]?.replay(record) ?? false { consumerGroups[groupID] = nil }
    }
}

extension ConsumerGroup {
    /// The timers that run for a group that was loaded.
    func sessionTimers(_ configuration: ConsumerGroupConfiguration) -> [GroupEffect] {
        var effects: [GroupEffect] = []
        for member in memberIDs.compactMap({ members[$0] }) {
            let session = GroupTimer.consumerSession(groupID: groupID, memberID: member.memberID)
            let timeout =
                member.classicProtocol?.sessionTimeoutMilliseconds ?? configuration.sessionTimeout(of: groupID)
            effects.append(.setTimer(session, afterMilliseconds: Int64(max(timeout, 0))))
            guard member.classicProtocol == nil, member.mustGiveUp else { continue }
            let rebalance = GroupTimer.consumerRebalance(groupID: groupID, memberID: member.memberID)
            effects.append(
                .setTimer(rebalance, afterMilliseconds: Int64(max(member.rebalanceTimeoutMilliseconds, 0))))
        }
        return effects
    }
}

extension GroupCoordinatorRecord {
    /// The consumer group that the record is of, and whether it stores rather than deletes.
    fileprivate var consumerGroup: (groupID: String, hasValue: Bool)? {
        switch self {
        case .consumerGroupMetadata(let key, let value): (key.groupID, value != nil)
        case .consumerGroupPartitionMetadata(let key, let value): (key.groupID, value != nil)
        case .consumerGroupMember(let key, let value): (key.groupID, value != nil)
        case .consumerGroupTarget(let key, let value): (key.groupID, value != nil)
        case .consumerGroupTargetMember(let key, let value): (key.groupID, value != nil)
        case .consumerGroupCurrentMember(let key, let value): (key.groupID, value != nil)
        case .consumerGroupRegularExpression(let key, let value): (key.groupID, value != nil)
        case .legacyOffsetCommit, .offsetCommit, .groupMetadata: nil
        }
    }
}
