// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol
internal import KafkaRuntime
internal import KafkaStorage

/// DescribeLogDirs (key 35): the log directories of this broker, their logs and the space on their volumes.
/// v2 flexible · v3 error for all · v4 total and usable bytes (KIP-827) · v5 cordoned directories, of which this broker
/// has none.
package enum DescribeLogDirsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...5

    typealias Directory = DescribeLogDirsResponse.DescribeLogDirsResult
    typealias Topic = DescribeLogDirsResponse.DescribeLogDirsTopic

    package static func handle(
        _ request: DescribeLogDirsRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<DescribeLogDirsResponse>
    ) -> Reply<DescribeLogDirsResponse> {
        let wanted = request.topics.map { topics in
            Set(topics.flatMap { topic in topic.partitions.map { TopicPartition(topic: topic.topic, partition: $0) } })
        }
        // Asking a volume for its space may wait for it.
        let ticket = ticket()
        context.broker.runtime.queues.runBlocking {
            let directories = context.broker.logs.describe { partition in wanted?.contains(partition) ?? true }
            ticket.complete(DescribeLogDirsResponse(results: directories.map(result)))
        }
        return .later
    }

    private static func result(_ directory: LogDirectoryDescription) -> Directory {
        guard directory.failure == nil else {
            return Directory(errorCode: ErrorCode.kafkaStorageError.rawValue, logDir: directory.path)
        }
        var topics: [Topic] = []
        for log in directory.logs {
            if topics.last?.name != log.partition.topic { topics.append(Topic(name: log.partition.topic)) }
            topics[topics.count - 1].partitions.append(
                .init(
                    partitionIndex: log.partition.partition, partitionSize: log.size, offsetLag: log.offsetLag,
                    isFutureKey: log.isFuture))
        }
        return Directory(
            logDir: directory.path, topics: topics, totalBytes: directory.totalBytes,
            usableBytes: directory.usableBytes)
    }
}
