// SPDX-License-Identifier: Apache-2.0

/// What is known of one configuration key: how its values look, where it applies and what it means.
///
/// The tables in `ConfigurationKeys+….swift` list every key. Everything else asks them: the check of a
/// file, the typed `BrokerConfiguration`, the answers to DescribeConfigs and `docs/configuration.md`.
package struct ConfigurationDefinition: Sendable {
    /// Kafka's name for the key, for example `log.segment.bytes`.
    package let name: String
    package let type: ConfigurationType
    package let defaultValue: ConfigurationValue
    package let constraint: ConfigurationConstraint
    package let mode: ConfigurationMode
    package let support: ConfigurationSupport
    /// Whether the key is for tests and tuning, and left out of answers unless it is set.
    package let isInternal: Bool
    /// One or two sentences for an operator, as Markdown.
    package let documentation: String

    /// Whether values are secrets, which are never shown.
    package var isSensitive: Bool { type == .password }
}

/// How the text of a value is read. The raw value is the number that DescribeConfigs gives the type.
package enum ConfigurationType: Int8, Sendable {
    case boolean = 1
    case string = 2
    case int = 3
    case short = 4
    case long = 5
    case double = 6
    case list = 7
    /// The name of a Java class.
    case `class` = 8
    case password = 9

    /// The name in Kafka's documentation.
    package var name: String {
        switch self {
        case .boolean: "boolean"
        case .string: "string"
        case .int: "int"
        case .short: "short"
        case .long: "long"
        case .double: "double"
        case .list: "list"
        case .class: "class"
        case .password: "password"
        }
    }
}

/// How a key is changed.
package enum ConfigurationMode: Sendable {
    /// Only in the file, at start.
    case readOnly
    /// While running, for one broker.
    case perBroker
    /// While running, for one broker or as the default of all.
    case clusterWide
    /// Only while running; not in the file.
    case dynamicOnly
    /// While running, for one topic or group.
    case dynamic

    /// The name in Kafka's documentation.
    package var name: String {
        switch self {
        case .readOnly: "read-only"
        case .perBroker: "per-broker"
        case .clusterWide: "cluster-wide"
        case .dynamicOnly: "cluster-wide, dynamic only"
        case .dynamic: "dynamic"
        }
    }
}

/// What this broker does with a key.
package enum ConfigurationSupport: Sendable {
    /// Its value takes effect.
    case acts
    /// It is known and checked, but nothing acts on it yet.
    case later
    /// It concerns something that Apache Kafka has and this broker has not, such as Java classes.
    case noEffect
}

extension ConfigurationDefinition {
    /// A 32-bit integer; nil when there is no default.
    static func int(
        _ name: String, _ defaultValue: Int64?, _ constraint: ConfigurationConstraint, _ mode: ConfigurationMode,
        _ support: ConfigurationSupport, internal isInternal: Bool = false, _ documentation: String
    ) -> ConfigurationDefinition {
        ConfigurationDefinition(
            name: name, type: .int, defaultValue: defaultValue.map(ConfigurationValue.integer) ?? .null,
            constraint: constraint, mode: mode, support: support, isInternal: isInternal,
            documentation: documentation)
    }

    /// A 16-bit integer.
    static func short(
        _ name: String, _ defaultValue: Int64, _ constraint: ConfigurationConstraint, _ mode: ConfigurationMode,
        _ support: ConfigurationSupport, internal isInternal: Bool = false, _ documentation: String
    ) -> ConfigurationDefinition {
        ConfigurationDefinition(
            name: name, type: .short, defaultValue: .integer(defaultValue), constraint: constraint, mode: mode,
            support: support, isInternal: isInternal, documentation: documentation)
    }

    /// A 64-bit integer; nil when there is no default.
    static func long(
        _ name: String, _ defaultValue: Int64?, _ constraint: ConfigurationConstraint, _ mode: ConfigurationMode,
        _ support: ConfigurationSupport, internal isInternal: Bool = false, _ documentation: String
    ) -> ConfigurationDefinition {
        ConfigurationDefinition(
            name: name, type: .long, defaultValue: defaultValue.map(ConfigurationValue.integer) ?? .null,
            constraint: constraint, mode: mode, support: support, isInternal: isInternal,
            documentation: documentation)
    }

    static func double(
        _ name: String, _ defaultValue: Double, _ constraint: ConfigurationConstraint, _ mode: ConfigurationMode,
        _ support: ConfigurationSupport, internal isInternal: Bool = false, _ documentation: String
    ) -> ConfigurationDefinition {
        ConfigurationDefinition(
            name: name, type: .double, defaultValue: .real(defaultValue), constraint: constraint, mode: mode,
            support: support, isInternal: isInternal, documentation: documentation)
    }

    static func boolean(
        _ name: String, _ defaultValue: Bool, _ mode: ConfigurationMode, _ support: ConfigurationSupport,
        internal isInternal: Bool = false, _ documentation: String
    ) -> ConfigurationDefinition {
        ConfigurationDefinition(
            name: name, type: .boolean, defaultValue: .boolean(defaultValue), constraint: .any, mode: mode,
            support: support, isInternal: isInternal, documentation: documentation)
    }

    /// A string, list, class name or password, whose default is written as in a file; nil when there is none.
    static func text(
        _ type: ConfigurationType, _ name: String, _ defaultValue: String?, _ constraint: ConfigurationConstraint,
        _ mode: ConfigurationMode, _ support: ConfigurationSupport, internal isInternal: Bool = false,
        _ documentation: String
    ) -> ConfigurationDefinition {
        ConfigurationDefinition(
            name: name, type: type, defaultValue: defaultValue.map(ConfigurationValue.text) ?? .null,
            constraint: constraint, mode: mode, support: support, isInternal: isInternal,
            documentation: documentation)
    }
}
