// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// How keys for one listener begin.
    static let listenerPrefix = "listener.name."

    /// The keys that act when one listener sets them.
    static let ofListeners: Set<String> = ["max.connections", "max.connection.creation.rate"]

    /// The keys that can change for a listener that exists.
    static let changeableOfListeners: Set<String> = ofListeners.union(["num.network.threads"]).union(onlyOfListeners)

    /// Keys that can change while the broker runs, but only for one listener.
    static let onlyOfListeners: Set<String> = [
        "ssl.keystore.type", "ssl.keystore.location", "ssl.keystore.password", "ssl.key.password",
        "ssl.keystore.key", "ssl.keystore.certificate.chain", "ssl.truststore.type", "ssl.truststore.location",
        "ssl.truststore.password", "ssl.truststore.certificates",
    ]

    /// The broker key called `name`.
    package static func broker(_ name: String) -> ConfigurationDefinition? {
        brokerIndex[name].map { brokerSections[$0.section].definitions[$0.row] }
    }

    /// The topic key called `name`.
    package static func topic(_ name: String) -> ConfigurationDefinition? {
        topicKeys.first { $0.name == name }
    }

    /// The group key called `name`.
    package static func group(_ name: String) -> ConfigurationDefinition? {
        groupKeys.first { $0.name == name }
    }

    /// The client metrics key called `name`.
    package static func clientMetrics(_ name: String) -> ConfigurationDefinition? {
        clientMetricsKeys.first { $0.name == name }
    }

    /// The broker key that `name` sets for a part of the broker only: the key behind `listener.name.<listener>.` or
    /// `listener.name.<listener>.<mechanism>.`, and `log.level` for `log.level.<component>`.
    package static func scoped(_ name: String) -> ConfigurationDefinition? {
        if name.hasPrefix(LoggingConfiguration.componentPrefix) { return broker("log.level") }
        guard name.hasPrefix(listenerPrefix) else { return nil }
        let parts = name.dropFirst(listenerPrefix.count).split(separator: ".", omittingEmptySubsequences: false)
        // A listener's name may itself hold dots, so the key is looked for behind each of them.
        return parts.indices.dropFirst().lazy.compactMap { broker(parts[$0...].joined(separator: ".")) }.first
    }

    /// Where each broker key is. Built when the first key is looked up.
    private static let brokerIndex: [String: (section: Int, row: Int)] = {
        var index: [String: (section: Int, row: Int)] = [:]
        index.reserveCapacity(brokerSections.reduce(0) { $0 + $1.definitions.count })
        for (section, table) in brokerSections.enumerated() {
            for (row, definition) in table.definitions.enumerated() {
                index[definition.name] = (section, row)
            }
        }
        return index
    }()
}
