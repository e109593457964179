// SPDX-License-Identifier: Apache-2.0

/// A parsed pattern.
indirect enum RegularExpressionNode: Equatable, Sendable {
    /// One character of the set.
    case characters(ASCIISet)
    case sequence([RegularExpressionNode])
    case alternatives([RegularExpressionNode])
    /// Without `maximum`, as often as one likes.
    case repetition(RegularExpressionNode, minimum: Int, maximum: Int?)
    case assertion(Assertion)

    /// What holds between two characters and takes none.
    enum Assertion: Sendable {
        case start
        case end
        case lineStart
        case lineEnd
        case wordBoundary
        case noWordBoundary

        func holds(before: UInt8?, after: UInt8?) -> Bool {
            switch self {
            case .start: before == nil
            case .end: after == nil
            case .lineStart: before == nil || before == UInt8(ascii: "\n")
            case .lineEnd: after == nil || after == UInt8(ascii: "\n")
            case .wordBoundary: Self.isWord(before) != Self.isWord(after)
            case .noWordBoundary: Self.isWord(before) == Self.isWord(after)
            }
        }

        private static func isWord(_ byte: UInt8?) -> Bool { byte.map(ASCIISet.word.contains) ?? false }
    }

    /// What the empty pattern is: matches nothing but the empty name.
    static let empty = RegularExpressionNode.sequence([])
}
