// SPDX-License-Identifier: Apache-2.0

/// Which values of its type a key allows. Values also have to fit their type: see `ConfigurationDefinition.parse`.
package enum ConfigurationConstraint: Sendable {
    case any
    case atLeast(Int64)
    case between(Int64, Int64)
    /// A range, and one value outside it.
    case betweenOr(Int64, Int64, other: Int64)
    /// A range of doubles, bounds included.
    case fraction(Double, Double)
    case oneOf([String])
    case oneOfIgnoringCase([String])
    /// Text with at least one character.
    case notEmpty
    /// A list without an item twice; `mayBeEmpty` says whether it may have none.
    case distinctItems(mayBeEmpty: Bool)
    /// A list of some of these, none of them twice.
    case itemsOf([String], mayBeEmpty: Bool)
    /// `*`, or a list of `partition:broker`.
    case throttledReplicas

    /// What is allowed, in words that follow "must be"; nil when everything is.
    package var allowed: String? {
        switch self {
        case .any: nil
        case .atLeast(let minimum): "at least \(minimum)"
        case .between(let minimum, let maximum): "from \(minimum) to \(maximum)"
        case .betweenOr(let minimum, let maximum, let other): "from \(minimum) to \(maximum), or \(other)"
        case .fraction(let minimum, let maximum): "from \(minimum) to \(maximum)"
        case .oneOf(let names): "one of \(names.joined(separator: ", "))"
        case .oneOfIgnoringCase(let names): "one of \(names.joined(separator: ", ")) in upper or lower case"
        case .notEmpty: "not empty"
        case .distinctItems(mayBeEmpty: true): "a list without an item twice"
        case .distinctItems(mayBeEmpty: false): "a list with at least one item and none twice"
        case .itemsOf(let names, mayBeEmpty: true): "empty or some of \(names.joined(separator: ", "))"
        case .itemsOf(let names, mayBeEmpty: false): "one or more of \(names.joined(separator: ", "))"
        case .throttledReplicas: "* or a list of partition:broker"
        }
    }

    /// Whether `value` is allowed.
    package func allows(_ value: ConfigurationValue) -> Bool {
        switch value {
        case .null, .boolean: true
        case .integer(let number): allows(number)
        case .real(let number):
            if case .fraction(let minimum, let maximum) = self { (minimum...maximum).contains(number) } else { true }
        case .text(let text): allows(text)
        }
    }

    private func allows(_ number: Int64) -> Bool {
        switch self {
        case .atLeast(let minimum): number >= minimum
        case .between(let minimum, let maximum): (minimum...maximum).contains(number)
        case .betweenOr(let minimum, let maximum, let other):
            (minimum...maximum).contains(number) || number == other
        default: true
        }
    }

    private func allows(_ text: String) -> Bool {
        let items = ConfigurationValue.items(of: text)
        switch self {
        case .oneOf(let names): return names.contains(text)
        case .oneOfIgnoringCase(let names): return names.contains { $0.lowercased() == text.lowercased() }
        case .notEmpty: return !text.isEmpty
        case .distinctItems(let mayBeEmpty):
            return areDistinct(items) && (mayBeEmpty || !items.isEmpty)
        case .itemsOf(let names, let mayBeEmpty):
            return areDistinct(items) && (mayBeEmpty || !items.isEmpty) && items.allSatisfy(names.contains)
        case .throttledReplicas:
            return items.isEmpty || items == ["*"] || items.allSatisfy(isReplica)
        default: return true
        }
    }

    private func areDistinct(_ items: [String]) -> Bool {
        !items.contains("") && Set(items).count == items.count
    }

    /// Whether `item` reads `partition:broker`.
    private func isReplica(_ item: String) -> Bool {
        let numbers = item.split(separator: ":", omittingEmptySubsequences: false)
        return numbers.count == 2
            && numbers.allSatisfy { number in
                !number.isEmpty && number.utf8.allSatisfy { (0x30...0x39).contains($0) } && Int32(number) != nil
            }
    }
}
