// SPDX-License-Identifier: Apache-2.0

/// Versions from `lower` to `upper`, both included; `upper` is `Int16.max` where the schema says `N+`.
struct VersionRange: Equatable {
    let lower: Int16
    let upper: Int16

    static let all = VersionRange(lower: 0, upper: .max)

    init(lower: Int16, upper: Int16) {
        self.lower = lower
        self.upper = upper
    }

    /// Reads `3`, `3-7` or `3+`; nil for anything else, an empty range included.
    init?(_ text: some StringProtocol) {
        if text.hasSuffix("+") {
            guard let lower = Self.number(text.dropLast()) else { return nil }
            self.init(lower: lower, upper: .max)
            return
        }
        let bounds = text.split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count <= 2, let first = bounds.first, let last = bounds.last,
            let lower = Self.number(first), let upper = Self.number(last), lower <= upper
        else { return nil }
        self.init(lower: lower, upper: upper)
    }

    private static func number(_ text: some StringProtocol) -> Int16? {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return Int16(text)
    }

    func contains(_ version: Int16) -> Bool { version >= lower && version <= upper }

    func contains(_ other: VersionRange) -> Bool { other.lower >= lower && other.upper <= upper }

    func intersection(_ other: VersionRange) -> VersionRange? {
        let low = max(lower, other.lower)
        let high = min(upper, other.upper)
        return low <= high ? VersionRange(lower: low, upper: high) : nil
    }
}

extension VersionRange: CustomStringConvertible {
    var description: String {
        if upper == .max { return "\(lower)+" }
        return lower == upper ? "\(lower)" : "\(lower)-\(upper)"
    }
}
