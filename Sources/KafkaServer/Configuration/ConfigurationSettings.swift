// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// What a file, the command line or a program set, by name, in the order in which the names first occurred.
package struct ConfigurationSettings: Sendable {
    package struct Setting: Sendable, Equatable {
        package var value: String
        package var origin: ConfigurationOrigin
    }

    package private(set) var names: [String] = []
    private var settings: [String: Setting] = [:]

    package init() {}

    /// The settings of a file. Where a name occurs again, its last value counts.
    package init(_ properties: Properties) {
        for entry in properties.entries {
            set(entry.key, entry.value, from: entry.line > 0 ? .line(entry.line) : .program)
        }
    }

    package subscript(name: String) -> Setting? { settings[name] }

    /// Whether `name` was set.
    package func contains(_ name: String) -> Bool { settings[name] != nil }

    package mutating func set(_ name: String, _ value: String, from origin: ConfigurationOrigin) {
        if settings.updateValue(Setting(value: value, origin: origin), forKey: name) == nil { names.append(name) }
    }

    /// Takes the setting of `name` out and returns it.
    @discardableResult
    package mutating func remove(_ name: String) -> Setting? {
        names.removeAll { $0 == name }
        return settings.removeValue(forKey: name)
    }
}
