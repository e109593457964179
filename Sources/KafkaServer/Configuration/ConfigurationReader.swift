// SPDX-License-Identifier: Apache-2.0

/// Turns settings into typed values and gathers what is wrong with them.
///
/// The values of known keys are read and checked once, by `init`. The typed parts of `BrokerConfiguration` then take
/// what they need; asking for a key that is in no table, or for another type than the table's, stops the program,
/// because it is a mistake in this program and not in a file.
struct ConfigurationReader {
    let settings: ConfigurationSettings
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var warnings: [ConfigurationWarning] = []
    /// The values of known keys that were set and are allowed.
    private var values: [String: ConfigurationValue] = [:]

    init(_ settings: ConfigurationSettings, warnings: [ConfigurationWarning], problems: [ConfigurationProblem]) {
        self.settings = settings
        self.warnings = warnings
        self.problems = problems
        for name in settings.names {
            guard let definition = ConfigurationKeys.broker(name), let setting = settings[name] else { continue }
            do throws(ConfigurationViolation) {
                values[name] = try definition.parse(setting.value)
            } catch {
                refuse(name, "must be \(error.allowed)")
            }
        }
    }

    /// Whether `name` was set to a value that is allowed.
    func isSet(_ name: String) -> Bool { values[name] != nil }

    /// The value of `name`: what was set, or the default.
    func value(_ name: String) -> ConfigurationValue {
        if let value = values[name] { return value }
        guard let definition = ConfigurationKeys.broker(name) else {
            preconditionFailure("\(name) is in no table of configuration keys")
        }
        return definition.defaultValue
    }

    /// Notes that the value of `name` cannot be used, unless something was already wrong with it.
    mutating func refuse(_ name: String, _ reason: String) {
        if problems.contains(where: { $0.name == name }) { return }
        let setting = settings[name]
        let isSecret = ConfigurationKeys.broker(name)?.isSensitive ?? false
        let value = setting?.value ?? ConfigurationKeys.broker(name)?.defaultValue.text
        problems.append(
            ConfigurationProblem(
                name: name, value: isSecret ? nil : value?.printable, reason: reason, origin: setting?.origin))
    }

    mutating func warn(_ name: String, _ message: String) {
        warnings.append(ConfigurationWarning(name: name, message: message, origin: settings[name]?.origin))
    }
}

extension ConfigurationReader {
    func integer(_ name: String) -> Int64 {
        guard let value = optionalInteger(name) else { preconditionFailure("\(name) has no default") }
        return value
    }

    func int(_ name: String) -> Int { Int(integer(name)) }

    /// A key of type `int` or `short`.
    func int32(_ name: String) -> Int32 { Int32(integer(name)) }

    /// nil when the key is not set and has no default.
    func optionalInteger(_ name: String) -> Int64? {
        switch value(name) {
        case .integer(let number): number
        case .null: nil
        default: preconditionFailure("\(name) is not an integer key")
        }
    }

    /// What `listener.name.<listener>.<key>` sets for one listener; nil where nothing does. `key` is an integer key.
    mutating func integer(_ key: String, ofListener listener: String) -> Int64? {
        let name = "\(ConfigurationKeys.listenerPrefix)\(listener.lowercased()).\(key)"
        guard let setting = settings[name], let definition = ConfigurationKeys.broker(key) else { return nil }
        do throws(ConfigurationViolation) {
            guard case .integer(let number) = try definition.parse(setting.value) else { return nil }
            return number
        } catch {
            refuse(name, "must be \(error.allowed)")
            return nil
        }
    }

    func boolean(_ name: String) -> Bool {
        guard case .boolean(let flag) = value(name) else { preconditionFailure("\(name) is not a boolean key") }
        return flag
    }

    func real(_ name: String) -> Double {
        guard case .real(let number) = value(name) else { preconditionFailure("\(name) is not a double key") }
        return number
    }

    func text(_ name: String) -> String {
        guard let text = optionalText(name) else { preconditionFailure("\(name) has no default") }
        return text
    }

    /// nil when the key is not set and has no default.
    func optionalText(_ name: String) -> String? {
        switch value(name) {
        case .text(let text): text
        case .null: nil
        default: preconditionFailure("\(name) is not a text key")
        }
    }

    /// The items of a list; none when the key is not set and has no default.
    func list(_ name: String) -> [String] {
        optionalText(name).map(ConfigurationValue.items) ?? []
    }
}

extension String {
    /// The text on one line: control characters as escapes, and cut when it is very long.
    var printable: String {
        var line = ""
        for scalar in unicodeScalars.prefix(200) {
            line += scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
        }
        return unicodeScalars.count > 200 ? line + "…" : line
    }
}
