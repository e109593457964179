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
}
