// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
internal import KafkaProtocol

/// What the controller asks about configuration keys, answered from the tables of keys.
struct BrokerConfigurationSchema: ConfigurationSchema {
    let configuration: BrokerConfiguration

    func validate(_ values: [(key: String, value: String)], of resource: ConfigResource) -> APIError? {
        switch resource.kind {
        case .topic:
            do throws(TopicConfigurationError) {
                try TopicConfiguration.validate(
                    values.map { (name: $0.key, value: Optional($0.value)) }, defaults: configuration.topicDefaults)
                return nil
            } catch {
                return APIError(error.errorCode, error.message)
            }
        default:
            for (key, value) in values {
                guard let kind = resource.kind, let definition = definition(key, kind) else { continue }
                do throws(ConfigurationViolation) {
                    _ = try definition.parse(value)
                } catch {
                    return APIError(
                        .invalidConfig,
                        "Invalid value \(value) for configuration \(key): must be \(error.allowed)")
                }
            }
            return nil
        }
    }

    func isList(_ key: String, of kind: ConfigResource.Kind) -> Bool { definition(key, kind)?.type == .list }

    func defaultValue(of key: String, of kind: ConfigResource.Kind) -> String? {
        definition(key, kind)?.defaultValue.text
    }

    func effectiveTopicConfigs(
        overrides: [(key: String, value: String)], image: MetadataImage
    ) -> [CreateTopicsResponse.CreatableTopicConfigs] {
        let layers = ConfigurationLayers(image: image, configuration: configuration)
        return layers.describeTopic(overrides: Dictionary(overrides) { _, last in last })
            .sorted { $0.name < $1.name }
            .map {
                .init(
                    name: $0.name, value: $0.value, readOnly: $0.isReadOnly, configSource: $0.source.rawValue,
                    isSensitive: $0.isSensitive)
            }
    }

    private func definition(_ key: String, _ kind: ConfigResource.Kind) -> ConfigurationDefinition? {
        switch kind {
        case .topic: ConfigurationKeys.topic(key)
        case .broker: ConfigurationKeys.broker(key)
        case .group: ConfigurationKeys.group(key)
        case .brokerLogger, .clientMetrics: nil
        }
    }
}

extension ConfigurationLayers {
    /// The layers of this broker: its own file, and what the cluster's metadata set for it and for all brokers.
    init(image: MetadataImage, configuration: BrokerConfiguration) {
        func values(_ resource: ConfigResource) -> [String: String] {
            Dictionary(image.configs(of: resource).map { ($0.key, $0.value) }) { _, last in last }
        }
        self.init(
            dynamicBroker: values(.broker(configuration.nodeID)), dynamicDefault: values(.clusterDefault),
            settings: configuration.settings)
    }
}
