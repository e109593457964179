// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
package import KafkaProtocol

/// DescribeGroups (key 15): state, members and assignments of classic groups.
/// v1 throttle time · v3 authorised operations (KIP-430) · v4 static members · v5 flexible · v6 error for groups that do
/// not exist, error messages (KIP-1043).
package enum DescribeGroupsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...6

    package static func handle(
        _ request: DescribeGroupsRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<DescribeGroupsResponse>
    ) -> Reply<DescribeGroupsResponse> {
        guard request.groups.count <= GroupCoordinator.groupsPerRequestMax else {
            return .close(reason: "DescribeGroups for \(request.groups.count) groups")
        }
        let ticket = ticket()
        let operations =
            request.includeAuthorizedOperations ? AuthorizedOperations.group : AuthorizedOperations.notAsked
        let gathering = Gathering<[DescribeGroupsResponse.DescribedGroup]>(count: request.groups.count) { parts in
            var groups = parts.flatMap { $0 }
            for index in groups.indices where groups[index].errorCode == ErrorCode.none.rawValue {
                groups[index].authorizedOperations = operations
            }
            ticket.complete(DescribeGroupsResponse(groups: groups))
        }
        for (place, group) in request.groups.enumerated() {
            context.broker.groups.submit(
                GroupOperation<[DescribeGroupsResponse.DescribedGroup]>(
                    version: context.version, client: context.client,
                    decide: { GroupOutcome(.now($0.describeGroups([group], $1))) },
                    complete: { gathering.set($0, at: place) },
                    refuse: { gathering.set([.init(errorCode: $0.rawValue, groupID: group)], at: place) }),
                for: group)
        }
        return .later
    }
}
