// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import OrderedCollections

/// SyncGroup, Heartbeat and LeaveGroup.
extension ClassicGroup {
    // MARK: SyncGroup

    mutating func sync(
        _ request: SyncGroupRequest, _ context: GroupRequestContext, _ step: inout GroupStep
    ) -> GroupReply<SyncGroupResponse> {
        if let error = refusalOfSync(request) {
            return .now(SyncGroupResponse(errorCode: error.rawValue))
        }
        switch state {
        case .empty: return .now(SyncGroupResponse(errorCode: ErrorCode.unknownMemberID.rawValue))
        case .preparingRebalance:
            return .now(SyncGroupResponse(errorCode: ErrorCode.rebalanceInProgress.rawValue))
        case .completingRebalance:
            if let superseded = takeSync(request.memberID) {
                step.effects.append(
                    .completeSync(
                        superseded, SyncGroupResponse(errorCode: ErrorCode.rebalanceInProgress.rawValue)))
            }
            members[request.memberID]?.syncToken = context.token
            hasAsked(request.memberID, &step)
            if request.memberID == leaderID { store(request.assignments, &step) }
            return .parked
        case .stable:
            hasAsked(request.memberID, &step)
            restartSession(request.memberID, &step)
            return .now(syncResponse(for: request.memberID))
        }
    }

    private func refusalOfSync(_ request: SyncGroupRequest) -> ErrorCode? {
        if let error = refusal(of: request.memberID, instanceID: request.groupInstanceID) {
            return error
        }
        if request.generationID != generation { return .illegalGeneration }
        if let type = request.protocolType, type != protocolType { return .inconsistentGroupProtocol }
        if let name = request.protocolName, name != protocolName { return .inconsistentGroupProtocol }
        return nil
    }

    /// The member has asked for its assignment in time.
    private mutating func hasAsked(_ memberID: String, _ step: inout GroupStep) {
        guard pendingSync.remove(memberID) != nil, pendingSync.isEmpty else { return }
        step.effects.append(.cancelTimer(.classicSync(groupID: groupID)))
    }

    private func store(
        _ assignments: [SyncGroupRequest.SyncGroupRequestAssignment], _ step: inout GroupStep
    ) {
        var byMember: [String: [UInt8]] = [:]
        for assignment in assignments where members[assignment.memberID] != nil {
            byMember[assignment.memberID] = assignment.assignment
        }
        step.records.append(record(assignments: byMember))
        step.ticket = .assignment(groupID: groupID, generation: generation, byMember)
    }

    /// The leader's assignments are stored: everybody who waits learns its own.
    mutating func assigned(
        _ generation: Int32, _ assignments: [String: [UInt8]], _ step: inout GroupStep
    ) {
        guard state == .completingRebalance, self.generation == generation else { return }
        enter(.stable, step)
        for memberID in members.keys {
            members[memberID]?.assignment = assignments[memberID] ?? []
            guard let token = takeSync(memberID) else { continue }
            step.effects.append(.completeSync(token, syncResponse(for: memberID)))
            restartSession(memberID, &step)
        }
    }

    /// The leader's assignments could not be stored: the generation is void.
    mutating func assignmentFailed(_ generation: Int32, _ error: ErrorCode, _ step: inout GroupStep) {
        guard state == .completingRebalance, self.generation == generation else { return }
        answerSyncs(error, &step)
        prepareRebalance(&step)
    }

    private func syncResponse(for memberID: String) -> SyncGroupResponse {
        SyncGroupResponse(
            protocolType: protocolType, protocolName: protocolName,
            assignment: members[memberID]?.assignment ?? [])
    }

    // MARK: Heartbeat

    mutating func heartbeat(_ request: HeartbeatRequest, _ step: inout GroupStep) -> ErrorCode {
        if let error = refusal(of: request.memberID, instanceID: request.groupInstanceID) {
            return error
        }
        if request.generationID != generation { return .illegalGeneration }
        switch state {
        case .empty: return .unknownMemberID
        case .preparingRebalance:
            restartSession(request.memberID, &step)
            return .rebalanceInProgress
        case .completingRebalance, .stable:
            restartSession(request.memberID, &step)
            return .none
        }
    }

    // MARK: LeaveGroup

    /// Takes members out, all at once; the answer has a result for each.
    mutating func leave(
        _ leaving: [LeaveGroupRequest.MemberIdentity], _ step: inout GroupStep
    ) -> [LeaveGroupResponse.MemberResponse] {
        var left: OrderedSet<String> = []
        let results = leaving.map { identity in
            let error = leave(identity, &left, &step)
            return LeaveGroupResponse.MemberResponse(
                memberID: identity.memberID, groupInstanceID: identity.groupInstanceID,
                errorCode: error.rawValue)
        }
        for memberID in left { dismiss(memberID, &step) }
        if !left.isEmpty { rebalanceOrCompleteJoin(&step) } else { completeJoinIfAllCame(&step) }
        return results
    }

    private mutating func leave(
        _ identity: LeaveGroupRequest.MemberIdentity, _ left: inout OrderedSet<String>,
        _ step: inout GroupStep
    ) -> ErrorCode {
        if identity.memberID.isEmpty {
            // An administrator names static members by their instance only.
            guard let memberID = identity.groupInstanceID.flatMap({ staticMembers[$0] }) else {
                return .unknownMemberID
            }
            left.append(memberID)
            return .none
        }
        if pendingMembers.contains(identity.memberID) {
            remove(identity.memberID)
            step.effects.append(
                .cancelTimer(.classicSession(groupID: groupID, memberID: identity.memberID)))
            return .none
        }
        if let error = refusal(of: identity.memberID, instanceID: identity.groupInstanceID) {
            return error
        }
        left.append(identity.memberID)
        return .none
    }
}
