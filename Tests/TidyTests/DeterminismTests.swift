// SPDX-License-Identifier: Apache-2.0
import Testing

/// Below the edges, time, order and chance come in through the `Runtime` value only; otherwise a simulation could not
/// be repeated from its seed.
@Suite struct DeterminismTests {
    struct Rule: Sendable, CustomTestStringConvertible {
        /// What must not stand in the code, spelled as code.
        let pattern: String
        let instead: String

        var testDescription: String { pattern }

        /// The pattern starts at a word's start.
        func matches(_ code: String) -> Bool {
            var rest = code[...]
            while let range = rest.firstRange(of: pattern) {
                let before = range.lowerBound > code.startIndex ? code[code.index(before: range.lowerBound)] : " "
                let isWordStart = !(before.isLetter || before.isNumber || before == "_")
                if isWordStart || pattern.hasPrefix(".") { return true }
                rest = rest[range.upperBound...]
            }
            return false
        }
    }

    static let rules: [Rule] = [
        Rule(pattern: "Date()", instead: "runtime.clock"),
        Rule(pattern: "ContinuousClock", instead: "runtime.clock"),
        Rule(pattern: "SuspendingClock", instead: "runtime.clock"),
        Rule(pattern: "clock_gettime", instead: "runtime.clock"),
        Rule(pattern: "UUID()", instead: "KafkaUUID from runtime.random"),
        Rule(pattern: "SystemRandomNumberGenerator", instead: "runtime.random"),
        Rule(pattern: ".random(in:", instead: "runtime.random"),
        Rule(pattern: ".random()", instead: "runtime.random"),
        Rule(pattern: ".randomElement()", instead: "runtime.random"),
        Rule(pattern: ".shuffled()", instead: "runtime.random"),
        Rule(pattern: ".shuffle()", instead: "runtime.random"),
        Rule(pattern: ".hashValue", instead: "an explicit hash: Swift's is seeded per process"),
        Rule(pattern: "Task {", instead: "a serial queue"),
        Rule(pattern: "Task(", instead: "a serial queue"),
        Rule(pattern: "Task.", instead: "a serial queue"),
        Rule(pattern: "await ", instead: "a completion on a serial queue"),
        Rule(pattern: "actor ", instead: "a struct owned by a class with a queue or lock"),
        Rule(pattern: "Thread.", instead: "runtime.queues"),
        Rule(pattern: "DispatchQueue", instead: "runtime.queues"),
    ]

    @Test(arguments: rules)
    func `code below the edges does without`(rule: Rule) {
        for source in Repository.sources where Layering.deterministic.contains(source.target ?? "") {
            for (index, line) in source.codeLines.enumerated() where rule.matches(line) {
                Issue.record("\(source.path):\(index + 1) has \"\(rule.pattern)\"; use \(rule.instead)")
            }
        }
    }

    @Test(arguments: [("let now = Date()", true), ("let update = lastUpdate()", false), ("FactorTask {", false)])
    func `a rule matches words, not parts of words`(code: String, isFound: Bool) {
        #expect(Self.rules.contains { $0.matches(code) } == isFound)
    }
}
