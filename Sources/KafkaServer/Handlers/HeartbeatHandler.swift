// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
package import KafkaProtocol

/// Heartbeat (key 12): a member of a classic group is alive, and learns whether the group is being balanced.
/// v1 throttle time · v3 static members (KIP-345) · v4 flexible.
package enum HeartbeatHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...4

    package static func handle(
        _ request: HeartbeatRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<HeartbeatResponse>
    ) -> Reply<HeartbeatResponse> {
        let ticket = ticket()
        context.broker.groups.submit(
            GroupOperation(
                version: context.version, client: context.client, decide: { $0.heartbeat(request, $1) },
                complete: { ticket.complete($0) },
                // While the group is loaded its members keep what they have, as they cannot be told anything else.
                refuse: { code in
                    let isLoading = code == .coordinatorLoadInProgress
                    ticket.complete(HeartbeatResponse(errorCode: isLoading ? 0 : code.rawValue))
                }),
            for: request.groupID)
        return .later
    }
}
