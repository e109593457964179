// SPDX-License-Identifier: Apache-2.0

/// Where the value of a key comes from. The raw value is the number in answers to DescribeConfigs.
package enum ConfigurationValueSource: Int8, Sendable {
    case topic = 1
    case dynamicBroker = 2
    case dynamicDefaultBroker = 3
    case staticBroker = 4
    case `default` = 5
    case dynamicBrokerLogger = 6
    case clientMetrics = 7
    case group = 8
}

/// One key of a topic or broker with its value, as DescribeConfigs shows it.
package struct ConfigurationDescription: Sendable, Equatable {
    /// A key that gives the value, or would give it if those before it were not set.
    package struct Synonym: Sendable, Equatable {
        package let name: String
        /// nil when the value is secret.
        package let value: String?
        package let source: ConfigurationValueSource
    }

    package let name: String
    /// nil when there is none or it is secret.
    package let value: String?
    package let isReadOnly: Bool
    package let isSensitive: Bool
    package let source: ConfigurationValueSource
    /// From the one that counts to the default.
    package let synonyms: [Synonym]
    /// 0 when the key is unknown.
    package let typeID: Int8
    package let documentation: String?

    package var isDefault: Bool { source == .default }
}
