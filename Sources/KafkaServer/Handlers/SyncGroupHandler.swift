// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
package import KafkaProtocol

/// SyncGroup (key 14): the leader of a classic group hands in the assignments, every member fetches its own.
/// v1 throttle time · v3 static members (KIP-345) · v4 flexible · v5 protocol type and name.
///
/// Waits for the leader.
package enum SyncGroupHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...5

    package static func handle(
        _ request: SyncGroupRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<SyncGroupResponse>
    ) -> Reply<SyncGroupResponse> {
        let ticket = ticket()
        ticket.park(ParkedGroupRequest(ticket, atStop: GroupAnswers.failedSync(.notCoordinator)))
        context.broker.groups.submit(
            GroupOperation(
                version: context.version, client: context.client, decide: { $0.syncGroup(request, $1) },
                complete: { ticket.complete($0) }, refuse: { ticket.complete(GroupAnswers.failedSync($0)) },
                park: { $0.syncs[$1] = ticket }),
            for: request.groupID)
        return .later
    }
}
