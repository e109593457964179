// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
package import KafkaProtocol

/// ListGroups (key 16): the groups that this broker coordinates.
/// v1 throttle time · v3 flexible · v4 filter by state (KIP-518) · v5 filter by type (KIP-848).
package enum ListGroupsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...5

    package static func handle(
        _ request: ListGroupsRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<ListGroupsResponse>
    ) -> Reply<ListGroupsResponse> {
        let ticket = ticket()
        let (version, client) = (context.version, context.client)
        context.broker.groups.submitToAll(
            { set in
                GroupOperation<[ListGroupsResponse.ListedGroup]>(
                    version: version, client: client,
                    decide: { shard, _ in GroupOutcome(.now(shard.listGroups(request))) },
                    complete: { set(.answered($0)) }, refuse: { set(.refused($0)) })
            },
            finish: { ticket.complete(whole($0)) })
        return .later
    }

    /// A partition that was lost meanwhile has no groups to show; one that is still loaded makes the list incomplete.
    private static func whole(_ parts: [ShardAnswer<[ListGroupsResponse.ListedGroup]>]) -> ListGroupsResponse {
        var whole = ListGroupsResponse()
        for part in parts {
            switch part {
            case .answered(let groups): whole.groups += groups
            case .refused(.notCoordinator): break
            case .refused(let code): whole.errorCode = code.rawValue
            }
        }
        return whole
    }
}
