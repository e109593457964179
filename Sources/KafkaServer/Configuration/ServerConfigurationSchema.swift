// SPDX-License-Identifier: Apache-2.0
import KafkaBase
package import KafkaMetadata
package import KafkaProtocol

/// What the controller asks about configuration keys, answered from the tables and this node's settings.
package struct ServerConfigurationSchema: ConfigurationSchema {
    private let configuration: BrokerConfiguration
    private let networkThreads: Int
    private let listeningFailure: @Sendable ([ListenerConfiguration]) -> String?

    /// - Parameters:
    ///   - networkThreads: how many reactors there are where no key says it.
    ///   - listeningFailure: says why the node cannot listen as it would have to; nil where it can.
    package init(
        _ configuration: BrokerConfiguration, networkThreads: Int = 1,
        listeningFailure: @escaping @Sendable ([ListenerConfiguration]) -> String? = { _ in nil }
    ) {
        self.configuration = configuration
        self.networkThreads = networkThreads
        self.listeningFailure = listeningFailure
    }

    package func validate(
        _ values: [(key: String, value: String)], of resource: ConfigResource, image: MetadataImage
    ) -> APIError? {
        do throws(APIError) {
            switch resource.kind {
            case .topic: try validateTopic(values, image)
            case .broker:
                for (key, value) in values { try validateBroker(key, value, of: resource) }
                try validateTogether(values, of: resource, image)
            case .group:
                for (key, value) in values { try validateGroup(key, value) }
                try GroupLimits(ConfigurationLayers(configuration, image: image)).check(values)
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

    private func validateTopic(
        _ values: [(key: String, value: String)], _ image: MetadataImage
    ) throws(APIError) {
        let defaults = ConfigurationLayers(configuration, image: image).topicDefaults()
        do throws(TopicConfigurationError) {
            try TopicConfiguration.validate(values.map { (key: $0.key, value: $0.value) }, defaults: defaults)
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
        if scoped == nil, ConfigurationKeys.onlyOfListeners.contains(key) {
            throw APIError(.invalidRequest, "\(key) can be updated dynamically only with a listener prefix")
        }
        if resource.name.isEmpty, definition.mode == .perBroker {
            throw APIError(.invalidRequest, "\(key) can be updated for a single broker only, not for all of them")
        }
        try check(value, definition, otherwise: .invalidRequest)
        if ConfigurationKeys.ofListeners.contains(definition.name), Int64(value.trimmedBlanks) == 0 {
            throw APIError(.invalidRequest, "Invalid \(definition.name) 0")
        }
    }

    /// Checks the settings of brokers against the rest of the configuration, as a start would: each also as the topic key
    /// demands that it is the default of, and against other keys.
    private func validateTogether(
        _ values: [(key: String, value: String)], of resource: ConfigResource, _ image: MetadataImage
    ) throws(APIError) {
        let old = ConfigurationLayers(configuration, image: image)
        var layers = old
        let new = Dictionary(values.map { ($0.key, $0.value) }) { _, last in last }
        if resource == .clusterDefault { layers.dynamicDefault = new } else { layers.dynamicBroker = new }
        if let problem = configuration.problems(with: layers).first {
            throw APIError(.invalidRequest, problem.description)
        }
        try ThreadCounts.check(from: old, to: layers, networkThreads: networkThreads)
        let (before, after) = (
            configuration.overlaid(with: old).configuration, configuration.overlaid(with: layers).configuration
        )
        if let reason = before.refusal(ofListenersOf: after, interBroker: configuration.interBrokerListenerName) {
            throw APIError(.invalidRequest, reason)
        }
        guard before.network.listeners != after.network.listeners else { return }
        if let reason = listeningFailure(after.network.listeners) { throw APIError(.invalidRequest, reason) }
    }

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
        if key == "match" { try Self.checkMatch(value) }
    }

    /// What a client may be recognised by (KIP-714).
    private static let matchParameters = [
        "client_instance_id", "client_id", "client_software_name", "client_software_version", "client_source_address",
        "client_source_port",
    ]

    /// Each item reads `parameter=pattern`.
    private static func checkMatch(_ value: String) throws(APIError) {
        for item in ConfigurationValue.items(of: value) {
            let parts = item.split(separator: "=", omittingEmptySubsequences: false).map { String($0).trimmedBlanks }
            guard parts.count == 2, !parts[1].isEmpty else {
                throw APIError(.invalidConfig, "Illegal client matching pattern: \(item.printable)")
            }
            guard matchParameters.contains(parts[0]) else {
                throw APIError(.invalidConfig, "Illegal client matching parameter: \(parts[0].printable)")
            }
        }
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
