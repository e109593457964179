// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
package import KafkaProtocol

/// JoinGroup (key 11): a member enters a classic group, or comes back for the next generation.
/// v1 rebalance timeout · v2 throttle time · v4 two steps: the id first (KIP-394) · v5 static members (KIP-345) ·
/// v6 flexible · v7 protocol type in the answer · v8 reason (KIP-800) · v9 the leader may keep the assignment (KIP-814).
///
/// Waits for the other members.
package enum JoinGroupHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...9

    package static func handle(
        _ request: JoinGroupRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<JoinGroupResponse>
    ) -> Reply<JoinGroupResponse> {
        let ticket = ticket()
        let memberID = request.memberID
        ticket.park(
            ParkedGroupRequest(ticket, atStop: GroupAnswers.failedJoin(.notCoordinator, memberID: memberID)))
        context.broker.groups.submit(
            GroupOperation(
                version: context.version, client: context.client, decide: { $0.joinGroup(request, $1) },
                complete: { ticket.complete($0) },
                refuse: { ticket.complete(GroupAnswers.failedJoin($0, memberID: memberID)) },
                park: { $0.joins[$1] = ticket }),
            for: request.groupID)
        return .later
    }
}
