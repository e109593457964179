// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

/// JoinGroup, SyncGroup, Heartbeat and LeaveGroup where they meet a consumer group: each gives nil where they do not, so
/// that the caller goes on as with a classic group.
///
/// An empty consumer group does not count: who joins it with the classic protocol makes a classic group of it
/// (`tombstonesBeforeClassicGroup`).
extension GroupCoordinatorShard {
    private func consumerGroupInUse(_ groupID: String) -> ConsumerGroup? {
        guard classicGroups[groupID] == nil, let group = consumerGroups[groupID], !group.isEmpty else { return nil }
        return group
    }

    /// What must be written before a classic group of that name: an empty consumer group makes room for it.
    func tombstonesBeforeClassicGroup(_ groupID: String) -> [GroupCoordinatorRecord] {
        classicGroups[groupID] == nil ? consumerGroups[groupID]?.tombstones ?? [] : []
    }

    mutating func joinConsumerGroup(
        _ request: JoinGroupRequest, _ context: GroupRequestContext
    ) -> GroupOutcome<JoinGroupResponse>? {
        guard let group = consumerGroupInUse(request.groupID) else { return nil }
        lastMetadata = context.metadata
        var decision = begin(group, now: context.now, context.metadata)
        do throws(GroupRefusal) {
            let joined = try ClassicRequests(context: context).join(request, &decision)
            if joined.replaced != nil, let outcome = downgrade(decision, joined.response, context) { return outcome }
            return outcome(.now(joined.response), decision)
        } catch {
            return GroupOutcome(.now(.failing(error.code, memberID: request.memberID, version: context.apiVersion)))
        }
    }

    /// Where the last member of the consumer protocol was replaced: the group as a classic one.
    private func downgrade(
        _ decision: ConsumerGroupDecision, _ response: JoinGroupResponse, _ context: GroupRequestContext
    ) -> GroupOutcome<JoinGroupResponse>? {
        let classic = decision.group.downgraded(
            without: [], configuration, now: context.now, context.metadata)
        guard let classic else { return nil }
        var response = response
        response.generationID = classic.generation
        response.protocolName = classic.protocolName
        let isStable = decision.group.state == .stable
        return GroupOutcome(
            .now(response),
            records: decision.records + decision.group.tombstones
                + [isStable ? classic.record : classic.recordBeforeRebalance],
            effects: decision.effects + decision.group.timerCancellations,
            ticket: .downgrade(classic, .memberReplaced(isStable: isStable)))
    }

    mutating func syncConsumerGroup(
        _ request: SyncGroupRequest, _ context: GroupRequestContext
    ) -> GroupOutcome<SyncGroupResponse>? {
        guard let group = consumerGroupInUse(request.groupID) else { return nil }
        var decision = begin(group, now: context.now, context.metadata)
        do throws(GroupRefusal) {
            let response = try ClassicRequests(context: context).sync(request, &decision)
            return outcome(.now(response), decision)
        } catch {
            // A member that must rejoin has a timer for that.
            return outcome(.now(SyncGroupResponse(errorCode: error.code.rawValue)), decision)
        }
    }

    mutating func heartbeatConsumerGroup(
        _ request: HeartbeatRequest, _ context: GroupRequestContext
    ) -> GroupOutcome<HeartbeatResponse>? {
        guard let group = consumerGroupInUse(request.groupID) else { return nil }
        var decision = begin(group, now: context.now, context.metadata)
        do throws(GroupRefusal) {
            let response = try ClassicRequests(context: context).heartbeat(request, &decision)
            return outcome(.now(response), decision)
        } catch {
            return GroupOutcome(.now(HeartbeatResponse(errorCode: error.code.rawValue)))
        }
    }

    /// - Parameters:
    ///   - identities: the members of the request; before version 3 the only one.
    ///   - response: makes the answer from that to each member.
    mutating func leaveConsumerGroup(
        _ groupID: String, _ identities: [LeaveGroupRequest.MemberIdentity], _ context: GroupRequestContext,
        _ response: ([LeaveGroupResponse.MemberResponse]) -> LeaveGroupResponse
    ) -> GroupOutcome<LeaveGroupResponse>? {
        guard let group = consumerGroupInUse(groupID) else { return nil }
        lastMetadata = context.metadata
        var decision = begin(group, now: context.now, context.metadata)
        let (members, answers) = ClassicRequests(context: context).leaving(identities, group)
        let reply = GroupReply.now(response(answers))
        return members.isEmpty ? outcome(reply, decision) : remove(members, &decision, reply)
    }
}
