// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
internal import KafkaProtocol

/// Which of a request's topics may be changed under `controller_mutation_rate` (KIP-599).
struct MutationAdmission<Topic> {
    private(set) var admitted: [Topic] = []
    /// To be answered THROTTLING_QUOTA_EXCEEDED.
    private(set) var refused: [Topic] = []
    private let quota: RequestQuota?

    /// - Parameters:
    ///   - strictVersion: the first version of the request that knows the error; in earlier ones all are admitted.
    ///   - partitions: how many partitions of a topic are created or deleted.
    init(_ topics: [Topic], _ context: RequestContext, strictVersion: Int16, partitions: (Topic) -> Int) {
        quota = context.quota
        guard let quota else {
            admitted = topics
            return
        }
        let strictness: MutationStrictness = context.version >= strictVersion ? .strict : .permissive
        for topic in topics {
            let count = max(0, partitions(topic))
            if count == 0 || quota.allowsMutations(count, strictness) {
                admitted.append(topic)
            } else {
                refused.append(topic)
            }
        }
    }

    /// For how long the client should wait now, in milliseconds.
    var throttle: Int64 { quota?.mutationThrottleTime ?? 0 }

    static var error: APIError { APIError(.throttlingQuotaExceeded, "The throttling quota has been exceeded.") }
}
