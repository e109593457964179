// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
internal import KafkaMetadata
package import KafkaProtocol

/// OffsetFetch (key 9): the offsets that groups have committed.
/// v1 the store of the groups · v2 all topics, error of the group · v3 throttle time · v5 leader epoch · v6 flexible ·
/// v7 only stable offsets (KIP-447) · v8 several groups (KIP-709) · v9 member epochs (KIP-848) · v10 topics by id.
/// Version 0 is served too, unlike by Apache Kafka 4, from the same store as all others.
package enum OffsetFetchHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...10

    typealias Group = OffsetFetchRequest.OffsetFetchRequestGroup
    typealias GroupAnswer = OffsetFetchResponse.OffsetFetchResponseGroup

    /// The first version that has a place for the error of a whole group.
    private static let firstGroupErrorVersion: Int16 = 2
    private static let firstManyGroupsVersion: Int16 = 8
    private static let firstTopicIDVersion: Int16 = 10

    package static func handle(
        _ request: OffsetFetchRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<OffsetFetchResponse>
    ) -> Reply<OffsetFetchResponse> {
        guard request.groups.count <= GroupCoordinator.groupsPerRequestMax else {
            return .close(reason: "OffsetFetch for \(request.groups.count) groups")
        }
        let ticket = ticket()
        let groups = context.version < firstManyGroupsVersion ? [single(request)] : request.groups
        let version = context.version
        let gathering = Gathering<GroupAnswer>(count: groups.count) { ticket.complete(response($0, version: version)) }
        for (place, group) in groups.enumerated() {
            fetch(group, requireStable: request.requireStable, context) { gathering.set($0, at: place) }
        }
        return .later
    }

    /// Versions below 8 ask for one group at the top of the request.
    private static func single(_ request: OffsetFetchRequest) -> Group {
        Group(
            groupID: request.groupID,
            topics: request.topics.map { topics in
                topics.map { .init(name: $0.name, partitionIndexes: $0.partitionIndexes) }
            })
    }

    private static func response(_ groups: [GroupAnswer], version: Int16) -> OffsetFetchResponse {
        guard version < firstManyGroupsVersion else { return OffsetFetchResponse(groups: groups) }
        guard let group = groups.first else { return OffsetFetchResponse() }
        return OffsetFetchResponse(
            topics: group.topics.map { topic in
                .init(
                    name: topic.name,
                    partitions: topic.partitions.map {
                        .init(
                            partitionIndex: $0.partitionIndex, committedOffset: $0.committedOffset,
                            committedLeaderEpoch: $0.committedLeaderEpoch, metadata: $0.metadata,
                            errorCode: $0.errorCode)
                    })
            }, errorCode: group.errorCode)
    }

    // MARK: One group

    private static func fetch(
        _ group: Group, requireStable: Bool, _ context: RequestContext,
        answer: @escaping @Sendable (GroupAnswer) -> Void
    ) {
        let version = context.version
        var named = group
        if version >= firstTopicIDVersion { named.topics = group.topics.map { name($0, context) } }
        let request = named
        let metadata = context.broker.metadata
        context.broker.groups.submit(
            GroupOperation<GroupAnswer>(
                version: version, client: context.client,
                decide: { $0.fetchOffsets(request, requireStable: requireStable, $1) },
                complete: { found in
                    guard version >= firstTopicIDVersion else { return answer(found) }
                    answer(identify(found, as: group, metadata))
                },
                refuse: { answer(failed(group, $0, version: version)) }),
            for: group.groupID)
    }

    /// Gives topics that were asked for by id their names; those that do not exist are left out.
    private static func name(
        _ topics: [OffsetFetchRequest.OffsetFetchRequestTopics], _ context: RequestContext
    ) -> [OffsetFetchRequest.OffsetFetchRequestTopics] {
        let known = context.broker.metadata.image.topics
        return topics.compactMap { topic in
            guard let found = known.topic(id: topic.topicID) else { return nil }
            var named = topic
            named.name = found.name
            return named
        }
    }

    /// Gives the topics of an answer their ids, and those back that are not known. Of all topics of a group, those that do
    /// not exist any more cannot be told.
    private static func identify(_ found: GroupAnswer, as asked: Group, _ metadata: ClusterMetadata) -> GroupAnswer {
        let known = metadata.image.topics
        var answer = found
        answer.topics = found.topics.compactMap { topic in
            guard let id = known.id(ofTopic: topic.name) else { return nil }
            var identified = topic
            identified.topicID = id
            return identified
        }
        guard found.errorCode == ErrorCode.none.rawValue else { return answer }
        for topic in asked.topics ?? [] where known.topic(id: topic.topicID) == nil {
            answer.topics.append(
                .init(topicID: topic.topicID, partitions: failed(topic.partitionIndexes, .unknownTopicID)))
        }
        return answer
    }

    /// The same error for the whole group, at each partition where the version has no other place for it.
    private static func failed(_ group: Group, _ code: ErrorCode, version: Int16) -> GroupAnswer {
        guard version < firstGroupErrorVersion else {
            return GroupAnswer(groupID: group.groupID, errorCode: code.rawValue)
        }
        return GroupAnswer(
            groupID: group.groupID,
            topics: (group.topics ?? []).map { .init(name: $0.name, partitions: failed($0.partitionIndexes, code)) })
    }

    private static func failed(
        _ indexes: [Int32], _ code: ErrorCode
    ) -> [OffsetFetchResponse.OffsetFetchResponsePartitions] {
        indexes.map {
            .init(
                partitionIndex: $0, committedOffset: -1, committedLeaderEpoch: -1, metadata: "",
                errorCode: code.rawValue)
        }
    }
}
