// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// DescribeTopicPartitions (key 75): topics page by page, with eligible leader replicas (KIP-966).
package enum DescribeTopicPartitionsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...0

    typealias Response = DescribeTopicPartitionsResponse
    typealias Topic = DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic

    package static func handle(
        _ request: DescribeTopicPartitionsRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<DescribeTopicPartitionsResponse>
    ) -> Reply<DescribeTopicPartitionsResponse> {
        if let cursor = request.cursor, cursor.partitionIndex < 0 {
            return .answer(failure(request, .invalidRequest))
        }
        let image = context.broker.metadata.image
        let limit = max(
            1, min(Int(request.responsePartitionLimit), context.broker.configuration.describedPartitionsMax))
        var page = Page(left: limit)
        let firstName = request.cursor?.topicName ?? ""
        let names =
            request.topics.isEmpty
            ? image.topics.names : Array(Set(request.topics.map(\.name))).sorted()
        for name in names where name >= firstName {
            let start = name == request.cursor?.topicName ? request.cursor?.partitionIndex ?? 0 : 0
            page.add(name, from: start, image, context)
            if page.next != nil { break }
        }
        return .answer(Response(topics: page.topics, nextCursor: page.next))
    }

    /// Every topic that was asked for, with the same error.
    private static func failure(_ request: DescribeTopicPartitionsRequest, _ error: ErrorCode) -> Response {
        Response(topics: request.topics.map { Topic(errorCode: error.rawValue, name: $0.name) })
    }

    private struct Page {
        /// Partitions that still fit.
        var left: Int
        var topics: [Topic] = []
        /// Where the next page begins, once this one is full.
        var next: Response.Cursor?

        mutating func add(_ name: String, from start: Int32, _ image: MetadataImage, _ context: RequestContext) {
            guard let topic = image.topics.topic(named: name) else {
                let error: ErrorCode =
                    TopicName.invalidity(of: name) == nil ? .unknownTopicOrPartition : .invalidTopicException
                topics.append(Topic(errorCode: error.rawValue, name: name))
                return
            }
            guard left > 0 else {
                next = .init(topicName: name, partitionIndex: start)
                return
            }
            var entry = Topic(
                name: topic.name, topicID: topic.id, isInternal: TopicName.isInternal(topic.name),
                topicAuthorizedOperations: AuthorizedOperations.topic)
            for (index, partition) in topic.partitions.entries(from: start) {
                guard left > 0 else {
                    next = .init(topicName: name, partitionIndex: index)
                    break
                }
                left -= 1
                entry.partitions.append(describe(index, partition, image))
            }
            topics.append(entry)
        }

        private func describe(
            _ index: Int32, _ partition: PartitionRegistration, _ image: MetadataImage
        ) -> Response.DescribeTopicPartitionsResponsePartition {
            .init(
                errorCode: partition.hasLeader ? 0 : ErrorCode.leaderNotAvailable.rawValue, partitionIndex: index,
                leaderID: partition.leader, leaderEpoch: partition.leaderEpoch, replicaNodes: partition.replicas,
                isrNodes: partition.inSyncReplicas, eligibleLeaderReplicas: partition.eligibleLeaderReplicas,
                lastKnownElr: partition.lastKnownEligibleLeaderReplicas,
                offlineReplicas: partition.replicas.filter { image.cluster.broker($0)?.canServe(partition) != true })
        }
    }
}
