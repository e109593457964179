// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// AlterClientQuotas (key 49): sets and removes the quotas of users, client ids and addresses (KIP-546).
/// v1 flexible. Addresses must be numeric: names of hosts are refused.
package enum AlterClientQuotasHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...1

    package static func handle(
        _ request: AlterClientQuotasRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<AlterClientQuotasResponse>
    ) -> Reply<AlterClientQuotasResponse> {
        let ticket = ticket()
        context.broker.metadata.submit(
            { controller, _ in controller.alterClientQuotas(request) },
            completion: { result in
                switch result {
                case .success(let response): ticket.complete(response)
                case .failure(let error): ticket.complete(failed(request, error))
                }
            })
        return .later
    }

    private static func failed(_ request: AlterClientQuotasRequest, _ error: APIError) -> AlterClientQuotasResponse {
        AlterClientQuotasResponse(
            entries: request.entries.map { entry in
                .init(
                    errorCode: error.code.rawValue, errorMessage: error.message,
                    entity: entry.entity.map { .init(entityType: $0.entityType, entityName: $0.entityName) })
            })
    }
}
