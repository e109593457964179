// SPDX-License-Identifier: Apache-2.0

/// Why a pattern is not a regular expression that the broker accepts.
package enum RegularExpressionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// More than this many bytes.
    case tooLong(limit: Int)
    /// Groups inside groups, more than this many levels.
    case tooDeep(limit: Int)
    /// More than this many instructions, mostly because of counted repetitions.
    case tooLarge(limit: Int)
    case missingClosingParenthesis
    case unexpectedClosingParenthesis
    case missingClosingBracket
    case missingRepeatArgument(String)
    case invalidRepeatOperator(String)
    case invalidRepeatSize(String)
    case invalidEscape(String)
    case invalidCharacterClass(String)
    case invalidCharacterRange(String)
    case invalidGroup(String)
    case invalidGroupName(String)
    case duplicateGroupName(String)
    case trailingBackslash

    package var description: String {
        switch self {
        case .tooLong(let limit): "it is longer than \(limit) bytes"
        case .tooDeep(let limit): "its groups stand inside each other more than \(limit) deep"
        case .tooLarge(let limit): "it needs more than \(limit) steps once its repetitions are written out"
        case .missingClosingParenthesis: "a group is not closed"
        case .unexpectedClosingParenthesis: "a closing parenthesis has no group"
        case .missingClosingBracket: "a character class is not closed"
        case .missingRepeatArgument(let text): "there is nothing to repeat before `\(text)`"
        case .invalidRepeatOperator(let text): "a repetition cannot be repeated: `\(text)`"
        case .invalidRepeatSize(let text): "the bounds of `\(text)` are not allowed"
        case .invalidEscape(let text): "`\(text)` is not an escape sequence"
        case .invalidCharacterClass(let text): "`\(text)` is not a character class"
        case .invalidCharacterRange(let text): "`\(text)` is not a range of characters"
        case .invalidGroup(let text): "`\(text)` does not begin a group"
        case .invalidGroupName(let text): "`\(text)` is not a name of a group"
        case .duplicateGroupName(let text): "the name `\(text)` is given to two groups"
        case .trailingBackslash: "a backslash stands at the end"
        }
    }
}
