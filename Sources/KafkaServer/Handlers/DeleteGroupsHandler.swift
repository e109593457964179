// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
package import KafkaProtocol

/// DeleteGroups (key 42): removes groups without members, and their offsets.
/// v1 throttle time · v2 flexible · v3 error messages.
package enum DeleteGroupsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...3

    package static func handle(
        _ request: DeleteGroupsRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<DeleteGroupsResponse>
    ) -> Reply<DeleteGroupsResponse> {
        guard request.groupsNames.count <= GroupCoordinator.groupsPerRequestMax else {
            return .close(reason: "DeleteGroups for \(request.groupsNames.count) groups")
        }
        let ticket = ticket()
        // The answer has one line for a name.
        var seen: Set<String> = []
        let groups = request.groupsNames.filter { seen.insert($0).inserted }
        let gathering = Gathering<[DeleteGroupsResponse.DeletableGroupResult]>(count: groups.count) { parts in
            ticket.complete(DeleteGroupsResponse(results: parts.flatMap { $0 }))
        }
        for (place, group) in groups.enumerated() {
            var one = request
            one.groupsNames = [group]
            let request = one
            context.broker.groups.submit(
                GroupOperation<DeleteGroupsResponse>(
                    version: context.version, client: context.client, decide: { $0.deleteGroups(request, $1) },
                    complete: { gathering.set($0.results, at: place) },
                    refuse: { gathering.set([.init(groupID: group, errorCode: $0.rawValue)], at: place) }),
                for: group)
        }
        return .later
    }
}
