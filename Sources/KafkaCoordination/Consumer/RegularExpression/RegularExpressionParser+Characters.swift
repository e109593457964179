// SPDX-License-Identifier: Apache-2.0

/// Escape sequences and character classes.
extension RegularExpressionParser {
    /// A backslash and what follows it, outside of brackets.
    mutating func parseEscape() throws(RegularExpressionError) -> RegularExpressionNode {
        guard let scalar = peek(1) else { throw .trailingBackslash }
        let assertion: RegularExpressionNode.Assertion? =
            switch scalar {
            case "A": .start
            case "z": .end
            case "b": .wordBoundary
            case "B": .noWordBoundary
            default: nil
            }
        if let assertion {
            position += 2
            return .assertion(assertion)
        }
        if let set = try parseClassEscape() { return .characters(set) }
        return literal(try parseCharacterEscape())
    }

    /// `\d`, `\pL`, `\p{Greek}` and their like; nil, with nothing read, for other escapes.
    private mutating func parseClassEscape() throws(RegularExpressionError) -> ASCIISet? {
        guard next == "\\", let scalar = peek(1) else { return nil }
        let perl: ASCIISet? =
            switch scalar {
            case "d": .digits
            case "D": .digits.inverted
            case "s": .perlSpace
            case "S": .perlSpace.inverted
            case "w": .word
            case "W": .word.inverted
            default: nil
            }
        if let perl {
            position += 2
            return perl
        }
        guard scalar == "p" || scalar == "P" else { return nil }
        return try parseUnicodeClass(isNegated: scalar == "P")
    }

    private mutating func parseUnicodeClass(isNegated: Bool) throws(RegularExpressionError) -> ASCIISet {
        let start = position
        position += 2
        var name = ""
        if skip("{") {
            while let scalar = next, scalar != "}" {
                name.unicodeScalars.append(scalar)
                position += 1
            }
            guard skip("}") else { throw .invalidCharacterClass(text(from: start)) }
        } else if let scalar = next {
            name.unicodeScalars.append(scalar)
            position += 1
        }
        let isCaret = name.hasPrefix("^")
        if isCaret { name.removeFirst() }
        guard let set = ASCIISet.unicode(name) else { throw .invalidCharacterClass(text(from: start)) }
        let folded = fold(set)
        return isNegated != isCaret ? folded.inverted : folded
    }

    /// An escape that stands for one character.
    private mutating func parseCharacterEscape() throws(RegularExpressionError) -> Unicode.Scalar {
        let start = position
        position += 1
        guard let scalar = next else { throw .trailingBackslash }
        position += 1
        switch scalar {
        case "a": return "\u{07}"
        case "f": return "\u{0C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{0B}"
        case "x": return try parseHexadecimal(from: start)
        case "0"..."7": return try parseOctal(scalar, from: start)
        default:
            // ASCII punctuation stands for itself; nothing else may be escaped without a meaning.
            let isPunctuation = scalar.value < 128 && !scalar.isASCIILetter && scalar.decimalDigit == nil
            guard isPunctuation else { throw .invalidEscape(text(from: start)) }
            return scalar
        }
    }

    /// Up to three octal digits. A single digit other than 0 would refer back to a group, which RE2 has not.
    private mutating func parseOctal(
        _ first: Unicode.Scalar, from start: Int
    ) throws(RegularExpressionError) -> Unicode.Scalar {
        func isOctal(_ scalar: Unicode.Scalar?) -> Bool { (scalar?.decimalDigit ?? 8) < 8 }
        guard first == "0" || isOctal(next) else { throw .invalidEscape(text(from: start)) }
        var value = first.value - 48
        for _ in 0..<2 {
            guard isOctal(next), let digit = next?.decimalDigit else { break }
            value = value * 8 + digit
            position += 1
        }
        // At most 0777.
        return Unicode.Scalar(value) ?? first
    }

    /// `\x7F` or `\x{10FFFF}`.
    private mutating func parseHexadecimal(from start: Int) throws(RegularExpressionError) -> Unicode.Scalar {
        var value: UInt32 = 0
        var digits = 0
        let isBraced = skip("{")
        while isBraced || digits < 2, let digit = next?.hexadecimalDigit, value <= 0x10FFFF {
            value = value * 16 + digit
            digits += 1
            position += 1
        }
        let isComplete = isBraced ? digits > 0 && skip("}") : digits == 2
        guard isComplete, let scalar = Unicode.Scalar(value) else { throw .invalidEscape(text(from: start)) }
        return scalar
    }
}

// MARK: - Brackets

extension RegularExpressionParser {
    /// `[…]`: characters, ranges, escapes and named classes.
    mutating func parseBrackets() throws(RegularExpressionError) -> ASCIISet {
        position += 1
        let isNegated = skip("^")
        var set = ASCIISet.empty
        var isFirst = true
        while next != "]" || isFirst {
            guard next != nil else { throw .missingClosingBracket }
            isFirst = false
            if let named = try parseNamedClass() {
                set.formUnion(fold(named))
            } else if let escaped = try parseClassEscape() {
                set.formUnion(escaped)
            } else {
                set.formUnion(fold(try parseRange()))
            }
        }
        position += 1
        // RE2 lets a negated class match a line's end.
        return isNegated ? set.inverted : set
    }

    /// `[:alpha:]` or `[:^alpha:]`; nil, with nothing read, where no such thing stands here.
    private mutating func parseNamedClass() throws(RegularExpressionError) -> ASCIISet? {
        guard next == "[", peek(1) == ":" else { return nil }
        let start = position
        var end = position + 2
        while end + 1 < scalars.count, !(scalars[end] == ":" && scalars[end + 1] == "]") { end += 1 }
        guard end + 1 < scalars.count else { return nil }
        position += 2
        let isNegated = skip("^")
        let nameStart = position
        position = end
        let name = text(from: nameStart)
        position = end + 2
        guard let set = ASCIISet.posix(name) else { throw .invalidCharacterClass(text(from: start)) }
        return isNegated ? set.inverted : set
    }

    private mutating func parseRange() throws(RegularExpressionError) -> ASCIISet {
        let start = position
        let first = try parseBracketCharacter()
        guard next == "-", let afterDash = peek(1), afterDash != "]" else {
            return ASCIISet(from: first.value, through: first.value)
        }
        position += 1
        let last = try parseBracketCharacter()
        guard first.value <= last.value else { throw .invalidCharacterRange(text(from: start)) }
        return ASCIISet(from: first.value, through: last.value)
    }

    private mutating func parseBracketCharacter() throws(RegularExpressionError) -> Unicode.Scalar {
        guard let scalar = next else { throw .missingClosingBracket }
        if scalar == "\\" { return try parseCharacterEscape() }
        position += 1
        return scalar
    }
}
