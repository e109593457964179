// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
package import KafkaProtocol

/// ConsumerGroupDescribe (key 69): state, members and assignments of consumer groups (KIP-848).
/// v1 kind of member.
package enum ConsumerGroupDescribeHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...1

    typealias Group = ConsumerGroupDescribeResponse.DescribedGroup

    package static func handle(
        _ request: ConsumerGroupDescribeRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<ConsumerGroupDescribeResponse>
    ) -> Reply<ConsumerGroupDescribeResponse> {
        guard request.groupIDs.count <= GroupCoordinator.groupsPerRequestMax else {
            return .close(reason: "ConsumerGroupDescribe for \(request.groupIDs.count) groups")
        }
        let ticket = ticket()
        let operations =
            request.includeAuthorizedOperations ? AuthorizedOperations.group : AuthorizedOperations.notAsked
        let isServed = context.broker.servesConsumerGroups
        let gathering = Gathering<Group>(count: request.groupIDs.count) { parts in
            var groups = parts
            for index in groups.indices where groups[index].errorCode == ErrorCode.none.rawValue {
                groups[index].authorizedOperations = operations
            }
            ticket.complete(ConsumerGroupDescribeResponse(groups: groups))
        }
        for (place, group) in request.groupIDs.enumerated() {
            guard isServed else {
                gathering.set(failed(group, .unsupportedVersion), at: place)
                continue
            }
            context.broker.groups.submit(
                GroupOperation<Group>(
                    version: context.version, client: context.client,
                    decide: { GroupOutcome(.now($0.consumerGroupDescribe(group, $1.metadata))) },
                    complete: { gathering.set($0, at: place) },
                    refuse: { gathering.set(failed(group, $0), at: place) }),
                for: group)
        }
        return .later
    }

    private static func failed(_ group: String, _ code: ErrorCode) -> Group {
        Group(errorCode: code.rawValue, groupID: group)
    }
}
