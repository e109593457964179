// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol
internal import KafkaRuntime

/// DescribeClientQuotas (key 48): the quotas of the entities that a filter lets through (KIP-546).
/// v1 flexible. Match types: 0 exactly this name, 1 the default, 2 anything that has the type.
package enum DescribeClientQuotasHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...1

    package static func handle(
        _ request: DescribeClientQuotasRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<DescribeClientQuotasResponse>
    ) -> Reply<DescribeClientQuotasResponse> {
        let quotas = context.broker.metadata.image.clientQuotas
        if quotas.entities.count <= entitiesAtOnceMax { return .answer(answer(request, quotas)) }
        let ticket = ticket()
        context.broker.runtime.queues.runBlocking { ticket.complete(answer(request, quotas)) }
        return .later
    }

    /// So many entities are looked through on the reactor; more of them in the background.
    private static let entitiesAtOnceMax = 1_000

    private static func answer(
        _ request: DescribeClientQuotasRequest, _ quotas: ClientQuotas
    ) -> DescribeClientQuotasResponse {
        do throws(APIError) {
            let filter = try ClientQuotaFilter(request)
            return DescribeClientQuotasResponse(
                errorMessage: nil,
                entries: quotas.entities.lazy.filter { filter.matches($0.key) }.map { entity, values in
                    .init(
                        entity: entity.parts.map { .init(entityType: $0.type, entityName: $0.name) },
                        values: values.map { .init(key: $0.key, value: $0.value) })
                })
        } catch {
            return DescribeClientQuotasResponse(
                errorCode: error.code.rawValue, errorMessage: error.message, entries: nil)
        }
    }
}
