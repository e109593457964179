// SPDX-License-Identifier: Apache-2.0

/// How the server's own log looks and how much it says.
package struct LoggingConfiguration: Sendable, Equatable {
    package enum Format: String, Sendable {
        case text
        case json
    }

    /// How the keys for single components begin.
    static let componentPrefix = "log.level."

    package let format: Format
    package let level: LogLevel
    /// Levels of components that differ, by the component's name.
    package let componentLevels: [String: LogLevel]

    /// The level from which on `component` writes.
    package func level(of component: String) -> LogLevel { componentLevels[component] ?? level }

    init(_ reader: inout ConfigurationReader) {
        format = Format(rawValue: reader.text("log.format")) ?? .text
        level = LogLevel(name: reader.text("log.level")) ?? .info
        var levels: [String: LogLevel] = [:]
        for name in reader.settings.names where name.hasPrefix(LoggingConfiguration.componentPrefix) {
            let component = String(name.dropFirst(LoggingConfiguration.componentPrefix.count))
            guard let setting = reader.settings[name], let level = LogLevel(name: setting.value.trimmedBlanks) else {
                reader.refuse(name, "must be one of \(LogLevel.names.joined(separator: ", "))")
                continue
            }
            levels[component] = level
        }
        componentLevels = levels
    }
}
