// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol
internal import KafkaReplication
internal import KafkaRuntime
internal import KafkaStorage

/// ListOffsets (key 2): resolves a timestamp, or a marker such as "latest", to an offset.
/// v0 answers a list of segment starts · v1 one offset · v2 isolation level · v4 leader epoch · v6 flexible ·
/// v7 largest timestamp (−3) · v8 earliest local (−4) · v9 latest tiered (−5) · v10 timeout · v11 earliest pending
/// upload (−6). There is no tiered storage: −4 equals −2, −5 and −6 find nothing.
package enum ListOffsetsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...11

    private enum Marker {
        static let latest: Int64 = -1
        static let earliest: Int64 = -2
        static let largestTimestamp: Int64 = -3
        static let earliestLocal: Int64 = -4
        static let latestTiered: Int64 = -5
        static let earliestPendingUpload: Int64 = -6
    }

    typealias PartitionRequest = ListOffsetsRequest.ListOffsetsPartition
    typealias PartitionResponse = ListOffsetsResponse.ListOffsetsPartitionResponse

    package static func handle(
        _ request: ListOffsetsRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<ListOffsetsResponse>
    ) -> Reply<ListOffsetsResponse> {
        // Finding a timestamp reads the log from disk, which must not hold up the reactor.
        let needsDisk = request.topics.contains { $0.partitions.contains { $0.timestamp >= 0 || $0.timestamp == -3 } }
        guard needsDisk else { return .answer(resolve(request, context)) }
        let ticket = ticket()
        context.broker.runtime.queues.runBlocking {
            ticket.complete(resolve(request, context))
        }
        return .later
    }

    private static func resolve(_ request: ListOffsetsRequest, _ context: RequestContext) -> ListOffsetsResponse {
        var seen: Set<TopicPartition> = []
        var repeated: Set<TopicPartition> = []
        for topic in request.topics {
            for partition in topic.partitions {
                let name = TopicPartition(topic: topic.name, partition: partition.partitionIndex)
                if !seen.insert(name).inserted { repeated.insert(name) }
            }
        }
        return ListOffsetsResponse(
            topics: request.topics.map { topic in
                .init(
                    name: topic.name,
                    partitions: topic.partitions.map { partition in
                        let name = TopicPartition(topic: topic.name, partition: partition.partitionIndex)
                        return repeated.contains(name)
                            ? failed(partition, .invalidRequest)
                            : resolve(topic.name, partition, request.isolationLevel, context)
                    })
            })
    }

    private static func resolve(
        _ topicName: String, _ request: PartitionRequest, _ isolationLevel: Int8, _ context: RequestContext
    ) -> PartitionResponse {
        guard let topic = context.broker.replicas.topic(name: topicName) else {
            return failed(request, .unknownTopicOrPartition)
        }
        guard let partition = topic.partition(request.partitionIndex) else {
            return failed(request, topic.faultForMissing(request.partitionIndex))
        }
        switch partition.leaderLog(currentLeaderEpoch: request.currentLeaderEpoch) {
        case .failure(let fault):
            return failed(request, fault.code)
        case .success(let leader):
            do throws(StorageError) {
                guard context.version > 0 else { return try segmentStarts(request, leader.log) }
                var response = try find(request, leader.log, leader.epoch, isolationLevel, context.version)
                if context.version < 4 { response.leaderEpoch = -1 }
                return response
            } catch {
                return failed(request, error.errorCode)
            }
        }
    }

    /// Version 1 on: one offset with the timestamp of its record.
    private static func find(
        _ request: PartitionRequest, _ log: UnifiedLog, _ leaderEpoch: Int32, _ isolationLevel: Int8, _ version: Int16
    ) throws(StorageError) -> PartitionResponse {
        let end = isolationLevel == 1 ? log.lastStableOffset : log.highWatermark
        switch request.timestamp {
        case Marker.latest:
            return found(request, timestamp: -1, offset: end, epoch: leaderEpoch)
        case Marker.earliest:
            let start = log.logStartOffset
            return found(request, timestamp: -1, offset: start, epoch: log.epoch(of: start) ?? -1)
        case Marker.earliestLocal where version >= 8:
            let start = log.logStartOffset
            return found(request, timestamp: -1, offset: start, epoch: log.epoch(of: start) ?? -1)
        case Marker.largestTimestamp where version >= 7:
            return answer(request, try log.offsetOfMaxTimestamp(), end)
        case Marker.latestTiered where version >= 9, Marker.earliestPendingUpload where version >= 11:
            return found(request, timestamp: -1, offset: -1, epoch: -1)
        case 0...:
            return answer(request, try log.offset(forTimestamp: request.timestamp), end)
        default:
            return failed(request, .unsupportedVersion)
        }
    }

    /// A record that consumers may not read yet is not found.
    private static func answer(
        _ request: PartitionRequest, _ found: TimestampedOffset?, _ end: Int64
    ) -> PartitionResponse {
        guard let found, found.offset < end else {
            return self.found(request, timestamp: -1, offset: -1, epoch: -1)
        }
        return self.found(
            request, timestamp: found.timestamp, offset: found.offset, epoch: found.leaderEpoch ?? -1)
    }

    /// Version 0: up to `maxNumOffsets` starts of segments before the time asked for, newest first, led by the end of
    /// the log where the newest are asked for.
    private static func segmentStarts(
        _ request: PartitionRequest, _ log: UnifiedLog
    ) throws(StorageError) -> PartitionResponse {
        let offsets = try log.segmentOffsets(
            before: request.timestamp, limit: Int(max(0, min(request.maxNumOffsets, 10_000))))
        return PartitionResponse(partitionIndex: request.partitionIndex, oldStyleOffsets: offsets)
    }

    private static func found(
        _ request: PartitionRequest, timestamp: Int64, offset: Int64, epoch: Int32
    ) -> PartitionResponse {
        PartitionResponse(
            partitionIndex: request.partitionIndex, timestamp: timestamp, offset: offset, leaderEpoch: epoch)
    }

    private static func failed(_ request: PartitionRequest, _ error: ErrorCode) -> PartitionResponse {
        PartitionResponse(partitionIndex: request.partitionIndex, errorCode: error.rawValue)
    }
}
