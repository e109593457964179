// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol
internal import KafkaReplication

/// Fetch (key 1): reads record batches of partitions; waits for data where there is too little.
/// v1 throttle time · v2 message format 1 · v3 limit for the whole answer · v4 isolation level, batch format 2 ·
/// v5 log start offset · v7 sessions (KIP-227) · v9 leader epoch (KIP-320) · v11 rack · v12 flexible ·
/// v13 topic id · v15 replica state · v16 endpoints of new leaders · v18 high watermark of followers.
/// Versions 0 to 3 are answered in message formats 0 and 1, unlike by Apache Kafka 4.
/// Not served: followers' fetches, reading from followers.
package enum FetchHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...18

    package static func handle(
        _ request: FetchRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<FetchResponse>
    ) -> Reply<FetchResponse> {
        let plan: FetchPlan
        switch FetchPlan.make(request, context) {
        case .failure(let error): return .answer(rejection(error.code, request, context.version))
        case .success(let made): plan = made
        }
        let reads = FetchReader.read(plan, context)
        let bytes = reads.reduce(0) { $0 + $1.byteCount }
        let mustAnswer =
            plan.maxWait <= 0 || bytes >= plan.minBytes || reads.isEmpty || reads.contains { $0.mustAnswerNow }
        guard !mustAnswer else { return .now(FetchAnswer.make(reads, plan, context)) }
        DelayedFetch.park(plan, context, ticket(), bytesSeen: bytes)
        return .later
    }

    /// The same error for everything: at the top from version 7 on, at each partition before, where there is no top.
    private static func rejection(_ code: ErrorCode, _ request: FetchRequest, _ version: Int16) -> FetchResponse {
        guard version < 7 else { return FetchResponse(errorCode: code.rawValue) }
        return FetchResponse(
            responses: request.topics.map { topic in
                .init(
                    topic: topic.topic,
                    partitions: topic.partitions.map {
                        .init(
                            partitionIndex: $0.partition, errorCode: code.rawValue, highWatermark: -1,
                            records: .owned([]))
                    })
            })
    }
}
