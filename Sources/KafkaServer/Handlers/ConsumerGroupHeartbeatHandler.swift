// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
package import KafkaProtocol

/// ConsumerGroupHeartbeat (key 68): a member of a consumer group joins, lives, and learns what to own (KIP-848).
/// v1 subscription by regular expression, member ids made by the client.
package enum ConsumerGroupHeartbeatHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...1

    package static func handle(
        _ request: ConsumerGroupHeartbeatRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<ConsumerGroupHeartbeatResponse>
    ) -> Reply<ConsumerGroupHeartbeatResponse> {
        guard context.broker.servesConsumerGroups else {
            return .answer(ConsumerGroupHeartbeatResponse(errorCode: ErrorCode.unsupportedVersion.rawValue))
        }
        let ticket = ticket()
        context.broker.groups.submit(
            GroupOperation(
                version: context.version, client: context.client,
                decide: { $0.consumerGroupHeartbeat(request, $1) }, complete: { ticket.complete($0) },
                refuse: { ticket.complete(ConsumerGroupHeartbeatResponse(errorCode: $0.rawValue)) }),
            for: request.groupID)
        return .later
    }
}
