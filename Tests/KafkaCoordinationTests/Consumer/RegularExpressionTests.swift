// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import KafkaCoordination

@Suite struct RegularExpressionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let pattern: String
        let matching: [String]
        let others: [String]

        init(_ pattern: String, _ matching: [String], not others: [String] = []) {
            self.pattern = pattern
            self.matching = matching
            self.others = others
        }

        var testDescription: String { pattern }
    }

    static let cases: [Case] = [
        Case("orders", ["orders"], not: ["orders2", "my-orders", ""]),
        Case("orders.*", ["orders", "orders-eu"], not: ["my-orders"]),
        Case("", [""], not: ["a"]),
        Case("a|", ["a", ""], not: ["b"]),
        Case("a|b|cd", ["a", "b", "cd"], not: ["ab", "c", "d"]),
        Case("(foo|bar)-[0-9]+", ["foo-1", "bar-42"], not: ["foo-", "baz-1", "foo-1x"]),
        Case("a?b*c+", ["c", "abc", "bbcc", "ac"], not: ["ab", "aac", ""]),
        Case("a*?b+?c??", ["b", "aabb", "bc"], not: ["a", "bcc"]),
        Case("a{3}", ["aaa"], not: ["aa", "aaaa"]),
        Case("a{2,}", ["aa", "aaaaa"], not: ["a"]),
        Case("a{1,2}b{0,1}", ["a", "aab"], not: ["aaa", "b", "abb"]),
        Case("(ab){2}", ["abab"], not: ["ab", "ababab"]),
        Case("a{0}b", ["b"], not: ["ab"]),
        Case("a{,2}", ["a{,2}"], not: ["a", "aa"]),
        Case("a{x}", ["a{x}"]),
        Case("x{1000}", [String(repeating: "x", count: 1000)], not: [String(repeating: "x", count: 999)]),
        Case("[abc-]", ["a", "-"], not: ["d"]),
        Case("[]a]", ["]", "a"], not: ["b"]),
        Case("[^]a]", ["b"], not: ["]", "a"]),
        Case("[^a-c]+", ["xyz", "-"], not: ["xaz", ""]),
        Case("[a-c-e]", ["-", "e", "b"], not: ["d"]),
        Case("[\\d_-]+", ["1_2-3"], not: ["a"]),
        Case("[[:alpha:]]+[[:digit:]]", ["ab1"], not: ["1", "ab"]),
        Case("[[:^alpha:]]", ["1", "."], not: ["a"]),
        Case("[[:word:][:punct:]]+", ["a_b-c.d"], not: ["a b"]),
        Case("\\d\\D\\w\\W\\S", ["1a_-x"], not: ["a1_-x"]),
        Case("\\s", [" ", "\t"], not: ["\u{0B}", "s"]),
        Case("\\pL\\p{Lu}\\p{^Lu}\\P{Nd}", ["aBc-"], not: ["aBC-", "abc-"]),
        Case("\\p{Greek}|\\p{Latin}", ["x"], not: ["1"]),
        Case("^a$", ["a"], not: ["aa"]),
        Case("\\Aa\\z", ["a"]),
        Case("a^b|a$b", [], not: ["ab"]),
        Case("^*a", ["a"]),
        Case("a\\b-b", ["a-b"]),
        Case("a\\bb", [], not: ["ab"]),
        Case("a\\Bb", ["ab"]),
        Case("(?i)OrDers-[a-c]", ["orders-B", "ORDERS-c"], not: ["orders-d"]),
        Case("(?i:a)b", ["ab", "Ab"], not: ["aB"]),
        Case("((?i)a)b", ["Ab"], not: ["aB"]),
        Case("(?i)a(?-i)b", ["Ab"], not: ["AB"]),
        Case("(?i-s:a.)", ["AB"]),
        Case("(?U)a+", ["aa"]),
        Case("(?i)[^a]", ["b"], not: ["a", "A"]),
        Case("(?:a|b)c", ["ac", "bc"]),
        Case("(?P<name>a)(?<other>b)", ["ab"]),
        Case("a.b", ["a-b", "axb"], not: ["ab", "a\nb"]),
        Case("(?s)a.b", ["a\nb"]),
        Case("(?m)a\n^b$", ["a\nb"]),
        Case("a\\.b", ["a.b"], not: ["axb"]),
        Case("\\Qa.b*\\Ec*", ["a.b*", "a.b*cc"], not: ["axb"]),
        Case("\\Qa.b", ["a.b"], not: ["axb"]),
        Case("\\Qab\\E*", ["a", "abbb"], not: ["abab"]),
        Case("\\x41\\x{42}\\103\\0", ["ABC\u{00}"]),
        Case("\\a\\f\\n\\r\\t\\v", ["\u{07}\u{0C}\n\r\t\u{0B}"]),
        Case("(a*)*", ["", "aaaa"], not: ["b"]),
        Case("(a|b|)*c", ["c", "abbac"], not: ["ab"]),
        Case("(|a){3}b", ["b", "aaab"], not: ["aaaab"]),
        Case("grüße|x", ["x"], not: ["gr"]),
        Case("[à-ÿ]|y", ["y"], not: ["a"]),
    ]

    @Test(arguments: cases)
    func `a pattern matches whole names`(_ example: Case) throws {
        let expression = try RegularExpression(example.pattern)
        for name in example.matching { #expect(expression.matches(name), "\(name)") }
        for name in example.others { #expect(!expression.matches(name), "\(name)") }
        #expect(expression.matching(example.others + example.matching) == example.matching)
    }

    @Test(arguments: [
        ("(", RegularExpressionError.missingClosingParenthesis),
        ("a)", .unexpectedClosingParenthesis),
        ("(?i", .missingClosingParenthesis),
        ("[a", .missingClosingBracket),
        ("[]", .missingClosingBracket),
        ("[a-", .missingClosingBracket),
        ("*a", .missingRepeatArgument("*")),
        ("a|*", .missingRepeatArgument("*")),
        ("(+)", .missingRepeatArgument("+")),
        ("{2}", .missingRepeatArgument("{2}")),
        ("a**", .invalidRepeatOperator("**")),
        ("a*+", .invalidRepeatOperator("*+")),
        ("a+???", .invalidRepeatOperator("+??")),
        ("a{2}{3}", .invalidRepeatOperator("{2}{3}")),
        ("a{2,1}", .invalidRepeatSize("{2,1}")),
        ("a{1001}", .invalidRepeatSize("{1001}")),
        ("a{99999999999999999999}", .invalidRepeatSize("{99999999999999999999}")),
        ("\\", .trailingBackslash),
        ("[\\", .trailingBackslash),
        ("\\1", .invalidEscape("\\1")),
        ("\\8", .invalidEscape("\\8")),
        ("\\y", .invalidEscape("\\y")),
        ("\\Z", .invalidEscape("\\Z")),
        ("\\x4", .invalidEscape("\\x4")),
        ("\\x{110000}", .invalidEscape("\\x{110000}")),
        ("[\\b]", .invalidEscape("\\b")),
        ("\\p{Klingon}", .invalidCharacterClass("\\p{Klingon}")),
        ("[[:letters:]]", .invalidCharacterClass("[:letters:]")),
        ("[z-a]", .invalidCharacterRange("z-a")),
        ("[a-\\d]", .invalidEscape("\\d")),
        ("(?=a)", .invalidGroup("(?=")),
        ("(?<=a)", .invalidGroup("(?<")),
        ("(?<!a)", .invalidGroup("(?<")),
        ("(?-)", .invalidGroup("(?-)")),
        ("(?x)a", .invalidGroup("(?x")),
        ("(?P<a-b>x)", .invalidGroupName("(?P<a-")),
        ("(?P<>x)", .invalidGroupName("(?P<>x")),
        ("(?P<n>a)(?P<n>b)", .duplicateGroupName("n")),
        (String(repeating: "a", count: 4097), .tooLong(limit: 4096)),
        (String(repeating: "(", count: 101) + String(repeating: ")", count: 101), .tooDeep(limit: 100)),
        ("((a{100}){100}){100}", .tooLarge(limit: 2000)),
    ])
    func `what RE2 would refuse is refused`(pattern: String, error: RegularExpressionError) {
        #expect(throws: error) { try RegularExpression(pattern) }
        #expect(!error.description.isEmpty)
    }

    @Test func `repetitions of nothing take no room and no time`() throws {
        #expect(try RegularExpression("((()){1000}){1000}").matches(""))
    }

    /// A matcher that tries one way after the other would take longer than the universe has existed.
    @Test(arguments: ["(a*)*b", "(a|aa)+b", "(a|a)*b", "(.*.*.*.*)*b", "(a?){30}a{30}b", "((a{0,20}){0,20})*b"])
    func `hostile patterns take linear time`(pattern: String) throws {
        #expect(try !RegularExpression(pattern).matches(String(repeating: "a", count: 249)))
    }

    /// The parsed pattern is followed literally: from where to where in the name may each part of it stand?
    @Test func `random patterns match what their parts say`() throws {
        var random = TestRandom(seed: 2)
        let names = (0..<24).map { _ in random.text(of: ["a", "b", "A", "-", "1"], upTo: 5) }
        for _ in 0..<400 {
            let pattern = random.pattern(depth: 3)
            var parser = RegularExpressionParser(pattern)
            let node = try parser.parse()
            let expression = try RegularExpression(pattern)
            for name in names {
                let expected = node.ends(in: Array(name.utf8), from: [0]).contains(name.utf8.count)
                #expect(expression.matches(name) == expected, "\(pattern) on \(name)")
            }
        }
    }

    @Test func `random text is parsed or refused, whatever it is`() {
        var random = TestRandom(seed: 3)
        let pieces = [
            "a", "(", ")", "[", "]", "{", "}", "*", "+", "?", "\\", "|", "-", "^", "$", ",", "1", "x", "p", "Q", "E",
            ":", "i",
            "<", ">", "P", "é", "[:", ":]",
        ]
        var accepted = 0
        for _ in 0..<5000 {
            let pattern = random.text(of: pieces, upTo: 12)
            if let expression = try? RegularExpression(pattern) {
                accepted += 1
                _ = expression.matches("a-1x")
            }
        }
        #expect(accepted > 100)
    }
}

extension TestRandom {
    mutating func text(of pieces: [String], upTo length: Int) -> String {
        (0..<below(length + 1)).map { _ in pieces[below(pieces.count)] }.joined()
    }

    mutating func pattern(depth: Int) -> String {
        let atoms = ["a", "b", "1", ".", "[ab]", "[^a]", "\\d", "\\w", "-", "\\b", "(?i)a", "[[:alpha:]]", "", "\\B"]
        if depth == 0 { return atoms[below(atoms.count)] }
        switch below(4) {
        case 0: return (0...below(3)).map { _ in pattern(depth: depth - 1) }.joined(separator: "|")
        case 1: return (0...below(3)).map { _ in "(?:" + pattern(depth: depth - 1) + ")" }.joined()
        case 2:
            let operators = ["*", "+", "?", "{2}", "{1,3}", "*?", "{0,2}", "{2,}"]
            return "(" + pattern(depth: depth - 1) + ")" + operators[below(operators.count)]
        default: return "(" + pattern(depth: depth - 1) + ")"
        }
    }
}

extension RegularExpressionNode {
    /// Where this may end when it begins at one of `starts`.
    func ends(in name: [UInt8], from starts: Set<Int>) -> Set<Int> {
        switch self {
        case .characters(let set):
            return Set(starts.filter { $0 < name.count && set.contains(name[$0]) }.map { $0 + 1 })
        case .assertion(let assertion):
            return starts.filter {
                assertion.holds(before: $0 > 0 ? name[$0 - 1] : nil, after: $0 < name.count ? name[$0] : nil)
            }
        case .sequence(let nodes): return nodes.reduce(starts) { $1.ends(in: name, from: $0) }
        case .alternatives(let nodes): return nodes.reduce(into: []) { $0.formUnion($1.ends(in: name, from: starts)) }
        case .repetition(let node, let minimum, let maximum):
            var current = starts
            for _ in 0..<minimum { current = node.ends(in: name, from: current) }
            var all = current
            // More rounds than there are characters lead nowhere new.
            for _ in minimum..<max(minimum, min(maximum ?? .max, minimum + name.count + 1)) {
                current = node.ends(in: name, from: current)
                all.formUnion(current)
            }
            return all
        }
    }
}
