// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaProtocol

/// The requests of the classic protocol. Who asks about a group that is not there is an unknown member of it.
extension GroupCoordinatorShard {
    /// A member joins. The answer may be parked until the group's next generation begins.
    package mutating func joinGroup(
        _ request: JoinGroupRequest, _ context: GroupRequestContext
    ) -> GroupOutcome<JoinGroupResponse> {
        let groupID = request.groupID
        if let error = refusal(of: request) {
            return GroupOutcome(
                .now(.failing(error, memberID: request.memberID, version: context.apiVersion)))
        }
        if let outcome = joinConsumerGroup(request, context) { return outcome }
        var step = GroupStep(now: context.now, configuration: configuration)
        if classicGroups[groupID] != nil {
            return GroupOutcome(classicGroups[groupID]!.join(request, context, &step), step)
        }
        // Only somebody without member id makes a group; and it must be able to be its first member.
        var group = ClassicGroup(groupID: groupID)
        group.enter(.empty, step)
        guard request.memberID.isEmpty, group.supports(request.protocolType, request.protocols) else {
            let error: ErrorCode =
                request.memberID.isEmpty ? .inconsistentGroupProtocol : .unknownMemberID
            return GroupOutcome(
                .now(.failing(error, memberID: request.memberID, version: context.apiVersion)))
        }
        step.records += tombstonesBeforeClassicGroup(groupID)
        // Stored empty, so that it is in the log from its first member on.
        step.records.append(group.record(assignments: [:]))
        step.ticket = .newGroup(groupID: groupID)
        let reply = group.join(request, context, &step)
        classicGroups[groupID] = group
        return GroupOutcome(reply, step)
    }

    private func refusal(of request: JoinGroupRequest) -> ErrorCode? {
        if request.groupID.isEmpty { return .invalidGroupID }
        let allowed =
            configuration
            .minSessionTimeoutMilliseconds...max(
                configuration.minSessionTimeoutMilliseconds, configuration.maxSessionTimeoutMilliseconds)
        return allowed.contains(request.sessionTimeoutMs) ? nil : .invalidSessionTimeout
    }

    /// A member asks for its assignment, or the leader gives them. The answer may be parked until the leader has.
    package mutating func syncGroup(
        _ request: SyncGroupRequest, _ context: GroupRequestContext
    ) -> GroupOutcome<SyncGroupResponse> {
        var refusal: ErrorCode?
        if request.groupID.isEmpty {
            refusal = .invalidGroupID
        } else if context.apiVersion >= 5, request.protocolType == nil || request.protocolName == nil {
            refusal = .inconsistentGroupProtocol
        } else if let outcome = syncConsumerGroup(request, context) {
            return outcome
        } else if classicGroups[request.groupID] == nil {
            refusal = .unknownMemberID
        }
        if let refusal { return GroupOutcome(.now(SyncGroupResponse(errorCode: refusal.rawValue))) }
        var step = GroupStep(now: context.now, configuration: configuration)
        return GroupOutcome(classicGroups[request.groupID]!.sync(request, context, &step), step)
    }

    /// A member is alive.
    package mutating func heartbeat(
        _ request: HeartbeatRequest, _ context: GroupRequestContext
    ) -> GroupOutcome<HeartbeatResponse> {
        if let outcome = heartbeatConsumerGroup(request, context) { return outcome }
        var step = GroupStep(now: context.now, configuration: configuration)
        let error: ErrorCode =
            request.groupID.isEmpty
            ? .invalidGroupID
            : classicGroups[request.groupID]?.heartbeat(request, &step) ?? .unknownMemberID
        return GroupOutcome(.now(HeartbeatResponse(errorCode: error.rawValue)), step)
    }

    /// Members leave, or are made to. Up to version 2 a request names one, and the answer has no list.
    package mutating func leaveGroup(
        _ request: LeaveGroupRequest, _ context: GroupRequestContext
    ) -> GroupOutcome<LeaveGroupResponse> {
        guard !request.groupID.isEmpty else {
            return GroupOutcome(.now(LeaveGroupResponse(errorCode: ErrorCode.invalidGroupID.rawValue)))
        }
        var step = GroupStep(now: context.now, configuration: configuration)
        let leaving =
            context.apiVersion >= 3
            ? request.members
            : [LeaveGroupRequest.MemberIdentity(memberID: request.memberID, groupInstanceID: nil)]
        func response(_ results: [LeaveGroupResponse.MemberResponse]) -> LeaveGroupResponse {
            context.apiVersion >= 3
                ? LeaveGroupResponse(members: results) : LeaveGroupResponse(errorCode: results[0].errorCode)
        }
        if let outcome = leaveConsumerGroup(request.groupID, leaving, context, response) { return outcome }
        let results =
            classicGroups[request.groupID]?.leave(leaving, &step)
            ?? leaving.map {
                LeaveGroupResponse.MemberResponse(
                    memberID: $0.memberID, groupInstanceID: $0.groupInstanceID,
                    errorCode: ErrorCode.unknownMemberID.rawValue)
            }
        return GroupOutcome(.now(response(results)), step)
    }

    // MARK: Tickets

    /// The records of the outcome that had this ticket are in the log and replayed.
    package mutating func appended(_ ticket: AppendTicket, now: Int64) -> GroupOutcome<Void> {
        var step = GroupStep(now: now, configuration: configuration)
        switch ticket {
        case .newGroup: break
        case .assignment(let groupID, let generation, let assignments):
            classicGroups[groupID]?.assigned(generation, assignments, &step)
        case .staticMember(let groupID, let replacement):
            classicGroups[groupID]?.replaced(replacement, &step)
        case .unstored(let effects): step.effects = effects
        case .downgrade(let classic, let reason): downgraded(classic, reason, &step)
        }
        return GroupOutcome(.now(()), step)
    }

    /// The records of the outcome that had this ticket are not in the log.
    ///
    /// - Parameter error: what the log said; members are told what it means to them.
    package mutating func appendFailed(_ ticket: AppendTicket, _ error: ErrorCode, now: Int64)
        -> GroupOutcome<Void>
    {
        var step = GroupStep(now: now, configuration: configuration)
        let answer = ErrorCode.groupAnswer(forAppendError: error)
        switch ticket {
        case .newGroup(let groupID):
            if var group = classicGroups.removeValue(forKey: groupID) { group.answerAll(answer, &step) }
        case .assignment(let groupID, let generation, _):
            classicGroups[groupID]?.assignmentFailed(generation, answer, &step)
        case .staticMember(let groupID, let replacement):
            classicGroups[groupID]?.replacementFailed(replacement, answer, &step)
        case .unstored(let effects): step.effects = effects
        // The consumer group goes on.
        case .downgrade: break
        }
        return GroupOutcome(.now(()), step)
    }
}
