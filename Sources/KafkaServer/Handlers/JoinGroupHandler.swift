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
        let version = context.version
        ticket.park(ParkedGroupRequest(ticket, atStop: request.answer(failing: .notCoordinator, version: version)))
        context.broker.groups.submit(
            GroupOperation(
                version: version, client: context.client, decide: { $0.joinGroup(request, $1) },
                complete: { ticket.complete($0) },
                refuse: { ticket.complete(request.answer(failing: $0, version: version)) },
                park: { $0.joins[$1] = ticket }),
            for: request.groupID)
        return .later
    }
}
