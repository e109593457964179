// SPDX-License-Identifier: Apache-2.0

/// A numeric IPv4 or IPv6 address, equal however it was written: `::1` and `0:0:0:0:0:0:0:1`, `10.0.0.1` and
/// `::ffff:10.0.0.1`.
package struct InternetAddress: Hashable, Comparable, Sendable {
    /// The sixteen bytes of an IPv6 address, IPv4 ones in their mapped form (RFC 4291, section 2.5.5.2).
    private let high: UInt64
    private let low: UInt64

    /// Reads a numeric address; nil for anything else, names and zones among it.
    package init?(_ text: String) {
        if let groups = Self.groups(text) {
            high = groups[..<4].reduce(0) { $0 << 16 | UInt64($1) }
            low = groups[4...].reduce(0) { $0 << 16 | UInt64($1) }
        } else if let address = Self.version4(text[...]) {
            high = 0
            low = 0xffff << 32 | UInt64(address)
        } else {
            return nil
        }
    }

    package static func < (left: InternetAddress, right: InternetAddress) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }

    /// Four decimal numbers up to 255 with dots between them.
    private static func version4(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (48...57).contains($0) }),
                let byte = UInt8(part)
            else { return nil }
            address = address << 8 | UInt32(byte)
        }
        return address
    }

    /// The eight groups of an IPv6 address; nil where it is none.
    private static func groups(_ text: String) -> [UInt16]? {
        guard text.utf8.count <= 45, text.utf8.contains(UInt8(ascii: ":")) else { return nil }
        guard let gap = doubleColon(text) else {
            let groups = groups(in: text[...])
            return groups?.count == 8 ? groups : nil
        }
        let front = text[..<gap.lowerBound]
        // The IPv4 form may stand at the very end only.
        guard !front.utf8.contains(UInt8(ascii: ".")), let left = groups(in: front),
            let right = groups(in: text[gap.upperBound...]), left.count + right.count < 8
        else { return nil }
        return left + [UInt16](repeating: 0, count: 8 - left.count - right.count) + right
    }

    /// The first `::`; a second one makes an empty group, which is refused.
    private static func doubleColon(_ text: String) -> Range<String.Index>? {
        let bytes = text.utf8
        var index = bytes.startIndex
        while index != bytes.endIndex {
            let next = bytes.index(after: index)
            guard next != bytes.endIndex else { return nil }
            if bytes[index] == UInt8(ascii: ":"), bytes[next] == UInt8(ascii: ":") {
                return index..<bytes.index(after: next)
            }
            index = next
        }
        return nil
    }

    /// Hexadecimal groups with colons between them, the last two perhaps as an IPv4 address.
    private static func groups(in text: Substring) -> [UInt16]? {
        if text.isEmpty { return [] }
        let parts = text.split(separator: ":", maxSplits: 8, omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, part.utf8.contains(UInt8(ascii: ".")) {
                guard let address = version4(part) else { return nil }
                groups += [UInt16(address >> 16), UInt16(truncatingIfNeeded: address)]
            } else {
                guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(isHexadecimal),
                    let group = UInt16(part, radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups.count <= 8 ? groups : nil
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte)
    }
}
