// SPDX-License-Identifier: Apache-2.0

/// The tables of all configuration keys, by what they configure.
package enum ConfigurationKeys {
    /// One table of broker keys.
    package struct Section: Sendable {
        /// The heading in the documentation.
        package let title: String
        package let definitions: [ConfigurationDefinition]
    }

    /// Every broker key, section by section.
    package static let brokerSections: [Section] = [
        Section(title: "SwiftKafka's own", definitions: own),
        Section(title: "Node, quorum and metadata log", definitions: quorum),
        Section(title: "Sockets and listeners", definitions: sockets),
        Section(title: "Server", definitions: server),
        Section(title: "Log", definitions: log),
        Section(title: "Cleaner", definitions: cleaner),
        Section(title: "Replication", definitions: replication),
        Section(title: "Groups", definitions: groups),
        Section(title: "Transactions", definitions: transactions),
        Section(title: "Quotas", definitions: quotas),
        Section(title: "Tiered storage", definitions: tieredStorage),
        Section(title: "Security", definitions: security),
        Section(title: "Metrics", definitions: metrics),
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
