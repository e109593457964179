// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
package import KafkaProtocol

/// OffsetFetch (key 9): the offsets that groups have committed.
/// v1 the store of the groups · v2 all topics, error of the group · v3 throttle time · v5 leader epoch · v6 flexible ·
/// v7 only stable offsets (KIP-447) · v8 several groups (KIP-709) · v9 member epochs (KIP-848) · v10 topics by id.
/// Version 0 is served too, unlike by Apache Kafka 4, from the same store as all others.
package enum OffsetFetchHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...10

    typealias GroupAnswer = OffsetFetchResponse.OffsetFetchResponseGroup

    package static func handle(
        _ request: OffsetFetchRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<OffsetFetchResponse>
    ) -> Reply<OffsetFetchResponse> {
        guard request.groups.count <= GroupCoordinator.groupsPerRequestMax else {
            return .close(reason: "OffsetFetch for \(request.groups.count) groups")
        }
        let ticket = ticket()
        let version = context.version
        let groups = request.groupsOfEveryVersion(version)
        let stability = request.requireStable ? OffsetStability.stable : .any
        let gathering = Gathering<GroupAnswer>(count: groups.count) { answers in
            ticket.complete(OffsetFetchResponse(groups: answers, to: request, version: version))
        }
        for (place, group) in groups.enumerated() {
            context.broker.groups.submit(
                GroupOperation<GroupAnswer>(
                    version: version, client: context.client,
                    decide: { GroupOutcome(.now($0.fetchOffsets(group, stability: stability, $1))) },
                    complete: { gathering.set($0, at: place) },
                    refuse: { gathering.set(group.answer(failing: $0), at: place) }),
                for: group.groupID)
        }
        return .later
    }
}
