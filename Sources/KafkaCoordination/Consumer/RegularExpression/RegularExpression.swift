// SPDX-License-Identifier: Apache-2.0

/// A pattern that consumers subscribe with (`SubscribedTopicRegex`, KIP-848), in the syntax of RE2.
///
/// Patterns come from clients and may be hostile, so matching takes time linear in the name: the pattern becomes a
/// nondeterministic automaton whose states are all followed at once. Nothing of RE2's syntax for which this is
/// impossible (references back, looking around) exists. Size and depth are limited, which bounds memory and the time of
/// one match: `instructionsMax` steps per character.
///
/// Only a match of the whole name counts, so greediness and groups make no difference. Names of topics are ASCII;
/// characters beyond it are allowed in a pattern and never match.
package struct RegularExpression: Equatable, Sendable {
    /// Bytes of a pattern.
    package static let patternBytesMax = 4096
    /// Groups inside each other.
    package static let depthMax = 100
    /// Instructions of the automaton; a repetition with bounds counts as often as it is written out.
    package static let instructionsMax = 2000
    /// The largest number in `{n,m}`.
    package static let repetitionsMax: UInt32 = 1000

    package let pattern: String
    private let program: RegularExpressionProgram

    /// - Throws: what is wrong with the pattern; the answer is INVALID_REGULAR_EXPRESSION.
    package init(_ pattern: String) throws(RegularExpressionError) {
        guard pattern.utf8.count <= Self.patternBytesMax else { throw .tooLong(limit: Self.patternBytesMax) }
        var parser = RegularExpressionParser(pattern)
        program = try RegularExpressionProgram(try parser.parse())
        self.pattern = pattern
    }

    /// Whether the pattern matches the name from its first to its last character.
    package func matches(_ name: String) -> Bool {
        var name = name
        return name.withUTF8 { program.matches($0) }
    }

    /// The names that match, in the order given. Sets aside its working memory once for all of them.
    package func matching(_ names: some Sequence<String>) -> [String] {
        var states = RegularExpressionProgram.States(count: program.count)
        var found: [String] = []
        for var name in names where name.withUTF8({ program.matches($0, using: &states) }) { found.append(name) }
        return found
    }

    package static func == (left: RegularExpression, right: RegularExpression) -> Bool { left.pattern == right.pattern }
}
