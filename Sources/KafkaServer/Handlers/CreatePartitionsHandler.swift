// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// CreatePartitions (key 37): gives topics more partitions.
/// v2 flexible · v3 quota error.
package enum CreatePartitionsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...3

    package static func handle(
        _ request: CreatePartitionsRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<CreatePartitionsResponse>
    ) -> Reply<CreatePartitionsResponse> {
        let topics = context.broker.metadata.image.topics
        let admission = MutationAdmission(request.topics, context, strictVersion: firstQuotaVersion) { topic in
            topics.topic(named: topic.name).map { Int(topic.count) - $0.partitionCount } ?? 0
        }
        let refused = results(admission.refused, MutationAdmission<CreatePartitionsRequest.CreatePartitionsTopic>.error)
        let throttle = admission.throttle
        guard !admission.admitted.isEmpty || refused.isEmpty else {
            return .now(Answer(CreatePartitionsResponse(results: refused), throttle: throttle))
        }
        var request = request
        request.topics = admission.admitted
        let ticket = ticket()
        context.broker.metadata.createPartitions(request) { [request] result in
            switch result {
            case .success(var response):
                response.results += refused
                ticket.complete(Answer(response, throttle: throttle))
            case .failure(let error):
                ticket.complete(
                    Answer(
                        CreatePartitionsResponse(results: results(request.topics, error) + refused),
                        throttle: throttle))
            }
        }
        return .later
    }

    /// The first version whose clients know THROTTLING_QUOTA_EXCEEDED.
    private static let firstQuotaVersion: Int16 = 3

    private static func results(
        _ topics: [CreatePartitionsRequest.CreatePartitionsTopic], _ error: APIError
    ) -> [CreatePartitionsResponse.CreatePartitionsTopicResult] {
        topics.map { .init(name: $0.name, errorCode: error.code.rawValue, errorMessage: error.message) }
    }
}
