// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol
internal import KafkaReplication
internal import KafkaRuntime
internal import KafkaStorage

/// DeleteRecords (key 21): moves the start of partitions forward; what lies before it is gone.
/// v2 flexible. Offset −1 means the high watermark.
package enum DeleteRecordsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...2

    typealias PartitionRequest = DeleteRecordsRequest.DeleteRecordsPartition
    typealias PartitionResponse = DeleteRecordsResponse.DeleteRecordsPartitionResult

    private static let toHighWatermark: Int64 = -1

    package static func handle(
        _ request: DeleteRecordsRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<DeleteRecordsResponse>
    ) -> Reply<DeleteRecordsResponse> {
        let ticket = ticket()
        context.broker.runtime.queues.runBlocking {
            ticket.complete(
                DeleteRecordsResponse(
                    topics: request.topics.map { topic in
                        .init(
                            name: topic.name,
                            partitions: topic.partitions.map { delete(topic.name, $0, context) })
                    }))
        }
        return .later
    }

    private static func delete(
        _ topicName: String, _ request: PartitionRequest, _ context: RequestContext
    ) -> PartitionResponse {
        guard let topic = context.broker.replicas.topic(name: topicName) else {
            return failed(request, .unknownTopicOrPartition)
        }
        if topic.isInternal { return failed(request, .invalidTopicException) }
        guard let partition = topic.partition(request.partitionIndex) else {
            return failed(request, topic.faultForMissing(request.partitionIndex))
        }
        switch partition.leaderLog() {
        case .failure(let fault):
            return failed(request, fault.code)
        case .success(let leader):
            let log = leader.log
            // Without any policy records go in this way only.
            guard log.configuration.cleanupPolicy != .compact else { return failed(request, .policyViolation) }
            let target = request.offset == toHighWatermark ? log.highWatermark : request.offset
            guard target >= 0, target <= log.highWatermark else { return failed(request, .offsetOutOfRange) }
            do throws(StorageError) {
                _ = try log.incrementLogStartOffset(to: target)
            } catch {
                return failed(request, error.errorCode)
            }
            return PartitionResponse(partitionIndex: request.partitionIndex, lowWatermark: log.logStartOffset)
        }
    }

    private static func failed(_ request: PartitionRequest, _ error: ErrorCode) -> PartitionResponse {
        PartitionResponse(partitionIndex: request.partitionIndex, lowWatermark: -1, errorCode: error.rawValue)
    }
}
