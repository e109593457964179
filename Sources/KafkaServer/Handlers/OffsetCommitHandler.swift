// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
package import KafkaProtocol

/// OffsetCommit (key 8): stores the offsets up to which a group has read.
/// v1 member and generation, time of the commit · v2 retention time · v3 throttle time · v5 no retention time ·
/// v6 leader epoch · v7 static members (KIP-345) · v8 flexible · v9 member epochs (KIP-848) · v10 topics by id.
/// Versions 0 and 1 are served too, unlike by Apache Kafka 4; those of version 0 go to the same store as all others.
package enum OffsetCommitHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...10

    package static func handle(
        _ request: OffsetCommitRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<OffsetCommitResponse>
    ) -> Reply<OffsetCommitResponse> {
        let ticket = ticket()
        let version = context.version
        context.broker.groups.submit(
            GroupOperation(
                kind: .commit, version: version, client: context.client, decide: { $0.commitOffsets(request, $1) },
                complete: { ticket.complete($0) },
                refuse: { ticket.complete(request.answer(failing: $0, version: version)) }),
            for: request.groupID)
        return .later
    }
}
