// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// DeleteTopics (key 20).
/// v1 throttle time · v4 flexible · v5 error messages · v6 by topic id. Version 0 is served too.
package enum DeleteTopicsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...6

    package static func handle(
        _ request: DeleteTopicsRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<DeleteTopicsResponse>
    ) -> Reply<DeleteTopicsResponse> {
        let image = context.broker.metadata.image.topics
        // A topic is named in the one list or the other, by version.
        let names = MutationAdmission(request.topicNames, context, strictVersion: firstQuotaVersion) { name in
            image.topic(named: name)?.partitionCount ?? 0
        }
        let topics = MutationAdmission(request.topics, context, strictVersion: firstQuotaVersion) { topic in
            (topic.name.map { image.topic(named: $0) } ?? image.topic(id: topic.topicID))?.partitionCount ?? 0
        }
        var refusal = request
        refusal.topicNames = names.refused
        refusal.topics = topics.refused
        let refused = failed(refusal, MutationAdmission<String>.error).responses
        let throttle = max(names.throttle, topics.throttle)
        guard !names.admitted.isEmpty || !topics.admitted.isEmpty || refused.isEmpty else {
            return .now(Answer(DeleteTopicsResponse(responses: refused), throttle: throttle))
        }
        var request = request
        request.topicNames = names.admitted
        request.topics = topics.admitted
        let ticket = ticket()
        let version = context.version
        context.broker.metadata.submit(
            { [request] controller, _ in
                controller.deleteTopics(request, version: version)
            },
            completion: { [request] result in
                var response = (try? result.get()) ?? DeleteTopicsResponse()
                if case .failure(let error) = result { response = failed(request, error) }
                response.responses += refused
                ticket.complete(Answer(response, throttle: throttle))
            })
        return .later
    }

    /// The first version whose clients know THROTTLING_QUOTA_EXCEEDED.
    private static let firstQuotaVersion: Int16 = 5

    private static func failed(_ request: DeleteTopicsRequest, _ error: APIError) -> DeleteTopicsResponse {
        let byName = request.topicNames.map { (name: Optional($0), id: KafkaUUID.zero) }
        let byState = request.topics.map { (name: $0.name, id: $0.topicID) }
        return DeleteTopicsResponse(
            responses: (byName + byState).map {
                .init(name: $0.name, topicID: $0.id, errorCode: error.code.rawValue, errorMessage: error.message)
            })
    }
}
