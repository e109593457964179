// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol
internal import KafkaReplication
internal import KafkaStorage

/// OffsetForLeaderEpoch (key 23): where a leader epoch ends, so that a client or follower can find out from where on
/// its log differs (KIP-101, KIP-279, KIP-320).
/// v2 the client's leader epoch · v3 replica id · v4 flexible.
package enum OffsetForLeaderEpochHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...4

    typealias PartitionRequest = OffsetForLeaderEpochRequest.OffsetForLeaderPartition
    typealias PartitionResponse = OffsetForLeaderEpochResponse.EpochEndOffset

    package static func handle(
        _ request: OffsetForLeaderEpochRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<OffsetForLeaderEpochResponse>
    ) -> Reply<OffsetForLeaderEpochResponse> {
        .answer(
            OffsetForLeaderEpochResponse(
                topics: request.topics.map { topic in
                    .init(
                        topic: topic.topic,
                        partitions: topic.partitions.map { resolve(topic.topic, $0, context) })
                }))
    }

    private static func resolve(
        _ topicName: String, _ request: PartitionRequest, _ context: RequestContext
    ) -> PartitionResponse {
        guard let topic = context.broker.replicas.topic(name: topicName) else {
            return failed(request, .unknownTopicOrPartition)
        }
        guard let partition = topic.partition(request.partition) else {
            return failed(request, topic.faultForMissing(request.partition))
        }
        switch partition.leaderLog(currentLeaderEpoch: request.currentLeaderEpoch) {
        case .failure(let fault):
            return failed(request, fault.code)
        case .success(let leader):
            let end = leader.log.endOffset(forEpoch: request.leaderEpoch, ofLeader: leader.epoch)
            return PartitionResponse(
                partition: request.partition, leaderEpoch: end.leaderEpoch, endOffset: end.endOffset)
        }
    }

    private static func failed(_ request: PartitionRequest, _ error: ErrorCode) -> PartitionResponse {
        PartitionResponse(errorCode: error.rawValue, partition: request.partition)
    }
}
