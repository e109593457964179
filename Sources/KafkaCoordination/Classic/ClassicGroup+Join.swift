// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import OrderedCollections

/// JoinGroup.
extension ClassicGroup {
    mutating func join(
        _ request: JoinGroupRequest, _ context: GroupRequestContext, _ step: inout GroupStep
    ) -> GroupReply<JoinGroupResponse> {
        guard hasRoom(for: request.memberID, step) else {
            dismiss(request.memberID, &step)
            completeJoinIfAllCame(&step)
            return .now(.failing(.groupMaxSizeReached, memberID: "", version: context.apiVersion))
        }
        guard supports(request.protocolType, request.protocols) else {
            return .now(
                .failing(
                    .inconsistentGroupProtocol, memberID: request.memberID, version: context.apiVersion))
        }
        return request.memberID.isEmpty
            ? joinNew(request, context, &step) : joinKnown(request, context, &step)
    }

    /// While members rejoin, those count that have come: so a group that is too big sheds those that come last.
    private func hasRoom(for memberID: String, _ step: borrowing GroupStep) -> Bool {
        let limit = Int(step.configuration.groupMaxSize)
        switch state {
        case .empty: return true
        case .preparingRebalance:
            return members[memberID]?.joinToken != nil || awaitingJoinCount < limit
        case .completingRebalance, .stable: return members[memberID] != nil || members.count < limit
        }
    }

    // MARK: Without a member id

    private mutating func joinNew(
        _ request: JoinGroupRequest, _ context: GroupRequestContext, _ step: inout GroupStep
    ) -> GroupReply<JoinGroupResponse> {
        let memberID = newMemberID(request.groupInstanceID ?? context.clientID, context.freshID)
        if let instanceID = request.groupInstanceID, let existing = staticMembers[instanceID] {
            replaceStaticMember(existing, by: memberID, request, context, &step)
            return .parked
        }
        guard request.groupInstanceID != nil || context.apiVersion < 4 else {
            admit(memberID, request, &step)
            return .now(.failing(.memberIDRequired, memberID: memberID, version: context.apiVersion))
        }
        add(memberID, request, context, &step)
        return .parked
    }

    /// Begins with a name that tells people whose it is, as much of it as fits.
    private func newMemberID(_ name: String, _ id: KafkaUUID) -> String {
        let end = "-" + id.hexadecimalText
        return name.clipped(toUTF8Bytes: GroupRequestContext.textBytesMax - end.utf8.count) + end
    }

    /// Hands out an id with which the client joins next (KIP-394): so a client that never sees the answer leaves no
    /// member behind. Of too many such ids the oldest is forgotten; its client is told to ask for another.
    private mutating func admit(
        _ memberID: String, _ request: JoinGroupRequest, _ step: inout GroupStep
    ) {
        if pendingMembers.count >= GroupCoordinatorConfiguration.pendingMembersMax {
            let oldest = pendingMembers.removeFirst()
            step.effects.append(.cancelTimer(.classicSession(groupID: groupID, memberID: oldest)))
        }
        pendingMembers.append(memberID)
        startSession(memberID, Int64(request.sessionTimeoutMs), &step)
    }

    private mutating func add(
        _ memberID: String, _ request: JoinGroupRequest, _ context: GroupRequestContext,
        _ step: inout GroupStep
    ) {
        if state == .preparingRebalance, generation == 0 { initialDelay?.hasNewMember = true }
        if members.isEmpty { protocolType = request.protocolType }
        var member = ClassicMember(
            memberID: memberID, instanceID: request.groupInstanceID, clientID: context.clientID,
            clientHost: context.clientHost,
            rebalanceTimeoutMilliseconds: request.rebalanceTimeout(version: context.apiVersion),
            sessionTimeoutMilliseconds: request.sessionTimeoutMs,
            offers: request.protocols.map { ClassicMember.Offer($0) })
        member.joinToken = context.token
        member.joinVersion = context.apiVersion
        member.isNew = true
        insert(member)
        // It does not know its id until it is answered, so it cannot send heartbeats.
        startSession(memberID, GroupCoordinatorConfiguration.newMemberJoinTimeoutMilliseconds, &step)
        rebalanceOrCompleteJoin(&step)
    }

    // MARK: With a member id

    private mutating func joinKnown(
        _ request: JoinGroupRequest, _ context: GroupRequestContext, _ step: inout GroupStep
    ) -> GroupReply<JoinGroupResponse> {
        let memberID = request.memberID
        if pendingMembers.contains(memberID), request.groupInstanceID == nil {
            add(memberID, request, context, &step)
            return .parked
        }
        if let error = refusal(of: memberID, instanceID: request.groupInstanceID) {
            return .now(.failing(error, memberID: memberID, version: context.apiVersion))
        }
        let isUnchanged = members[memberID]?.offers == request.protocols.map { ClassicMember.Offer($0) }
        switch state {
        case .empty:
            return .now(.failing(.unknownMemberID, memberID: memberID, version: context.apiVersion))
        case .completingRebalance where isUnchanged, .stable where isUnchanged && memberID != leaderID:
            // It may not have received the answer of this generation. It is alive: its session must not end behind that.
            restartSession(memberID, &step)
            return .now(joinResponse(for: memberID))
        case .preparingRebalance, .completingRebalance, .stable:
            // A leader that rejoins asks for a rebalance by it: it may know of something that the members' metadata do
            // not show, such as new partitions.
            rejoin(memberID, request, context, &step)
            rebalanceOrCompleteJoin(&step)
            return .parked
        }
    }

    /// Parks a member's JoinGroup and takes over what it says.
    private mutating func rejoin(
        _ memberID: String, _ request: JoinGroupRequest, _ context: GroupRequestContext,
        _ step: inout GroupStep
    ) {
        let superseded = update(
            memberID, offers: request.protocols.map { ClassicMember.Offer($0) },
            rebalanceTimeout: request.rebalanceTimeout(version: context.apiVersion),
            sessionTimeout: request.sessionTimeoutMs, joinToken: context.token)
        // Of a connection that is gone or given up: a connection's next request follows its last one's answer.
        if let superseded {
            let version = members[memberID]?.joinVersion ?? 0
            step.effects.append(
                .completeJoin(
                    superseded, .failing(.rebalanceInProgress, memberID: memberID, version: version)))
        }
        members[memberID]?.joinVersion = context.apiVersion
    }

    // MARK: Static members

    /// A static member came back without its member id (KIP-345): it takes its old place. Whoever still waits under the
    /// old id is fenced.
    private mutating func replaceStaticMember(
        _ memberID: String, by newMemberID: String, _ request: JoinGroupRequest,
        _ context: GroupRequestContext,
        _ step: inout GroupStep
    ) {
        guard var before = members[memberID] else { return }
        let previousLeaderID = leaderID
        answer(before, .fencedInstanceID, &step)
        _ = takeJoin(memberID)
        _ = takeSync(memberID)
        before.joinToken = nil
        before.syncToken = nil
        step.effects.append(.cancelTimer(.classicSession(groupID: groupID, memberID: memberID)))
        rename(memberID, to: newMemberID)
        rejoin(newMemberID, request, context, &step)
        restartSession(newMemberID, &step)
        switch state {
        case .stable where selectProtocol() == protocolName && wantsSameTopics(newMemberID, as: before):
            // Its assignment is still good: the new id is stored, nobody else notices.
            subscribedTopics = topicsOfMembers()
            step.records.append(record)
            step.ticket = .staticMember(
                groupID: groupID,
                StaticMemberReplacement(
                    token: context.token, before: before, newMemberID: newMemberID,
                    previousLeaderID: previousLeaderID, apiVersion: context.apiVersion))
        case .stable, .completingRebalance:
            // The leader may be assigning to the old id.
            prepareRebalance(&step)
        case .preparingRebalance, .empty: completeJoinIfAllCame(&step)
        }
    }

    /// Whether a consumer came back with the topics that its assignment was made for. Apache Kafka asks only for the
    /// protocol, and leaves new topics without an owner until something else rebalances (KAFKA-12759).
    private func wantsSameTopics(_ memberID: String, as before: ClassicMember) -> Bool {
        guard protocolType == Self.consumerProtocolType, let protocolName else { return true }
        let topics = [members[memberID], before].map { member in
            member?.metadata(for: protocolName).flatMap { Subscription.topics(of: $0) }.map { Set($0) }
        }
        return topics[0] == topics[1]
    }

    /// The replacement is stored: the member goes on with its assignment. From version 9 on a leader is told its
    /// members and that it need not assign (KIP-814); an older one must not learn that it leads, or it would assign.
    mutating func replaced(_ replacement: StaticMemberReplacement, _ step: inout GroupStep) {
        let memberID = replacement.newMemberID
        guard members[memberID]?.joinToken == replacement.token, takeJoin(memberID) != nil else {
            return
        }
        members[memberID]?.isNew = false
        var response = joinResponse(for: memberID)
        if replacement.apiVersion >= 9 {
            response.skipAssignment = memberID == leaderID
        } else {
            response.leader = replacement.previousLeaderID ?? ""
            response.members = []
        }
        step.effects.append(.completeJoin(replacement.token, response))
        restartSession(memberID, &step)
    }

    /// The replacement could not be stored: the member is again who it was.
    mutating func replacementFailed(
        _ replacement: StaticMemberReplacement, _ error: ErrorCode, _ step: inout GroupStep
    ) {
        let before = replacement.before
        guard members[replacement.newMemberID] != nil else { return }
        _ = takeJoin(replacement.newMemberID)
        rename(replacement.newMemberID, to: before.memberID)
        _ = update(
            before.memberID, offers: before.offers, rebalanceTimeout: before.rebalanceTimeoutMilliseconds,
            sessionTimeout: before.sessionTimeoutMilliseconds, joinToken: nil)
        members[before.memberID]?.joinVersion = before.joinVersion
        subscribedTopics = topicsOfMembers()
        restartSession(before.memberID, &step)
        var response = JoinGroupResponse.failing(error, memberID: "", version: replacement.apiVersion)
        response.generationID = generation
        response.leader = replacement.previousLeaderID ?? ""
        step.effects.append(.completeJoin(replacement.token, response))
    }
}

extension JoinGroupRequest {
    /// Version 0 has no time of its own for rebalances.
    func rebalanceTimeout(version: Int16) -> Int32 {
        version == 0 || rebalanceTimeoutMs == -1 ? sessionTimeoutMs : rebalanceTimeoutMs
    }
}

extension KafkaUUID {
    /// The form of RFC 9562, as member ids have it.
    fileprivate var hexadecimalText: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 { text.append(UInt8(ascii: "-")) }
            let word = index < 16 ? high : low
            text.append(digits[Int(word >> UInt64(60 - 4 * (index % 16)) & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
