// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol
internal import KafkaReplication
internal import KafkaRuntime
internal import KafkaStorage

/// What a fetch request comes down to once its session is known: the partitions to read and the limits.
struct FetchPlan {
    /// In the order to read them in.
    let partitions: [FetchPartitionRequest]
    let isolation: ReadIsolation
    /// Milliseconds to wait for `minBytes`.
    let maxWait: Int64
    let minBytes: Int
    /// Limit for the whole answer in bytes; the first batch is answered even where it is larger (version 3 on).
    let maxBytes: Int
    let version: Int16
    /// The session the answer belongs to; nil for a full fetch without one.
    let session: FetchSession?
    /// Whether the answer leaves out partitions that have nothing new.
    let isIncremental: Bool
    /// Counts what is asked of topics that are not known here; nil where nobody wants to know.
    let unknownTopics: TopicCounters?

    /// An error for the whole request.
    struct Rejection: Error {
        let code: ErrorCode
    }

    static func make(_ request: FetchRequest, _ context: RequestContext) -> Result<FetchPlan, Rejection> {
        if request.replicaID >= 0 || request.replicaState.replicaID >= 0 {
            // Partitions have one replica each: nobody follows this broker.
            return .failure(Rejection(code: .invalidRequest))
        }
        let requested = partitions(of: request)
        let cache = context.broker.fetchSessions
        let now = context.broker.runtime.clock.monotonicMilliseconds
        let usesTopicIDs = context.version >= 13

        // KIP-227: epoch 0 asks for a new session, −1 for none; both end the session they name.
        guard request.sessionEpoch != 0, request.sessionEpoch != -1 else {
            if request.sessionID != 0 { cache.remove(request.sessionID) }
            let session =
                request.sessionEpoch == 0 && context.version >= 7
                ? cache.make(usesTopicIDs: usesTopicIDs, partitions: requested, now: now) : nil
            return .success(
                FetchPlan(request, context, partitions: requested, session: session, isIncremental: false))
        }
        guard let session = cache.session(request.sessionID, now: now) else {
            return .failure(Rejection(code: .fetchSessionIDNotFound))
        }
        guard session.usesTopicIDs == usesTopicIDs else {
            return .failure(Rejection(code: .fetchSessionTopicIDError))
        }
        let forgotten = request.forgottenTopicsData.flatMap { topic in
            topic.partitions.map {
                FetchPartitionKey(topicName: topic.topic, topicID: topic.topicID, partition: $0)
            }
        }
        guard let all = session.update(epoch: request.sessionEpoch, changed: requested, forgotten: forgotten) else {
            return .failure(Rejection(code: .invalidFetchSessionEpoch))
        }
        if all.isEmpty { cache.remove(session.id) }
        return .success(FetchPlan(request, context, partitions: all, session: session, isIncremental: true))
    }

    private init(
        _ request: FetchRequest, _ context: RequestContext, partitions: [FetchPartitionRequest],
        session: FetchSession?, isIncremental: Bool
    ) {
        self.partitions = partitions
        self.session = session
        self.isIncremental = isIncremental
        unknownTopics = context.broker.metrics?.topics.unknown
        isolation = request.isolationLevel == 1 ? .lastStable : .highWatermark
        maxWait = Int64(request.maxWaitMs)
        version = context.version
        let limit = context.broker.configuration.fetchBytesMax
        maxBytes = min(max(Int(request.maxBytes), 0), limit, context.quota?.fetchBytesMax ?? .max)
        // More than the limit could never be gathered, so it would only ever wait for the deadline.
        minBytes = min(max(Int(request.minBytes), 0), maxBytes)
    }

    private static func partitions(of request: FetchRequest) -> [FetchPartitionRequest] {
        var partitions: [FetchPartitionRequest] = []
        partitions.reserveCapacity(request.topics.reduce(0) { $0 + $1.partitions.count })
        for topic in request.topics {
            for partition in topic.partitions {
                partitions.append(
                    FetchPartitionRequest(
                        key: FetchPartitionKey(
                            topicName: topic.topic, topicID: topic.topicID, partition: partition.partition),
                        fetchOffset: partition.fetchOffset, maxBytes: partition.partitionMaxBytes,
                        currentLeaderEpoch: partition.currentLeaderEpoch,
                        lastFetchedEpoch: partition.lastFetchedEpoch, logStartOffset: partition.logStartOffset))
            }
        }
        return partitions
    }
}
