// SPDX-License-Identifier: Apache-2.0

extension Properties {
    /// The file that `java.util.Properties.store` would write with these entries in this order, one line each behind
    /// the comments.
    ///
    /// Everything outside printable ASCII becomes an escape, so the bytes mean the same in ISO-8859-1 and in UTF-8.
    /// A comment with line breaks takes as many lines.
    public func serialized(comments: [String] = []) -> [UInt8] {
        var bytes: [UInt8] = []
        for comment in comments {
            for line in comment.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
                bytes.append(UInt8(ascii: "#"))
                for unit in line.utf16 { Properties.appendPrintable(unit, to: &bytes) }
                bytes.append(UInt8(ascii: "\n"))
            }
        }
        for entry in entries {
            Properties.appendEscaped(entry.key, spaces: .all, to: &bytes)
            bytes.append(UInt8(ascii: "="))
            Properties.appendEscaped(entry.value, spaces: .first, to: &bytes)
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }

    /// Which spaces need a backslash: in a key each one would end it; in a value only the first would be skipped.
    private enum EscapedSpaces {
        case all
        case first
    }

    private static func appendEscaped(_ text: String, spaces: EscapedSpaces, to bytes: inout [UInt8]) {
        var isFirst = true
        for unit in text.utf16 {
            switch unit {
            case 0x20:
                if isFirst || spaces == .all { bytes.append(UInt8(ascii: "\\")) }
                bytes.append(UInt8(ascii: " "))
            case 0x09: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "t")]
            case 0x0A: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case 0x0C: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "f")]
            case 0x0D: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "r")]
            case 0x21, 0x23, 0x3A, 0x3D, 0x5C:  // ! # : = and the backslash
                bytes += [UInt8(ascii: "\\"), UInt8(truncatingIfNeeded: unit)]
            default: appendPrintable(unit, to: &bytes)
            }
            isFirst = false
        }
    }

    /// Printable ASCII as it is, any other code unit as `\uXXXX`.
    private static func appendPrintable(_ unit: UInt16, to bytes: inout [UInt8]) {
        if (0x20...0x7E).contains(unit) {
            bytes.append(UInt8(unit))
            return
        }
        bytes += [UInt8(ascii: "\\"), UInt8(ascii: "u")]
        for shift in [12, 8, 4, 0] as [UInt16] {
            let digit = UInt8(truncatingIfNeeded: unit >> shift & 0xF)
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10)
        }
    }
}
