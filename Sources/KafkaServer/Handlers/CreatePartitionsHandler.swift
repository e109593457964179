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
        let ticket = ticket()
        context.broker.metadata.createPartitions(request) { result in
            switch result {
            case .success(let response): ticket.complete(response)
            case .failure(let error):
                ticket.complete(
                    CreatePartitionsResponse(
                        results: request.topics.map {
                            .init(name: $0.name, errorCode: error.code.rawValue, errorMessage: error.message)
                        }))
            }
        }
        return .later
    }
}
