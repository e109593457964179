// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

extension BrokerConfiguration {
    /// A configuration, and what its author should know about it.
    package struct Loaded: Sendable {
        package let configuration: BrokerConfiguration
        package let warnings: [ConfigurationWarning]
    }

    /// Reads the settings of a file, over which those of `--override key=value` go.
    ///
    /// `hostName` is this machine's name, which clients are told where neither `advertised.listeners` nor
    /// `listeners` names a host. Throws every problem that was found.
    package static func load(
        _ properties: Properties, overrides: [String] = [], hostName: String = "localhost"
    ) throws(ConfigurationError) -> Loaded {
        var settings = ConfigurationSettings(properties)
        var problems: [ConfigurationProblem] = []
        for override in overrides {
            guard let equals = override.firstIndex(of: "="), equals > override.startIndex else {
                problems.append(
                    ConfigurationProblem(
                        name: "--override", value: override.printable, reason: "must be key=value", origin: nil))
                continue
            }
            let name = String(override[..<equals]).trimmedBlanks
            settings.set(name, String(override[override.index(after: equals)...]), from: .override)
        }
        return try read(settings, repeated(properties), problems, hostName: hostName)
    }

    /// The configuration of a program that embeds the broker, or of a test: `settings` by Kafka's key names.
    package init(_ settings: [String: String] = [:], hostName: String = "localhost") throws(ConfigurationError) {
        var ordered = ConfigurationSettings()
        for (name, value) in settings.sorted(by: { $0.key < $1.key }) { ordered.set(name, value, from: .program) }
        self = try BrokerConfiguration.read(ordered, [], [], hostName: hostName).configuration
    }

    private static func read(
        _ settings: ConfigurationSettings, _ warnings: [ConfigurationWarning], _ problems: [ConfigurationProblem],
        hostName: String
    ) throws(ConfigurationError) -> Loaded {
        var settings = settings
        let warnings = warnings + settings.translateLegacyKeys()
        var reader = ConfigurationReader(settings, warnings: warnings, problems: problems)
        let configuration = BrokerConfiguration(&reader, hostName: hostName)
        reader.warnOfUnusedKeys()
        guard reader.problems.isEmpty else { throw ConfigurationError(problems: reader.problems) }
        return Loaded(configuration: configuration, warnings: reader.warnings)
    }

    /// A warning for each key that a file sets several times.
    private static func repeated(_ properties: Properties) -> [ConfigurationWarning] {
        var lines: [String: Int] = [:]
        var warnings: [ConfigurationWarning] = []
        for entry in properties.entries {
            if let earlier = lines.updateValue(entry.line, forKey: entry.key) {
                warnings.append(
                    ConfigurationWarning(
                        name: entry.key, message: "was set before, on line \(earlier); the last value counts",
                        origin: .line(entry.line)))
            }
        }
        return warnings
    }
}
