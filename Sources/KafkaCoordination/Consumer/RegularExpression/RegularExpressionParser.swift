// SPDX-License-Identifier: Apache-2.0

/// Reads RE2's syntax by recursive descent over the pattern's code points; recursion is bounded by the depth of groups.
struct RegularExpressionParser {
    /// What `(?flags)` switches. Greediness (`U`) is read and makes no difference.
    struct Flags {
        var ignoresCase = false
        var dotMatchesNewline = false
        var linesHaveAnchors = false
    }

    var scalars: [Unicode.Scalar]
    var position = 0
    var flags = Flags()
    private var depth = 0
    var groupNames: Set<String> = []

    init(_ pattern: String) { scalars = Array(pattern.unicodeScalars) }

    var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    func peek(_ distance: Int) -> Unicode.Scalar? {
        position + distance < scalars.count ? scalars[position + distance] : nil
    }

    /// The pattern's text from `start` to here.
    func text(from start: Int) -> String {
        var text = ""
        for scalar in scalars[start..<min(position, scalars.count)] { text.unicodeScalars.append(scalar) }
        return text
    }

    mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        position += 1
        return true
    }

    mutating func parse() throws(RegularExpressionError) -> RegularExpressionNode {
        let node = try parseAlternatives()
        guard next == nil else { throw .unexpectedClosingParenthesis }
        return node
    }

    /// Up to the end or a closing parenthesis, which is left.
    private mutating func parseAlternatives() throws(RegularExpressionError) -> RegularExpressionNode {
        var alternatives: [RegularExpressionNode] = []
        repeat { alternatives.append(try parseSequence()) } while skip("|")
        return alternatives.count == 1 ? alternatives[0] : .alternatives(alternatives)
    }

    private mutating func parseSequence() throws(RegularExpressionError) -> RegularExpressionNode {
        var nodes: [RegularExpressionNode] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            if scalar == "\\", peek(1) == "Q" {
                nodes.append(contentsOf: parseQuoted())
            } else if let repeated = try parseRepetition(of: nodes.last) {
                nodes[nodes.count - 1] = repeated
            } else if let node = try parseAtom() {
                nodes.append(node)
            }
        }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    /// `\Q…\E`: everything in between stands for itself; without `\E` up to the end.
    private mutating func parseQuoted() -> [RegularExpressionNode] {
        position += 2
        var nodes: [RegularExpressionNode] = []
        while let scalar = next {
            if scalar == "\\", peek(1) == "E" {
                position += 2
                break
            }
            position += 1
            nodes.append(literal(scalar))
        }
        return nodes
    }

    /// A node, or nil where what was read (flags) stands for nothing.
    private mutating func parseAtom() throws(RegularExpressionError) -> RegularExpressionNode? {
        guard let scalar = next else { return nil }
        switch scalar {
        case "(": return try parseGroup()
        case "[": return .characters(try parseBrackets())
        case "\\": return try parseEscape()
        default: position += 1
        }
        switch scalar {
        case ".": return .characters(flags.dotMatchesNewline ? .all : .all.subtracting(.newline))
        case "^": return .assertion(flags.linesHaveAnchors ? .lineStart : .start)
        case "$": return .assertion(flags.linesHaveAnchors ? .lineEnd : .end)
        default: return literal(scalar)
        }
    }

    func literal(_ scalar: Unicode.Scalar) -> RegularExpressionNode {
        .characters(fold(ASCIISet(from: scalar.value, through: scalar.value)))
    }

    /// With both cases of letters where case is ignored.
    func fold(_ set: ASCIISet) -> ASCIISet { flags.ignoresCase ? set.foldingCase : set }
}

// MARK: - Groups

extension RegularExpressionParser {
    private mutating func parseGroup() throws(RegularExpressionError) -> RegularExpressionNode? {
        let start = position
        position += 1
        let outer = flags
        if skip("?") {
            if try parseName(from: start) {
                // A name makes no difference otherwise.
            } else if try parseFlags(from: start) == .untilGroupEnds {
                return nil
            }
        }
        depth += 1
        guard depth <= RegularExpression.depthMax else { throw .tooDeep(limit: RegularExpression.depthMax) }
        let node = try parseAlternatives()
        guard skip(")") else { throw .missingClosingParenthesis }
        depth -= 1
        flags = outer
        return node
    }

    /// `P<name>` or `<name>`; false, with nothing read, where neither stands here.
    private mutating func parseName(from start: Int) throws(RegularExpressionError) -> Bool {
        let nameDistance = next == "P" && peek(1) == "<" ? 2 : next == "<" && peek(1) != "=" && peek(1) != "!" ? 1 : 0
        guard nameDistance > 0 else { return false }
        position += nameDistance
        let nameStart = position
        while let scalar = next, scalar.value < 128, ASCIISet.word.contains(UInt8(scalar.value)) { position += 1 }
        let name = text(from: nameStart)
        guard skip(">"), !name.isEmpty else {
            position += next == nil ? 0 : 1
            throw .invalidGroupName(text(from: start))
        }
        guard groupNames.insert(name).inserted else { throw .duplicateGroupName(name) }
        return true
    }

    private enum FlagScope {
        case thisGroup
        case untilGroupEnds
    }

    /// `i`, `m`, `s`, `U`, after a `-` switched off, up to `:` or `)`.
    private mutating func parseFlags(from start: Int) throws(RegularExpressionError) -> FlagScope {
        var isOn = true
        var hasFlag = false
        while let scalar = next {
            position += 1
            switch scalar {
            case "i": flags.ignoresCase = isOn
            case "m": flags.linesHaveAnchors = isOn
            case "s": flags.dotMatchesNewline = isOn
            case "U": break
            case "-" where isOn:
                isOn = false
                hasFlag = false
                continue
            case ":" where isOn || hasFlag: return .thisGroup
            case ")" where hasFlag: return .untilGroupEnds
            default: throw .invalidGroup(text(from: start))
            }
            hasFlag = true
        }
        throw .missingClosingParenthesis
    }
}

// MARK: - Repetitions

extension RegularExpressionParser {
    /// The repetition that stands here, of the node before it; nil where none does.
    private mutating func parseRepetition(
        of node: RegularExpressionNode?
    ) throws(RegularExpressionError) -> RegularExpressionNode? {
        let start = position
        guard let (minimum, maximum) = try parseBounds() else { return nil }
        guard let node else { throw .missingRepeatArgument(text(from: start)) }
        // What is repeated lazily matches the same names.
        _ = skip("?")
        let end = position
        if try parseBounds() != nil { throw .invalidRepeatOperator(text(from: start)) }
        position = end
        return .repetition(node, minimum: minimum, maximum: maximum)
    }

    private mutating func parseBounds() throws(RegularExpressionError) -> (Int, Int?)? {
        switch next {
        case "*":
            position += 1
            return (0, nil)
        case "+":
            position += 1
            return (1, nil)
        case "?":
            position += 1
            return (0, 1)
        case "{": return try parseCountedBounds()
        default: return nil
        }
    }

    /// `{n}`, `{n,}` or `{n,m}`; nil, with nothing read, for other braces, which stand for themselves.
    private mutating func parseCountedBounds() throws(RegularExpressionError) -> (Int, Int?)? {
        let start = position
        position += 1
        let minimum = parseNumber()
        var maximum = minimum
        if minimum != nil, skip(",") { maximum = parseNumber() }
        let isOpen = position > start && scalars[position - 1] == ","
        guard let minimum, maximum != nil || isOpen, skip("}") else {
            position = start
            return nil
        }
        let limit = RegularExpression.repetitionsMax
        guard minimum <= limit, maximum.map({ $0 <= limit && $0 >= minimum }) ?? true else {
            throw .invalidRepeatSize(text(from: start))
        }
        return (Int(minimum), maximum.map(Int.init))
    }

    /// Digits, saturating; nil where none stand here.
    private mutating func parseNumber() -> UInt32? {
        var number: UInt32?
        while let digit = next?.decimalDigit {
            number = min((number ?? 0) * 10 + digit, 100_000)
            position += 1
        }
        return number
    }
}

extension Unicode.Scalar {
    var decimalDigit: UInt32? { value >= 48 && value <= 57 ? value - 48 : nil }

    var hexadecimalDigit: UInt32? {
        switch value {
        case 48...57: value - 48
        case 65...70: value - 55
        case 97...102: value - 87
        default: nil
        }
    }

    var isASCIILetter: Bool { (65...90).contains(value) || (97...122).contains(value) }
}
