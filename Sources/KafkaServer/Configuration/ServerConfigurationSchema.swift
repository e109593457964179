// SPDX-License-Identifier: Apache-2.0
import KafkaBase
package import KafkaMetadata
package import KafkaProtocol

/// What the controller asks about configuration keys, answered from the tables and this node's settings.
package struct ServerConfigurationSchema: ConfigurationSchema {
    private let configuration: BrokerConfiguration

    package init(_ configuration: BrokerConfiguration) {
        self.configuration = configuration
    }

    package func validate(_ values: [(key: String, value: String)], of resource: ConfigResource) -> APIError? {
        do throws(APIError) {
            switch resource.kind {
            case .topic: try validateTopic(values)
            case .broker: for (key, value) in values { try validateBroker(key, value, of: resource) }
            case .group: for (key, value) in values { try validateGroup(key, value) }
            case .clientMetrics: for (key, value) in values { try validateClientMetrics(key, value) }
            case .brokerLogger, nil:
                throw APIError(.invalidRequest, "Unexpected resource type \(resource.rawKind)")
            }
            return nil
        } catch {
            return error
        }
    }

    package func isList(_ key: String, of kind: ConfigResource.Kind) -> Bool {
        definition(key, of: kind)?.type == .list
    }

    package func defaultValue(of key: String, of kind: ConfigResource.Kind) -> String? {
        definition(key, of: kind)?.defaultValue.text
    }

    package func effectiveTopicConfigs(
        overrides: [(key: String, value: String)], image: MetadataImage
    ) -> [CreateTopicsResponse.CreatableTopicConfigs] {
        let overrides = Dictionary(overrides.map { ($0.key, $0.value) }) { _, last in last }
        return ConfigurationLayers(configuration, image: image).describeTopic(overrides: overrides).map { key in
            CreateTopicsResponse.CreatableTopicConfigs(
                name: key.name, value: key.value, readOnly: key.isReadOnly, configSource: key.source.rawValue,
                isSensitive: key.isSensitive)
        }
    }

    private func definition(_ key: String, of kind: ConfigResource.Kind) -> ConfigurationDefinition? {
        switch kind {
        case .topic: ConfigurationKeys.topic(key)
        case .broker: ConfigurationKeys.broker(key) ?? ConfigurationKeys.scoped(key)
        case .group: ConfigurationKeys.group(key)
        case .clientMetrics: ConfigurationKeys.clientMetrics(key)
        case .brokerLogger: nil
        }
    }

    private func validateTopic(_ values: [(key: String, value: String)]) throws(APIError) {
        do throws(TopicConfigurationError) {
            try TopicConfiguration.validate(
                values.map { (key: $0.key, value: $0.value) }, defaults: configuration.topicDefaults)
        } catch {
            throw APIError(error.errorCode, error.message)
        }
    }

    /// Keys that no table has are let through, as by Apache Kafka: plug-ins may have keys of their own. What is wrong
    /// with a known one is an invalid request there, not an invalid configuration.
    private func validateBroker(_ key: String, _ value: String, of resource: ConfigResource) throws(APIError) {
        let scoped = ConfigurationKeys.scoped(key)
        guard let definition = ConfigurationKeys.broker(key) ?? scoped else { return }
        if definition.mode == .readOnly, scoped == nil {
            throw APIError(.invalidRequest, "Cannot update these configs dynamically: \(key)")
        }
        if scoped == nil, ServerConfigurationSchema.listenerOnlyKeys.contains(key) {
            throw APIError(.invalidRequest, "\(key) can be updated dynamically only with a listener prefix")
        }
        if resource.name.isEmpty, definition.mode == .perBroker {
            throw APIError(.invalidRequest, "\(key) can be updated for a single broker only, not for all of them")
        }
        try check(value, definition, otherwise: .invalidRequest)
    }

    /// Keys that can change while the broker runs, but only for one listener.
    private static let listenerOnlyKeys = [
        "ssl.keystore.type", "ssl.keystore.location", "ssl.keystore.password", "ssl.key.password",
        "ssl.keystore.key", "ssl.keystore.certificate.chain", "ssl.truststore.type", "ssl.truststore.location",
        "ssl.truststore.password", "ssl.truststore.certificates",
    ]

    private func validateGroup(_ key: String, _ value: String) throws(APIError) {
        guard let definition = ConfigurationKeys.group(key) else {
            throw APIError(.invalidConfig, "Unknown group config name: \(key.printable)")
        }
        try check(value, definition, otherwise: .invalidConfig)
    }

    private func validateClientMetrics(_ key: String, _ value: String) throws(APIError) {
        guard let definition = ConfigurationKeys.clientMetrics(key) else {
            throw APIError(.invalidRequest, "Unknown client metrics configuration: \(key.printable)")
        }
        try check(value, definition, otherwise: .invalidRequest)
    }

    private func check(
        _ value: String, _ definition: ConfigurationDefinition, otherwise code: ErrorCode
    ) throws(APIError) {
        do throws(ConfigurationViolation) {
            _ = try definition.parse(value)
        } catch {
            let shown = definition.isSensitive ? "" : " \(value.printable)"
            throw APIError(
                code, "Invalid value\(shown) for configuration \(definition.name): must be \(error.allowed)")
        }
    }
}

extension ConfigurationLayers {
    /// The layers of the node with `configuration` in a cluster with `image`.
    package init(_ configuration: BrokerConfiguration, image: MetadataImage) {
        self.init(
            dynamicBroker: ConfigurationLayers.values(image, .broker(configuration.nodeID)),
            dynamicDefault: ConfigurationLayers.values(image, .clusterDefault), settings: configuration.settings)
    }

    /// What `resource` has in `image`, by key.
    static func values(_ image: MetadataImage, _ resource: ConfigResource) -> [String: String] {
        Dictionary(image.configs(of: resource).map { ($0.key, $0.value) }) { _, last in last }
    }
}
