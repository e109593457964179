// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import OrderedCollections

/// How a group passes from one generation to the next.
extension ClassicGroup {
    /// Starts sessions after loading. A group that was converted and did not come to rebalance does so now. One that a
    /// smaller `group.max.size` no longer allows rebalances, and so sheds the members that come last.
    mutating func loaded(_ step: inout GroupStep) {
        for memberID in members.keys { restartSession(memberID, &step) }
        if isRebalanceDue || members.count > Int(step.configuration.groupMaxSize) { prepareRebalance(&step) }
        isRebalanceDue = false
    }

    mutating func enter(_ state: State, _ step: borrowing GroupStep) {
        self.state = state
        stateTimestamp = step.now
    }

    /// Members changed: a rebalance starts, or one that goes on may be complete by it.
    mutating func rebalanceOrCompleteJoin(_ step: inout GroupStep) {
        if state == .preparingRebalance {
            completeJoinIfAllCame(&step)
        } else {
            prepareRebalance(&step)
        }
    }

    /// Asks all members to rejoin.
    mutating func prepareRebalance(_ step: inout GroupStep) {
        if state == .completingRebalance { answerSyncs(.rebalanceInProgress, &step) }
        if !pendingSync.isEmpty { step.effects.append(.cancelTimer(.classicSync(groupID: groupID))) }
        pendingSync = []
        let isFirst = state == .empty
        enter(.preparingRebalance, step)
        if isFirst {
            let delay = Int64(step.configuration.initialRebalanceDelayMilliseconds)
            initialDelay = InitialDelay(delay: delay, remaining: max(rebalanceTimeout - delay, 0))
            step.effects.append(.setTimer(.classicJoin(groupID: groupID), afterMilliseconds: delay))
        } else if hasAllMembersJoined {
            completeJoin(&step)
        } else {
            step.effects.append(
                .setTimer(.classicJoin(groupID: groupID), afterMilliseconds: rebalanceTimeout))
        }
    }

    /// The first generation waits for its timer, whoever has come.
    mutating func completeJoinIfAllCame(_ step: inout GroupStep) {
        if state == .preparingRebalance, initialDelay == nil, hasAllMembersJoined {
            completeJoin(&step)
        }
    }

    /// The timer of the join phase fired.
    mutating func joinTimerFired(_ step: inout GroupStep) {
        guard state == .preparingRebalance else { return }
        if var delay = initialDelay, delay.hasNewMember, delay.remaining > 0 {
            let next = min(Int64(step.configuration.initialRebalanceDelayMilliseconds), delay.remaining)
            delay = InitialDelay(delay: next, remaining: max(delay.remaining - delay.delay, 0))
            initialDelay = delay
            step.effects.append(.setTimer(.classicJoin(groupID: groupID), afterMilliseconds: next))
        } else {
            completeJoin(&step)
        }
    }

    /// Ends the join phase: who did not come is out, static members excepted; those who came are the next generation.
    mutating func completeJoin(_ step: inout GroupStep) {
        initialDelay = nil
        step.effects.append(.cancelTimer(.classicJoin(groupID: groupID)))
        let missing = members.values.filter { $0.joinToken == nil && $0.instanceID == nil }.map(
            \.memberID)
        for memberID in missing { dismiss(memberID, &step) }
        guard members.isEmpty || electLeaderAmongJoined() else {
            // Only absent static members are left. They keep their places until their sessions end.
            step.effects.append(
                .setTimer(.classicJoin(groupID: groupID), afterMilliseconds: rebalanceTimeout))
            return
        }
        generation = generation == .max ? 1 : generation + 1
        pendingSync = []
        if members.isEmpty {
            enter(.empty, step)
            protocolName = nil
            subscribedTopics = topicsOfMembers()
            // Members have gone whatever becomes of the record, and must be told.
            step.records.append(record(assignments: [:]))
            step.holdsUnstored = true
        } else {
            enter(.completingRebalance, step)
            protocolName = selectProtocol()
            subscribedTopics = topicsOfMembers()
            answerJoins(&step)
        }
    }

    private mutating func answerJoins(_ step: inout GroupStep) {
        for memberID in members.keys {
            if let token = takeJoin(memberID) {
                step.effects.append(.completeJoin(token, joinResponse(for: memberID)))
            }
            members[memberID]?.isNew = false
            pendingSync.insert(memberID)
            restartSession(memberID, &step)
        }
        step.effects.append(
            .setTimer(.classicSync(groupID: groupID), afterMilliseconds: rebalanceTimeout))
    }

    /// Whether there is a leader that waits in JoinGroup; another of the waiting takes an absent one's place.
    private mutating func electLeaderAmongJoined() -> Bool {
        guard let leaderID else { return false }
        if members[leaderID]?.joinToken != nil { return true }
        guard let successor = members.values.first(where: { $0.joinToken != nil }) else { return false }
        self.leaderID = successor.memberID
        return true
    }

    /// The time to ask for assignments is up: who did not is out.
    mutating func syncTimerFired(_ step: inout GroupStep) {
        guard state == .completingRebalance || state == .stable, !pendingSync.isEmpty else { return }
        let missing = members.keys.filter { pendingSync.contains($0) }
        for memberID in missing { dismiss(memberID, &step) }
        prepareRebalance(&step)
    }

    // MARK: Sessions

    func restartSession(_ memberID: String, _ step: inout GroupStep) {
        guard let member = members[memberID] else { return }
        startSession(memberID, Int64(member.sessionTimeoutMilliseconds), &step)
    }

    func startSession(_ memberID: String, _ milliseconds: Int64, _ step: inout GroupStep) {
        step.effects.append(
            .setTimer(
                .classicSession(groupID: groupID, memberID: memberID),
                afterMilliseconds: max(milliseconds, 0)))
    }

    /// A member was not heard of in time.
    mutating func sessionTimerFired(_ memberID: String, _ step: inout GroupStep) {
        if pendingMembers.contains(memberID) {
            remove(memberID)
            completeJoinIfAllCame(&step)
        } else if let member = members[memberID] {
            // Who waits for an answer cannot send heartbeats; a new session starts with the answer. Only a member that
            // does not know its id yet may be gone without anybody noticing.
            if !member.isNew, member.joinToken != nil || member.syncToken != nil { return }
            dismiss(memberID, &step)
            rebalanceOrCompleteJoin(&step)
        }
    }

    /// Takes a member out and answers what it waits for: it may come back as a new one.
    mutating func dismiss(_ memberID: String, _ step: inout GroupStep) {
        guard let removed = remove(memberID) else { return }
        step.effects.append(.cancelTimer(.classicSession(groupID: groupID, memberID: memberID)))
        answer(removed, .unknownMemberID, &step)
    }

    // MARK: Answers

    /// Answers every request that waits in a member.
    func answer(_ member: ClassicMember, _ error: ErrorCode, _ step: inout GroupStep) {
        if let token = member.joinToken {
            let memberID = error == .unknownMemberID ? "" : member.memberID
            step.effects.append(
                .completeJoin(token, .failing(error, memberID: memberID, version: member.joinVersion)))
        }
        if let token = member.syncToken {
            step.effects.append(.completeSync(token, SyncGroupResponse(errorCode: error.rawValue)))
        }
    }

    /// Answers every parked request of the group.
    mutating func answerAll(_ error: ErrorCode, _ step: inout GroupStep) {
        for var member in members.values {
            answer(member, error, &step)
            member.joinToken = nil
            member.syncToken = nil
            members[member.memberID] = member
        }
        awaitingJoinCount = 0
    }

    /// Forgets assignments that were not stored, and sends whoever waits for one away.
    mutating func answerSyncs(_ error: ErrorCode, _ step: inout GroupStep) {
        for memberID in members.keys {
            members[memberID]?.assignment = []
            guard let token = takeSync(memberID) else { continue }
            step.effects.append(.completeSync(token, SyncGroupResponse(errorCode: error.rawValue)))
            restartSession(memberID, &step)
        }
    }

    /// The answer to a member's JoinGroup in the current generation; the leader learns who the members are.
    func joinResponse(for memberID: String) -> JoinGroupResponse {
        JoinGroupResponse(
            generationID: generation, protocolType: protocolType, protocolName: protocolName,
            leader: leaderID ?? "",
            memberID: memberID, members: memberID == leaderID ? joinedMembers : [])
    }

    /// The members as their leader sees them.
    var joinedMembers: [JoinGroupResponse.JoinGroupResponseMember] {
        members.values.map { member in
            JoinGroupResponse.JoinGroupResponseMember(
                memberID: member.memberID, groupInstanceID: member.instanceID,
                metadata: protocolName.flatMap { member.metadata(for: $0) } ?? [])
        }
    }
}

extension JoinGroupResponse {
    /// Versions before 7 cannot say that there is no protocol.
    static func failing(_ error: ErrorCode, memberID: String, version: Int16) -> JoinGroupResponse {
        JoinGroupResponse(
            errorCode: error.rawValue, protocolName: version >= 7 ? nil : "", memberID: memberID)
    }
}
