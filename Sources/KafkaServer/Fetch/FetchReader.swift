// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol
internal import KafkaRecords
internal import KafkaReplication
internal import KafkaStorage
internal import Logging

/// What was found in one partition for a fetch: where the bytes lie, or the error.
struct PartitionRead {
    let request: FetchPartitionRequest
    /// nil when the topic or partition is not known here.
    let partition: Partition?
    let error: ErrorCode
    /// nil on an error; empty when there is nothing to read.
    let range: FetchedRange?
    let highWatermark: Int64
    let lastStableOffset: Int64
    let logStartOffset: Int64
    /// Of the topic; nil where it is not known here or nobody wants to know.
    let counters: TopicCounters?
    /// Where the client's log and this one part (KIP-595), nil when they agree.
    let diverging: (epoch: Int32, endOffset: Int64)?

    var byteCount: Int { range?.count ?? 0 }

    /// Whether waiting would not help the client.
    var mustAnswerNow: Bool { error != .none || diverging != nil }
}

/// Looks up where the requested records lie. Reads no record data.
enum FetchReader {
    /// Clients of earlier versions cannot read zstd, so topics that store nothing else are closed to them (KIP-110).
    private static let firstZstdVersion: Int16 = 10
    /// Only from here on an answer can say where two logs part.
    private static let firstDivergingVersion: Int16 = 12

    static func read(_ plan: FetchPlan, _ context: RequestContext) -> [PartitionRead] {
        var reads: [PartitionRead] = []
        reads.reserveCapacity(plan.partitions.count)
        var left = plan.maxBytes
        // The first batch always comes whole (version 3 on). Earlier versions had hard limits; their batches are
        // converted, which needs them whole as well.
        var needsOne = true
        for request in plan.partitions {
            let read = read(request, plan, maxBytes: left, atLeastOne: needsOne, context)
            left = max(0, left - read.byteCount)
            if read.byteCount > 0 { needsOne = false }
            reads.append(read)
        }
        return reads
    }

    private static func read(
        _ request: FetchPartitionRequest, _ plan: FetchPlan, maxBytes: Int, atLeastOne: Bool,
        _ context: RequestContext
    ) -> PartitionRead {
        let key = request.key
        guard let topic = context.broker.replicas.topic(name: key.topicName, id: key.topicID) else {
            return failed(request, nil, plan.version >= 13 ? .unknownTopicID : .unknownTopicOrPartition)
        }
        guard let partition = topic.partition(key.partition) else {
            return failed(request, nil, topic.faultForMissing(key.partition), topic.counters)
        }
        let log: UnifiedLog
        switch partition.leaderLog(currentLeaderEpoch: request.currentLeaderEpoch) {
        case .failure(let fault): return failed(request, partition, fault.code, topic.counters)
        case .success(let leader): log = leader.log
        }
        if plan.version < firstZstdVersion, log.configuration.compression == .codec(.zstd) {
            return failed(request, partition, .unsupportedCompressionType, topic.counters)
        }
        // A session may hold what a request of a later version said.
        if plan.version >= firstDivergingVersion, request.lastFetchedEpoch >= 0 {
            switch comparison(request, log) {
            case .agreed: break
            case .unknown: return failed(request, partition, .offsetOutOfRange, topic.counters)
            case .parted(let epoch, let endOffset):
                return read(request, partition, log, nil, topic.counters, diverging: (epoch, endOffset))
            }
        }
        do throws(StorageError) {
            let range = try log.read(
                from: request.fetchOffset, maxBytes: min(max(Int(request.maxBytes), 0), maxBytes),
                isolation: plan.isolation, atLeastOne: atLeastOne)
            return read(request, partition, log, range, topic.counters, diverging: nil)
        } catch {
            if error.errorCode != .offsetOutOfRange {
                context.broker.log.error(
                    "read failed", metadata: ["partition": "\(partition.topicPartition)", "reason": "\(error)"])
            }
            return failed(request, partition, error.errorCode, topic.counters)
        }
    }

    private static func read(
        _ request: FetchPartitionRequest, _ partition: Partition, _ log: UnifiedLog, _ range: FetchedRange?,
        _ counters: TopicCounters?, diverging: (epoch: Int32, endOffset: Int64)?
    ) -> PartitionRead {
        PartitionRead(
            request: request, partition: partition, error: .none, range: range, highWatermark: log.highWatermark,
            lastStableOffset: log.lastStableOffset, logStartOffset: log.logStartOffset, counters: counters,
            diverging: diverging)
    }

    private static func failed(
        _ request: FetchPartitionRequest, _ partition: Partition?, _ error: ErrorCode,
        _ counters: TopicCounters? = nil
    ) -> PartitionRead {
        PartitionRead(
            request: request, partition: partition, error: error, range: nil, highWatermark: -1,
            lastStableOffset: -1, logStartOffset: -1, counters: counters, diverging: nil)
    }

    /// How the client's log and this one go together.
    private enum Comparison {
        case agreed
        /// Nothing can be said about the client's epoch.
        case unknown
        /// Where this log ends what the client has more of, so that the client must truncate first.
        case parted(epoch: Int32, endOffset: Int64)
    }

    /// The client says which epoch its last record was of.
    private static func comparison(_ request: FetchPartitionRequest, _ log: UnifiedLog) -> Comparison {
        let end = log.endOffset(forEpoch: request.lastFetchedEpoch)
        guard end.leaderEpoch >= 0, end.endOffset >= 0, request.fetchOffset >= log.logStartOffset else {
            return .unknown
        }
        guard end.leaderEpoch < request.lastFetchedEpoch || end.endOffset < request.fetchOffset else { return .agreed }
        return .parted(epoch: end.leaderEpoch, endOffset: end.endOffset)
    }
}
