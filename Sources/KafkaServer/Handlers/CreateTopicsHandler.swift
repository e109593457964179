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
        let ticket = ticket()
        context.broker.metadata.createTopics(request) { result in
            switch result {
            case .success(let response): ticket.complete(response)
            case .failure(let error):
                ticket.complete(
                    CreateTopicsResponse(
                        topics: request.topics.map {
                            .init(name: $0.name, errorCode: error.code.rawValue, errorMessage: error.message)
                        }))
            }
        }
        return .later
    }
}
