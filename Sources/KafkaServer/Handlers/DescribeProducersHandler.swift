// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol
internal import KafkaReplication
internal import KafkaRuntime
internal import KafkaStorage

/// DescribeProducers (key 61): the idempotent and transactional producers that partitions remember (KIP-664).
package enum DescribeProducersHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...0

    private typealias PartitionResponse = DescribeProducersResponse.PartitionResponse

    /// The most producers in one answer; partitions that come after are refused.
    static let producersMax = 1_000_000

    package static func handle(
        _ request: DescribeProducersRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<DescribeProducersResponse>
    ) -> Reply<DescribeProducersResponse> {
        let ticket = ticket()
        let broker = context.broker
        broker.runtime.queues.runBlocking {
            var left = producersMax
            ticket.complete(
                DescribeProducersResponse(
                    topics: request.topics.map { topic in
                        .init(
                            name: topic.name,
                            partitions: topic.partitionIndexes.map { describe(topic.name, $0, broker, &left) })
                    }))
        }
        return .later
    }

    private static func describe(
        _ topicName: String, _ index: Int32, _ broker: BrokerContext, _ left: inout Int
    ) -> PartitionResponse {
        func failed(_ code: ErrorCode, _ message: String? = nil) -> PartitionResponse {
            PartitionResponse(partitionIndex: index, errorCode: code.rawValue, errorMessage: message)
        }
        guard let topic = broker.replicas.topic(name: topicName) else { return failed(.unknownTopicOrPartition) }
        guard let partition = topic.partition(index) else { return failed(topic.faultForMissing(index)) }
        guard let log = partition.log else { return failed(.kafkaStorageError) }
        guard left > 0 else { return failed(.invalidRequest, "Too many producers in one request.") }
        let producers = log.activeProducers()
        left -= producers.count
        return PartitionResponse(
            partitionIndex: index, errorMessage: nil,
            activeProducers: producers.map {
                .init(
                    producerID: $0.producerID, producerEpoch: Int32($0.epoch), lastSequence: $0.lastSequence,
                    lastTimestamp: $0.lastTimestamp, coordinatorEpoch: $0.coordinatorEpoch,
                    currentTxnStartOffset: $0.currentTransactionFirstOffset)
            })
    }
}
