// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
internal import KafkaMetadata
package import KafkaProtocol

/// OffsetCommit (key 8): stores the offsets up to which a group has read.
/// v1 member and generation, time of the commit · v2 retention time · v3 throttle time · v5 no retention time ·
/// v6 leader epoch · v7 static members (KIP-345) · v8 flexible · v9 member epochs (KIP-848) · v10 topics by id.
/// Versions 0 and 1 are served too, unlike by Apache Kafka 4; those of version 0 go to the same store as all others.
package enum OffsetCommitHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...10

    /// The first version that names topics by id.
    private static let firstTopicIDVersion: Int16 = 10

    package static func handle(
        _ request: OffsetCommitRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<OffsetCommitResponse>
    ) -> Reply<OffsetCommitResponse> {
        let (known, answer, places) = sort(request, context)
        guard !known.topics.isEmpty || request.topics.isEmpty else { return .answer(answer) }
        let ticket = ticket()
        context.broker.groups.submit(
            GroupOperation(
                kind: .commit, version: context.version, client: context.client,
                decide: { $0.commitOffsets(known, $1) },
                complete: { ticket.complete(merge($0, into: answer, places)) },
                refuse: { ticket.complete(merge(GroupAnswers.failedCommit(known, $0), into: answer, places)) }),
            for: request.groupID)
        return .later
    }

    /// Takes the topics out that do not exist: what is left, an answer with their errors, and the places in it of those
    /// that are left.
    private static func sort(
        _ request: OffsetCommitRequest, _ context: RequestContext
    ) -> (known: OffsetCommitRequest, answer: OffsetCommitResponse, places: [Int]) {
        let topics = context.broker.metadata.image.topics
        let isByID = context.version >= firstTopicIDVersion
        var known = request
        known.topics = []
        var answer = OffsetCommitResponse()
        var places: [Int] = []
        for (place, topic) in request.topics.enumerated() {
            let found = isByID ? topics.topic(id: topic.topicID) : topics.topic(named: topic.name)
            var error = ErrorCode.none
            if let found {
                var named = topic
                named.name = found.name
                named.topicID = found.id
                known.topics.append(named)
                places.append(place)
            } else {
                error = isByID ? .unknownTopicID : .unknownTopicOrPartition
            }
            answer.topics.append(
                .init(
                    name: topic.name, topicID: topic.topicID,
                    partitions: topic.partitions.map {
                        .init(partitionIndex: $0.partitionIndex, errorCode: error.rawValue)
                    }))
        }
        return (known, answer, places)
    }

    /// Puts the partitions of `part` to their places.
    private static func merge(
        _ part: OffsetCommitResponse, into answer: OffsetCommitResponse, _ places: [Int]
    ) -> OffsetCommitResponse {
        var answer = answer
        for (topic, place) in zip(part.topics, places) { answer.topics[place].partitions = topic.partitions }
        return answer
    }
}
