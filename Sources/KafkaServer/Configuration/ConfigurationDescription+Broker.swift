// SPDX-License-Identifier: Apache-2.0

extension ConfigurationLayers {
    /// Every key of this broker with its value, in the order of their names. Internal keys are left out unless they
    /// are set; unknown keys that are set are shown without their values, which may be secrets of something else.
    package func describeBroker() -> [ConfigurationDescription] {
        var names = Set(settings.names).union(dynamicBroker.keys).union(dynamicDefault.keys)
        for section in ConfigurationKeys.brokerSections {
            names.formUnion(section.definitions.lazy.filter { !$0.isInternal }.map(\.name))
        }
        return names.sorted().map { name in
            // Entries before the key's own belong to keys that outweigh it.
            let found = occurrences(of: synonyms(ofBrokerKey: name)).drop { $0.key.name != name }
            return describe(name, synonyms: found.map { ($0.key.name, $0.text, $0.source) })
        }
    }

    /// The keys that were set for all brokers while running, in the order of their names.
    package func describeDefaultBroker() -> [ConfigurationDescription] {
        dynamicDefault.sorted { $0.key < $1.key }.map { name, text in
            describe(name, synonyms: [(name, text, .dynamicDefaultBroker)])
        }
    }

    /// The names under which a broker key can be set: its own, those with another unit behind it, and for
    /// `listener.name.<listener>.<key>` the key by itself.
    private func synonyms(ofBrokerKey name: String) -> [ConfigurationSynonym] {
        if let scoped = ConfigurationKeys.scoped(name) {
            return [ConfigurationSynonym(name), ConfigurationSynonym(scoped.name)]
        }
        let keys = ConfigurationKeys.synonyms(ofBrokerKey: name)
        return Array(keys.drop { $0.name != name })
    }

    private func describe(
        _ name: String, synonyms: [(name: String, text: String, source: ConfigurationValueSource)]
    ) -> ConfigurationDescription {
        let definition = ConfigurationKeys.broker(name) ?? ConfigurationKeys.scoped(name)
        let isSensitive = definition?.isSensitive ?? true
        let value = synonyms.first.flatMap { entry in
            definition.map { ConfigurationLayers.normalized(entry.text, $0) } ?? entry.text
        }
        return ConfigurationDescription(
            name: name, value: isSensitive ? nil : value,
            isReadOnly: definition.map { $0.mode == .readOnly } ?? true, isSensitive: isSensitive,
            source: synonyms.first?.source ?? .default,
            synonyms: synonyms.map { .init(name: $0.name, value: isSensitive ? nil : $0.text, source: $0.source) },
            typeID: definition?.type.rawValue ?? 0, documentation: definition?.documentation)
    }
}
