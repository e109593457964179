// SPDX-License-Identifier: Apache-2.0

extension Properties {
    /// Reads a file as `java.util.Properties.load` does.
    ///
    /// Comments begin with `#` or `!`; a key ends at the first `=`, `:` or white space that no backslash precedes; a
    /// backslash at the end of a line continues it on the next one, whose leading white space does not count; `\t`,
    /// `\n`, `\r`, `\f` and `\uXXXX` stand for characters, a backslash before any other character for that character.
    ///
    /// Java reads the bytes as ISO-8859-1. People write UTF-8 today, so bytes that are valid UTF-8 are read as that and
    /// all others as ISO-8859-1. Throws for a `\u` without four hexadecimal digits and for half a surrogate pair.
    public init(parsing bytes: [UInt8]) throws(PropertiesError) {
        self.init()
        var lines = LogicalLines(bytes: Properties.utf8(bytes))
        while let number = lines.advance() {
            let (keyEnd, valueStart) = Properties.split(lines.current)
            let key = try Properties.unescape(lines.current[..<keyEnd], line: number)
            let value = try Properties.unescape(lines.current[valueStart...], line: number)
            append(Entry(key: key, value: value, line: number))
        }
    }

    /// `bytes` when they are valid UTF-8, else their ISO-8859-1 characters as UTF-8. A byte-order mark is dropped.
    private static func utf8(_ bytes: [UInt8]) -> [UInt8] {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            return bytes.flatMap { $0 < 0x80 ? [$0] : [0xC0 | $0 >> 6, 0x80 | $0 & 0x3F] }
        }
        return bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    }

    /// Where the key of a logical line ends and its value starts.
    private static func split(_ line: [UInt8]) -> (keyEnd: Int, valueStart: Int) {
        var keyEnd = 0
        var escaped = false
        while keyEnd < line.count {
            let byte = line[keyEnd]
            if !escaped, isSeparator(byte) || isBlank(byte) { break }
            escaped = byte == UInt8(ascii: "\\") && !escaped
            keyEnd += 1
        }
        var valueStart = keyEnd
        var sawSeparator = false
        while valueStart < line.count {
            if isSeparator(line[valueStart]), !sawSeparator {
                sawSeparator = true
            } else if !isBlank(line[valueStart]) {
                break
            }
            valueStart += 1
        }
        return (keyEnd, valueStart)
    }

    private static func unescape(_ bytes: ArraySlice<UInt8>, line: Int) throws(PropertiesError) -> String {
        guard bytes.contains(UInt8(ascii: "\\")) else { return String(decoding: bytes, as: UTF8.self) }
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        var rest = bytes
        var highSurrogate: UInt16?
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let escape = rest.popFirst() else {
                if highSurrogate != nil { throw halfPair(line) }
                text.append(byte)
                continue
            }
            guard escape == UInt8(ascii: "u") else {
                if highSurrogate != nil { throw halfPair(line) }
                text.append(character(forEscape: escape))
                continue
            }
            let unit = try codeUnit(&rest, line: line)
            highSurrogate = try append(unit, after: highSurrogate, to: &text, line: line)
        }
        if highSurrogate != nil { throw halfPair(line) }
        return String(decoding: text, as: UTF8.self)
    }

    private static func character(forEscape escape: UInt8) -> UInt8 {
        switch escape {
        case UInt8(ascii: "t"): UInt8(ascii: "\t")
        case UInt8(ascii: "n"): UInt8(ascii: "\n")
        case UInt8(ascii: "r"): UInt8(ascii: "\r")
        case UInt8(ascii: "f"): 0x0C
        default: escape
        }
    }

    /// Reads the four digits after `\u`.
    private static func codeUnit(_ rest: inout ArraySlice<UInt8>, line: Int) throws(PropertiesError) -> UInt16 {
        let digits = rest.prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else {
            throw PropertiesError(line: line, reason: "\\u must be followed by four hexadecimal digits")
        }
        rest = rest.dropFirst(4)
        return unit
    }

    /// Appends a UTF-16 code unit as UTF-8. The first half of a pair is returned, to come back as `high` with the
    /// other half.
    private static func append(
        _ unit: UInt16, after high: UInt16?, to text: inout [UInt8], line: Int
    ) throws(PropertiesError) -> UInt16? {
        if let high {
            guard UTF16.isTrailSurrogate(unit) else { throw halfPair(line) }
            let scalar = UTF16.decode(UTF16.EncodedScalar([high, unit]))
            text.append(contentsOf: String(scalar).utf8)
            return nil
        }
        if UTF16.isLeadSurrogate(unit) { return unit }
        guard let scalar = Unicode.Scalar(unit) else { throw halfPair(line) }
        text.append(contentsOf: String(scalar).utf8)
        return nil
    }

    private static func halfPair(_ line: Int) -> PropertiesError {
        PropertiesError(line: line, reason: "a \\u escape names half of a surrogate pair without the other half")
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "=") || byte == UInt8(ascii: ":")
    }

    fileprivate static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == 0x0C
    }
}

/// Joins the lines of a file that continue each other, and leaves out blank lines and comments.
private struct LogicalLines {
    let bytes: [UInt8]
    /// The line that `advance` found, without the backslashes and white space at its joints.
    private(set) var current: [UInt8] = []
    private var position = 0
    private var lineNumber = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Moves to the next line that holds an entry and returns the number of its first line; nil at the end.
    mutating func advance() -> Int? {
        current.removeAll(keepingCapacity: true)
        var first: Int?
        while position < bytes.count {
            let line = nextNaturalLine().drop(while: Properties.isBlank)
            guard let start = line.first else {
                if current.isEmpty { continue }
                return first
            }
            if current.isEmpty {
                if start == UInt8(ascii: "#") || start == UInt8(ascii: "!") { continue }
                first = lineNumber
            }
            let backslashes = line.reversed().prefix { $0 == UInt8(ascii: "\\") }.count
            guard backslashes % 2 == 1 else {
                current += line
                return first
            }
            current += line.dropLast()
        }
        return current.isEmpty ? nil : first
    }

    /// The bytes up to the next `\n`, `\r` or `\r\n`, which is passed over.
    private mutating func nextNaturalLine() -> ArraySlice<UInt8> {
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n"), bytes[position] != UInt8(ascii: "\r") {
            position += 1
        }
        let line = bytes[start..<position]
        if position < bytes.count {
            let isPair =
                bytes[position] == UInt8(ascii: "\r") && position + 1 < bytes.count
                && bytes[position + 1] == UInt8(ascii: "\n")
            position += isPair ? 2 : 1
        }
        lineNumber += 1
        return line
    }
}
