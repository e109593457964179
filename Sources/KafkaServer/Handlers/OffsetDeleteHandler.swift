// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
package import KafkaProtocol

/// OffsetDelete (key 47): deletes offsets of a group for topics that it is not subscribed to (KIP-496).
package enum OffsetDeleteHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...0

    package static func handle(
        _ request: OffsetDeleteRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<OffsetDeleteResponse>
    ) -> Reply<OffsetDeleteResponse> {
        let ticket = ticket()
        context.broker.groups.submit(
            GroupOperation(
                version: context.version, client: context.client, decide: { $0.deleteOffsets(request, $1) },
                complete: { ticket.complete($0) },
                refuse: { ticket.complete(OffsetDeleteResponse(errorCode: $0.rawValue)) }),
            for: request.groupID)
        return .later
    }
}
