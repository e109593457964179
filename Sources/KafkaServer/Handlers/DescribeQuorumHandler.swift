// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// DescribeQuorum (key 55): leader, voters and observers of the metadata log (KIP-595).
/// v1 when each replica was last heard of (KIP-836) · v2 directory ids, addresses and error messages (KIP-853).
package enum DescribeQuorumHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...2

    private typealias Topic = DescribeQuorumResponse.TopicData

    package static func handle(
        _ request: DescribeQuorumRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<DescribeQuorumResponse>
    ) -> Reply<DescribeQuorumResponse> {
        guard asksForMetadata(request) else {
            return .answer(
                DescribeQuorumResponse(
                    errorMessage: nil,
                    topics: request.topics.map { topic in
                        failed(topic, APIError(.unknownTopicOrPartition))
                    }))
        }
        let ticket = ticket()
        let version = context.version
        context.broker.metadata.describeQuorum { result in
            switch result {
            case .success(let quorum): ticket.complete(response(quorum, version: version))
            case .failure:
                ticket.complete(
                    DescribeQuorumResponse(
                        errorMessage: nil,
                        topics: request.topics.map { failed($0, APIError(.notLeaderOrFollower)) }))
            }
        }
        return .later
    }

    /// There is one partition that a quorum keeps, and the request must name it alone.
    private static func asksForMetadata(_ request: DescribeQuorumRequest) -> Bool {
        let place = MetadataStore.topicPartition
        return request.topics.count == 1 && request.topics[0].topicName == place.topic
            && request.topics[0].partitions.map(\.partitionIndex) == [place.partition]
    }

    private static func failed(_ topic: DescribeQuorumRequest.TopicData, _ error: APIError) -> Topic {
        Topic(
            topicName: topic.topicName,
            partitions: topic.partitions.map {
                .init(
                    partitionIndex: $0.partitionIndex, errorCode: error.code.rawValue, errorMessage: error.message)
            })
    }

    private static func response(_ quorum: QuorumDescription, version: Int16) -> DescribeQuorumResponse {
        func state(_ replica: QuorumDescription.Replica) -> DescribeQuorumResponse.ReplicaState {
            .init(
                replicaID: replica.id, replicaDirectoryID: version >= 2 ? replica.directoryID : .zero,
                logEndOffset: replica.logEndOffset, lastFetchTimestamp: replica.lastFetchTimestamp,
                lastCaughtUpTimestamp: replica.lastCaughtUpTimestamp)
        }
        let place = MetadataStore.topicPartition
        return DescribeQuorumResponse(
            errorMessage: nil,
            topics: [
                Topic(
                    topicName: place.topic,
                    partitions: [
                        .init(
                            partitionIndex: place.partition, errorMessage: nil, leaderID: quorum.leaderID,
                            leaderEpoch: quorum.leaderEpoch, highWatermark: quorum.highWatermark,
                            currentVoters: quorum.voters.map(state))
                    ])
            ],
            nodes: version >= 2
                ? quorum.nodes.map { node in
                    .init(
                        nodeID: node.id,
                        listeners: node.listeners.map { .init(name: $0.name, host: $0.host, port: $0.port) })
                } : [])
    }
}
