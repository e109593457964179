// SPDX-License-Identifier: Apache-2.0

/// A configuration value that was read as its key's type.
package enum ConfigurationValue: Sendable, Equatable {
    /// The key has no value.
    case null
    case boolean(Bool)
    /// Any of the integer types.
    case integer(Int64)
    case real(Double)
    /// A string, class name or password; a list as its items with commas between them.
    case text(String)

    /// How the value is written in a file and in answers to clients, nil for `null`. Numbers look as Java prints them.
    package var text: String? {
        switch self {
        case .null: nil
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .real(let value): ConfigurationValue.javaText(value)
        case .text(let value): value
        }
    }

    /// The items of a list, without the white space around them.
    package static func items(of text: String) -> [String] {
        let text = text.trimmedBlanks
        if text.isEmpty { return [] }
        return text.split(separator: ",", omittingEmptySubsequences: false).map { String($0).trimmedBlanks }
    }

    /// `value` as Java's `Double.toString` prints it: plain from 10⁻³ up to 10⁷, else as digits, `E` and exponent.
    private static func javaText(_ value: Double) -> String {
        let magnitude = value.magnitude
        if magnitude == 0 || (0.001..<10_000_000).contains(magnitude) { return "\(value)" }
        let parts = "\(magnitude)".split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let whole = String(mantissa[0])
        let fraction = mantissa.count > 1 && mantissa[1] != "0" ? String(mantissa[1]) : ""
        var exponent = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) + whole.count - 1
        var digits = Substring(whole + fraction)
        while digits.count > 1, digits.first == "0" {
            digits = digits.dropFirst()
            exponent -= 1
        }
        while digits.count > 1, digits.last == "0" { digits = digits.dropLast() }
        let rest = digits.dropFirst()
        let sign = value < 0 ? "-" : ""
        return "\(sign)\(digits.prefix(1)).\(rest.isEmpty ? "0" : rest)E\(exponent)"
    }
}

extension String {
    /// The text without the spaces and control characters at both ends, as Java's `trim` does it.
    var trimmedBlanks: String {
        var rest = utf8[...]
        while let byte = rest.first, byte <= 0x20 { rest = rest.dropFirst() }
        while let byte = rest.last, byte <= 0x20 { rest = rest.dropLast() }
        return rest.count == utf8.count ? self : String(Substring(rest))
    }
}
