// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// DescribeConfigs (key 32): the configurations of topics and of this broker, and where each value comes from.
/// v1 synonyms · v3 documentation, types · v4 flexible. Version 0 is served too.
/// Not served: broker loggers, client metrics, groups.
package enum DescribeConfigsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...4

    typealias Resource = DescribeConfigsRequest.DescribeConfigsResource
    typealias ResourceResult = DescribeConfigsResponse.DescribeConfigsResult

    package static func handle(
        _ request: DescribeConfigsRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<DescribeConfigsResponse>
    ) -> Reply<DescribeConfigsResponse> {
        let image = context.broker.metadata.image
        let layers = ConfigurationLayers(image: image, configuration: context.broker.configuration)
        return .answer(
            DescribeConfigsResponse(
                results: request.resources.map { resource in
                    switch describe(resource, layers, image, context) {
                    case .success(let descriptions): result(resource, descriptions, request)
                    case .failure(let error):
                        ResourceResult(
                            errorCode: error.code.rawValue, errorMessage: error.message,
                            resourceType: resource.resourceType, resourceName: resource.resourceName)
                    }
                }))
    }

    private static func describe(
        _ resource: Resource, _ layers: ConfigurationLayers, _ image: MetadataImage, _ context: RequestContext
    ) -> Result<[ConfigurationDescription], APIError> {
        let name = resource.resourceName
        switch ConfigResource.Kind(rawValue: resource.resourceType) {
        case .topic:
            if let reason = TopicName.invalidity(of: name) {
                return .failure(APIError(.invalidTopicException, "Topic name is invalid: \(reason)"))
            }
            guard image.topics.topic(named: name) != nil else {
                return .failure(APIError(.unknownTopicOrPartition))
            }
            let overrides = image.configs(of: .topic(name)).map { ($0.key, $0.value) }
            return .success(layers.describeTopic(overrides: Dictionary(overrides) { _, last in last }))
        case .broker where name.isEmpty:
            return .success(layers.describeDefaultBroker())
        case .broker:
            guard let id = Int32(name), id == context.broker.nodeID else {
                return .failure(
                    APIError(
                        .invalidRequest,
                        "Unexpected broker id, expected \(context.broker.nodeID) or empty string, but received \(name)"))
            }
            return .success(layers.describeBroker())
        case .brokerLogger, .clientMetrics, .group, nil:
            return .failure(APIError(.invalidRequest, "Unsupported resource type: \(resource.resourceType)"))
        }
    }

    private static func result(
        _ resource: Resource, _ descriptions: [ConfigurationDescription], _ request: DescribeConfigsRequest
    ) -> ResourceResult {
        let wanted = resource.configurationKeys.map(Set.init)
        return ResourceResult(
            errorMessage: nil, resourceType: resource.resourceType, resourceName: resource.resourceName,
            configs: descriptions.filter { wanted?.contains($0.name) ?? true }.map { description in
                .init(
                    name: description.name, value: description.value, readOnly: description.isReadOnly,
                    isDefault: description.isDefault, configSource: description.source.rawValue,
                    isSensitive: description.isSensitive,
                    synonyms: request.includeSynonyms
                        ? description.synonyms.map {
                            .init(name: $0.name, value: $0.value, source: $0.source.rawValue)
                        } : [],
                    configType: description.typeID,
                    documentation: request.includeDocumentation ? description.documentation : nil)
            })
    }
}
