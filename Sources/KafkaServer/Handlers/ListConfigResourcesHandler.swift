// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// ListConfigResources (key 74): the resources whose configurations can be described (KIP-1142).
/// v0 subscriptions to client metrics only · v1 topics, brokers, their loggers and groups as well; no kind is all kinds.
/// Groups and client metrics are those with settings of their own.
package enum ListConfigResourcesHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...1

    private static let kinds: [ConfigResource.Kind] = [.topic, .broker, .brokerLogger, .clientMetrics, .group]

    package static func handle(
        _ request: ListConfigResourcesRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<ListConfigResourcesResponse>
    ) -> Reply<ListConfigResourcesResponse> {
        let asked = request.resourceTypes.map { ConfigResource.Kind(rawValue: $0) }
        if asked.contains(nil) {
            return .answer(ListConfigResourcesResponse(errorCode: ErrorCode.unsupportedVersion.rawValue))
        }
        let wanted: [ConfigResource.Kind] =
            if context.version == 0 {
                [.clientMetrics]
            } else {
                asked.isEmpty ? kinds : kinds.filter { asked.contains($0) }
            }
        let image = context.broker.metadata.image
        return .answer(
            ListConfigResourcesResponse(
                configResources: wanted.flatMap { kind in
                    names(kind, image).map { .init(resourceName: $0, resourceType: kind.rawValue) }
                }))
    }

    private static func names(_ kind: ConfigResource.Kind, _ image: MetadataImage) -> [String] {
        switch kind {
        case .topic: image.topics.names
        case .broker, .brokerLogger: image.cluster.unfencedBrokers.map { "\($0.id)" }
        case .clientMetrics, .group:
            image.configs.entries(from: ConfigResource(kind, "")).lazy
                .prefix { $0.key.kind == kind }.map(\.key.name)
        }
    }
}
