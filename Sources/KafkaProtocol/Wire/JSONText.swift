// SPDX-License-Identifier: Apache-2.0

/// The texts of JSON values, as the Java library behind Kafka's tools prints them.
package enum JSONText {
    /// Appends a string in quotes: control characters, quotes and backslashes escaped, all else as it is.
    package static func append(quoted text: String, to json: inout String) {
        json.append("\"")
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": json.append("\\\"")
            case "\\": json.append("\\\\")
            case "\u{08}": json.append("\\b")
            case "\t": json.append("\\t")
            case "\n": json.append("\\n")
            case "\u{0C}": json.append("\\f")
            case "\r": json.append("\\r")
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                json.append("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
            default: json.unicodeScalars.append(scalar)
            }
        }
        json.append("\"")
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Standard Base64 with padding.
    package static func base64(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group: UInt32 = 0
            for index in 0..<3 { group = group << 8 | (index < count ? UInt32(bytes[start + index]) : 0) }
            for index in 0..<4 {
                let isPadding = index > count
                text.append(isPadding ? UInt8(ascii: "=") : alphabet[Int(group >> UInt32(18 - 6 * index) & 63)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// A double as Java prints it: plain from 10⁻³ up to 10⁷, otherwise with an exponent; always with a fraction.
    package static func number(_ value: Double) -> String {
        if value.isNaN { return "\"NaN\"" }
        if value.isInfinite { return value < 0 ? "\"-Infinity\"" : "\"Infinity\"" }
        if value == 0 { return value.sign == .minus ? "-0.0" : "0.0" }
        let sign = value < 0 ? "-" : ""
        var (digits, exponent) = decimal(value.magnitude)
        if exponent >= -3, exponent < 7 {
            if exponent < 0 {
                return "\(sign)0.\(String(repeating: "0", count: -exponent - 1))\(digits)"
            }
            while digits.count < exponent + 2 { digits.append("0") }
            return "\(sign)\(digits.prefix(exponent + 1)).\(digits.dropFirst(exponent + 1))"
        }
        let fraction = digits.count > 1 ? String(digits.dropFirst()) : "0"
        return "\(sign)\(digits.prefix(1)).\(fraction)E\(exponent)"
    }

    /// The shortest decimal digits of a positive number, without zeros at either end, and the power of ten of the
    /// first of them.
    private static func decimal(_ value: Double) -> (digits: String, exponent: Int) {
        let parts = value.description.split(separator: "e", maxSplits: 1)
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        var exponent = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) + mantissa[0].count - 1
        var digits = Substring(mantissa.joined())
        while digits.hasPrefix("0"), digits.count > 1 {
            digits = digits.dropFirst()
            exponent -= 1
        }
        while digits.hasSuffix("0"), digits.count > 1 { digits = digits.dropLast() }
        return (String(digits), exponent)
    }
}
