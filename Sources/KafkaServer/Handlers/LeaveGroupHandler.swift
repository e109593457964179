// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
package import KafkaProtocol

/// LeaveGroup (key 13): members leave their group, or are removed from it.
/// v1 throttle time · v3 several members, static ones by their instance (KIP-345) · v4 flexible · v5 reason (KIP-800).
package enum LeaveGroupHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...5

    package static func handle(
        _ request: LeaveGroupRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<LeaveGroupResponse>
    ) -> Reply<LeaveGroupResponse> {
        let ticket = ticket()
        context.broker.groups.submit(
            GroupOperation(
                version: context.version, client: context.client, decide: { $0.leaveGroup(request, $1) },
                complete: { ticket.complete($0) },
                refuse: { ticket.complete(LeaveGroupResponse(errorCode: $0.rawValue)) }),
            for: request.groupID)
        return .later
    }
}
