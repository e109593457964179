// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol
internal import KafkaReplication
internal import KafkaRuntime
internal import KafkaStorage

/// AlterReplicaLogDirs (key 34): moves replicas to other log directories of this broker (KIP-113). The answer says that
/// the move has begun; DescribeLogDirs shows how far it is.
/// v2 flexible. A directory cannot be named in advance for a replica that this broker does not hold.
package enum AlterReplicaLogDirsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...2

    typealias TopicResult = AlterReplicaLogDirsResponse.AlterReplicaLogDirTopicResult

    package static func handle(
        _ request: AlterReplicaLogDirsRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<AlterReplicaLogDirsResponse>
    ) -> Reply<AlterReplicaLogDirsResponse> {
        let ticket = ticket()
        context.broker.runtime.queues.runBlocking {
            ticket.complete(AlterReplicaLogDirsResponse(results: move(request, context.broker)))
        }
        return .later
    }

    private static func move(_ request: AlterReplicaLogDirsRequest, _ broker: BrokerContext) -> [TopicResult] {
        // Where a partition is named twice the last directory counts.
        var order: [TopicPartition] = []
        var targets: [TopicPartition: String] = [:]
        for directory in request.dirs {
            for topic in directory.topics {
                for index in topic.partitions {
                    let partition = TopicPartition(topic: topic.name, partition: index)
                    if targets.updateValue(directory.path, forKey: partition) == nil { order.append(partition) }
                }
            }
        }
        var results: [TopicResult] = []
        var places: [String: Int] = [:]
        for partition in order {
            let code = move(partition, to: targets[partition] ?? "", broker)
            let place = places[partition.topic] ?? results.count
            if place == results.count {
                places[partition.topic] = place
                results.append(TopicResult(topicName: partition.topic))
            }
            results[place].partitions.append(.init(partitionIndex: partition.partition, errorCode: code.rawValue))
        }
        return results
    }

    private static func move(_ name: TopicPartition, to path: String, _ broker: BrokerContext) -> ErrorCode {
        do throws(StorageError) {
            try broker.logs.move(name, to: path)
            return .none
        } catch {
            guard error.errorCode == .replicaNotAvailable else { return error.errorCode }
            // Why there is no log.
            guard let partition = broker.replicas.topic(name: name.topic)?.partition(name.partition) else {
                let isKnown = broker.metadata.image.topics.partition(name) != nil
                return isKnown ? .replicaNotAvailable : .unknownTopicOrPartition
            }
            return partition.log == nil ? .kafkaStorageError : .replicaNotAvailable
        }
    }
}
