// SPDX-License-Identifier: Apache-2.0

extension ConfigurationLayers {
    /// Every key of a topic with its value, in the order of their names: the topic's `overrides`, and what these layers
    /// give to the rest. Internal keys are left out unless they are set.
    ///
    /// Unlike Apache Kafka, which shows a default for `retention.ms` when `log.retention.hours` is set, this shows
    /// the key that the value really comes from.
    package func describeTopic(overrides: [String: String]) -> [ConfigurationDescription] {
        ConfigurationKeys.topicKeys
            .filter { !$0.isInternal || overrides[$0.name] != nil }
            .map { key in
                let synonyms = ConfigurationKeys.brokerSynonyms(ofTopicKey: key.name)
                return describe(key, override: overrides[key.name], source: .topic, synonyms: synonyms)
            }
            .sorted { $0.name < $1.name }
    }

    /// Every key of a group with its value, in the order of their names.
    package func describeGroup(overrides: [String: String]) -> [ConfigurationDescription] {
        ConfigurationKeys.groupKeys
            .map { key in
                let synonyms = ConfigurationKeys.broker("group." + key.name).map { [ConfigurationSynonym($0.name)] }
                return describe(key, override: overrides[key.name], source: .group, synonyms: synonyms ?? [])
            }
            .sorted { $0.name < $1.name }
    }

    /// Every key of a subscription to client metrics with its value, in the order of their names.
    package func describeClientMetrics(overrides: [String: String]) -> [ConfigurationDescription] {
        ConfigurationKeys.clientMetricsKeys
            .map { describe($0, override: overrides[$0.name], source: .clientMetrics, synonyms: []) }
            .sorted { $0.name < $1.name }
    }

    private func describe(
        _ definition: ConfigurationDefinition, override: String?, source: ConfigurationValueSource,
        synonyms keys: [ConfigurationSynonym]
    ) -> ConfigurationDescription {
        let lower = occurrences(of: keys)
        var synonyms = lower.map {
            ConfigurationDescription.Synonym(name: $0.key.name, value: $0.text, source: $0.source)
        }
        let value: String?
        if let override {
            value = ConfigurationLayers.normalized(override, definition)
            synonyms.insert(
                ConfigurationDescription.Synonym(name: definition.name, value: value, source: source), at: 0)
        } else if let first = lower.first {
            value = ConfigurationLayers.converted(first.text, from: first.key, to: definition)
        } else {
            value = definition.defaultValue.text
        }
        return ConfigurationDescription(
            name: definition.name, value: value, isReadOnly: false, isSensitive: false,
            source: synonyms.first?.source ?? .default, synonyms: synonyms, typeID: definition.type.rawValue,
            documentation: definition.documentation)
    }

    /// The text as the key's type prints it; as it is when it cannot be read.
    static func normalized(_ text: String, _ definition: ConfigurationDefinition) -> String? {
        ((try? definition.parse(text)) ?? .text(text)).text
    }

    /// A broker key's text in the unit of the key that it stands for.
    static func converted(
        _ text: String, from synonym: ConfigurationSynonym, to definition: ConfigurationDefinition
    ) -> String? {
        guard let key = ConfigurationKeys.broker(synonym.name), let value = try? key.parse(text) else { return text }
        return synonym.converted(value).text
    }
}
