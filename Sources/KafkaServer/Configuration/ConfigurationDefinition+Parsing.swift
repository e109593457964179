// SPDX-License-Identifier: Apache-2.0

/// A value that its key does not allow.
package struct ConfigurationViolation: Error, Equatable, Sendable {
    /// What is allowed, in words that follow "must be".
    package let allowed: String
}

extension ConfigurationDefinition {
    /// Reads `text` as a value of this key, with white space around it ignored. Throws when the text is not of the
    /// key's type or not among the values that the key allows.
    package func parse(_ text: String) throws(ConfigurationViolation) -> ConfigurationValue {
        guard let value = read(text.trimmedBlanks), constraint.allows(value) else {
            throw ConfigurationViolation(allowed: allowed)
        }
        return value
    }

    /// What values the key allows, in words that follow "must be".
    package var allowed: String {
        switch type {
        case .boolean: "true or false"
        case .short: numeric("a 16-bit integer")
        case .int: numeric("an integer")
        case .long: numeric("a 64-bit integer")
        case .double: numeric("a number")
        case .string, .list, .class, .password: constraint.allowed ?? "text"
        }
    }

    private func numeric(_ noun: String) -> String {
        constraint.allowed.map { "\(noun), \($0)" } ?? noun
    }

    private func read(_ text: String) -> ConfigurationValue? {
        switch type {
        case .boolean:
            switch text.lowercased() {
            case "true": .boolean(true)
            case "false": .boolean(false)
            default: nil
            }
        case .short: Int16(text).map { .integer(Int64($0)) }
        case .int: Int32(text).map { .integer(Int64($0)) }
        case .long: Int64(text).map { .integer($0) }
        case .double: Double(text).flatMap { $0.isNaN ? nil : .real($0) }
        case .list: .text(ConfigurationValue.items(of: text).joined(separator: ","))
        case .string, .class, .password: .text(text)
        }
    }
}
