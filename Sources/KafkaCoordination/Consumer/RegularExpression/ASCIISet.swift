// SPDX-License-Identifier: Apache-2.0

/// A set of ASCII characters. Names of topics are ASCII, so what a pattern says of other characters never matters.
struct ASCIISet: Equatable, Sendable {
    private var low: UInt64
    private var high: UInt64

    private init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    static let empty = ASCIISet(low: 0, high: 0)
    static let all = ASCIISet(low: .max, high: .max)

    /// The characters of `text`, which may write a range as `a-z`; a `-` that is meant as such stands last.
    init(_ text: StaticString) {
        self = .empty
        text.withUTF8Buffer { bytes in
            var index = 0
            while index < bytes.count {
                if index + 2 < bytes.count, bytes[index + 1] == UInt8(ascii: "-") {
                    insert(from: UInt32(bytes[index]), through: UInt32(bytes[index + 2]))
                    index += 3
                } else {
                    insert(from: UInt32(bytes[index]), through: UInt32(bytes[index]))
                    index += 1
                }
            }
        }
    }

    /// What of the inclusive range of code points is ASCII.
    init(from first: UInt32, through last: UInt32) {
        self = .empty
        insert(from: first, through: last)
    }

    func contains(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<64: low >> UInt64(byte) & 1 == 1
        case 64..<128: high >> UInt64(byte - 64) & 1 == 1
        default: false
        }
    }

    /// Adds what of the inclusive range of code points is ASCII.
    mutating func insert(from first: UInt32, through last: UInt32) {
        guard first < 128, first <= last else { return }
        for code in first...min(last, 127) {
            if code < 64 { low |= 1 << UInt64(code) } else { high |= 1 << UInt64(code - 64) }
        }
    }

    mutating func formUnion(_ other: ASCIISet) {
        low |= other.low
        high |= other.high
    }

    var inverted: ASCIISet { ASCIISet(low: ~low, high: ~high) }

    func subtracting(_ other: ASCIISet) -> ASCIISet { ASCIISet(low: low & ~other.low, high: high & ~other.high) }

    /// With every letter also in its other case.
    var foldingCase: ASCIISet {
        let letters: UInt64 = 0x07FF_FFFE
        let upper = high & letters
        let lower = (high >> 32) & letters
        return ASCIISet(low: low, high: high | (upper << 32) | lower)
    }
}

extension ASCIISet {
    static let digits = ASCIISet("0-9")
    static let word = ASCIISet("0-9A-Za-z_")
    /// `\s`: without the vertical tab, as RE2 has it.
    static let perlSpace = ASCIISet("\t\n\u{0C}\r ")
    static let newline = ASCIISet("\n")

    /// The class that is written `[:name:]` inside brackets; nil for a name there is not.
    static func posix(_ name: String) -> ASCIISet? {
        switch name {
        case "alnum": ASCIISet("0-9A-Za-z")
        case "alpha": ASCIISet("A-Za-z")
        case "ascii": .all
        case "blank": ASCIISet("\t ")
        case "cntrl": ASCIISet("\u{00}-\u{1F}\u{7F}")
        case "digit": .digits
        case "graph": ASCIISet("!-~")
        case "lower": ASCIISet("a-z")
        case "print": ASCIISet(" -~")
        case "punct": ASCIISet("!-/:-@[-`{-~")
        case "space": ASCIISet("\t-\r ")
        case "upper": ASCIISet("A-Z")
        case "word": .word
        case "xdigit": ASCIISet("0-9A-Fa-f")
        default: nil
        }
    }
}
