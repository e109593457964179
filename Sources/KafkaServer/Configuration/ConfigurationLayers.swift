// SPDX-License-Identifier: Apache-2.0

/// What was set for this broker, and where: the layers under a topic's own overrides.
package struct ConfigurationLayers: Sendable {
    /// What was set while running, for this broker.
    package var dynamicBroker: [String: String]
    /// What was set while running, for all brokers.
    package var dynamicDefault: [String: String]
    /// What was set at start.
    package let settings: ConfigurationSettings

    package init(
        dynamicBroker: [String: String] = [:], dynamicDefault: [String: String] = [:], settings: ConfigurationSettings
    ) {
        self.dynamicBroker = dynamicBroker
        self.dynamicDefault = dynamicDefault
        self.settings = settings
    }

    /// A broker key that has a value in one of the layers.
    struct Occurrence {
        let key: ConfigurationSynonym
        let text: String
        let source: ConfigurationValueSource
    }

    /// Where the broker keys have values: layer by layer, and in each in the order of `keys`. Defaults come last.
    func occurrences(of keys: [ConfigurationSynonym]) -> [Occurrence] {
        var found: [Occurrence] = []
        func add(_ source: ConfigurationValueSource, _ text: (String) -> String?) {
            for key in keys {
                if let text = text(key.name) { found.append(Occurrence(key: key, text: text, source: source)) }
            }
        }
        add(.dynamicBroker) { dynamicBroker[$0] }
        add(.dynamicDefaultBroker) { dynamicDefault[$0] }
        add(.staticBroker) { settings[$0]?.value }
        add(.default) { ConfigurationKeys.broker($0)?.defaultValue.text }
        return found
    }

    /// What a numeric broker key is at present; nil where nothing that makes sense is set and there is no default.
    func integer(_ name: String) -> Int64? {
        let values = occurrences(of: [ConfigurationSynonym(name)]).lazy.compactMap { occurrence -> Int64? in
            guard case .integer(let value)? = try? ConfigurationKeys.broker(name)?.parse(occurrence.text) else {
                return nil
            }
            return value
        }
        return values.first
    }

    /// What a topic has that sets nothing for itself. Values that were set while running by another version and mean
    /// nothing here are passed over.
    package func topicDefaults() -> TopicConfiguration {
        var configuration = TopicConfiguration()
        for definition in ConfigurationKeys.topicKeys {
            let keys = ConfigurationKeys.brokerSynonyms(ofTopicKey: definition.name)
            let values = occurrences(of: keys).lazy.compactMap { occurrence in
                (try? ConfigurationKeys.broker(occurrence.key.name)?.parse(occurrence.text))
                    .map(occurrence.key.converted)
            }
            if let value = values.first { configuration.set(definition.name, to: value) }
        }
        return configuration
    }
}
