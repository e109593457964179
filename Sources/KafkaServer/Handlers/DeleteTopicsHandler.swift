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
        let ticket = ticket()
        let version = context.version
        context.broker.metadata.submit(
            { controller, _ in
                controller.deleteTopics(request, version: version)
            },
            completion: { result in
                switch result {
                case .success(let response): ticket.complete(response)
                case .failure(let error): ticket.complete(failed(request, error))
                }
            })
        return .later
    }

    private static func failed(_ request: DeleteTopicsRequest, _ error: APIError) -> DeleteTopicsResponse {
        let byName = request.topicNames.map { (name: Optional($0), id: KafkaUUID.zero) }
        let byState = request.topics.map { (name: $0.name, id: $0.topicID) }
        return DeleteTopicsResponse(
            responses: (byName + byState).map {
                .init(name: $0.name, topicID: $0.id, errorCode: error.code.rawValue, errorMessage: error.message)
            })
    }
}
