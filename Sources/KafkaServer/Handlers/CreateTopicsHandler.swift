// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// CreateTopics (key 19).
/// v1 validate only, error messages · v4 broker defaults (−1) · v5 flexible, configurations in the answer ·
/// v7 topic id in the answer. Versions 0 and 1 are served too, unlike by Apache Kafka 4.
package enum CreateTopicsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...7

    package static func handle(
        _ request: CreateTopicsRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<CreateTopicsResponse>
    ) -> Reply<CreateTopicsResponse> {
        let admission = MutationAdmission(request.topics, context, strictVersion: firstQuotaVersion) { topic in
            partitionCount(topic, context)
        }
        let refused = results(admission.refused, MutationAdmission<CreateTopicsRequest.CreatableTopic>.error)
        let throttle = admission.throttle
        guard !admission.admitted.isEmpty || refused.isEmpty else {
            return .now(Answer(CreateTopicsResponse(topics: refused), throttle: throttle))
        }
        var request = request
        request.topics = admission.admitted
        let ticket = ticket()
        context.broker.metadata.createTopics(request) { [request] result in
            switch result {
            case .success(var response):
                response.topics += refused
                ticket.complete(Answer(response, throttle: throttle))
            case .failure(let error):
                ticket.complete(
                    Answer(
                        CreateTopicsResponse(topics: results(request.topics, error) + refused), throttle: throttle))
            }
        }
        return .later
    }

    /// The first version whose clients know THROTTLING_QUOTA_EXCEEDED.
    private static let firstQuotaVersion: Int16 = 6

    /// How many partitions the topic will have; none where it cannot be created because there is one of its name.
    private static func partitionCount(
        _ topic: CreateTopicsRequest.CreatableTopic, _ context: RequestContext
    ) -> Int {
        if context.broker.metadata.image.topics.topic(named: topic.name) != nil { return 0 }
        if !topic.assignments.isEmpty { return topic.assignments.count }
        return Int(topic.numPartitions < 0 ? context.broker.configuration.partitionsDefault : topic.numPartitions)
    }

    private static func results(
        _ topics: [CreateTopicsRequest.CreatableTopic], _ error: APIError
    ) -> [CreateTopicsResponse.CreatableTopicResult] {
        topics.map { .init(name: $0.name, errorCode: error.code.rawValue, errorMessage: error.message) }
    }
}
