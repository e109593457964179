// SPDX-License-Identifier: Apache-2.0

/// One Swift file: its text, and its code with comments, string literals and raw identifiers blanked out, so that
/// rules look at code only.
struct SwiftSource {
    /// Relative to the repository's root.
    let path: String
    let lines: [Substring]
    /// As long as the text, line for line.
    let code: [UInt8]

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var scanner = CodeScanner(Array(text.utf8))
        code = scanner.blankedCode()
    }

    /// The target whose folder the file is in; nil outside Sources.
    var target: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    /// The number of lines, without the empty one after the last line break.
    var lineCount: Int { lines.last == "" ? lines.count - 1 : lines.count }

    /// The code of each line.
    var codeLines: [String] {
        code.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// The modules that the file imports, with the line of each.
    var imports: [(module: String, line: Int)] {
        codeLines.enumerated().compactMap { index, line in
            var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })[...]
            while let first = words.first, first.hasPrefix("@") || Self.importModifiers.contains(String(first)) {
                words.removeFirst()
            }
            guard words.first == "import" else { return nil }
            words.removeFirst()
            if let kind = words.first, Self.importKinds.contains(String(kind)) { words.removeFirst() }
            guard let name = words.first?.split(separator: ".").first else { return nil }
            return (String(name), index + 1)
        }
    }

    private static let importModifiers: Set<String> = [
        "public", "package", "internal", "fileprivate", "private", "preconcurrency",
    ]
    private static let importKinds: Set<String> = [
        "struct", "class", "enum", "protocol", "typealias", "func", "let", "var",
    ]
}

/// Replaces what is not code by spaces; line breaks stay.
///
/// Knows line and nested block comments, strings (with escapes and interpolation, several lines, raw with any number
/// of `#`) and raw identifiers. Does not know bare-slash regular expressions; the project writes none.
private struct CodeScanner {
    private let bytes: [UInt8]
    private var output: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        output = bytes
    }

    mutating func blankedCode() -> [UInt8] {
        while position < bytes.count {
            if at("//") {
                blank(while: { $0 != UInt8(ascii: "\n") })
            } else if at("/*") {
                blankBlockComment()
            } else if at("`") {
                blank(1)
                blank(while: { $0 != UInt8(ascii: "`") && $0 != UInt8(ascii: "\n") })
                blank(1)
            } else if let hashes = stringOpening() {
                blankString(hashes: hashes)
            } else {
                position += 1
            }
        }
        return output
    }

    private func at(_ text: StaticString) -> Bool {
        guard position + text.utf8CodeUnitCount <= bytes.count else { return false }
        return text.withUTF8Buffer { wanted in
            bytes[position..<position + wanted.count].elementsEqual(wanted)
        }
    }

    /// The number of `#` before the quotation mark when a string starts here.
    private func stringOpening() -> Int? {
        var ahead = position
        while ahead < bytes.count, bytes[ahead] == UInt8(ascii: "#") { ahead += 1 }
        guard ahead < bytes.count, bytes[ahead] == UInt8(ascii: "\"") else { return nil }
        return ahead - position
    }

    private mutating func blank(_ count: Int) {
        for _ in 0..<count where position < bytes.count {
            if bytes[position] != UInt8(ascii: "\n") { output[position] = UInt8(ascii: " ") }
            position += 1
        }
    }

    private mutating func blank(while isInside: (UInt8) -> Bool) {
        while position < bytes.count, isInside(bytes[position]) { blank(1) }
    }

    private mutating func blankBlockComment() {
        var depth = 0
        repeat {
            if at("/*") {
                depth += 1
                blank(2)
            } else if at("*/") {
                depth -= 1
                blank(2)
            } else {
                blank(1)
            }
        } while depth > 0 && position < bytes.count
    }

    private mutating func blankString(hashes: Int) {
        blank(hashes)
        let isMultiline = at("\"\"\"")
        let quotes = isMultiline ? 3 : 1
        blank(quotes)
        while position < bytes.count {
            if isClosing(quotes: quotes, hashes: hashes) {
                blank(quotes + hashes)
                return
            }
            if !isMultiline && bytes[position] == UInt8(ascii: "\n") { return }
            if isEscape(hashes: hashes) {
                blank(1 + hashes)
                if at("(") { blankInterpolation() } else { blank(1) }
            } else {
                blank(1)
            }
        }
    }

    private func isClosing(quotes: Int, hashes: Int) -> Bool {
        let end = position + quotes + hashes
        guard end <= bytes.count else { return false }
        return bytes[position..<position + quotes].allSatisfy { $0 == UInt8(ascii: "\"") }
            && bytes[position + quotes..<end].allSatisfy { $0 == UInt8(ascii: "#") }
    }

    private func isEscape(hashes: Int) -> Bool {
        let end = position + 1 + hashes
        guard end < bytes.count, bytes[position] == UInt8(ascii: "\\") else { return false }
        return bytes[position + 1..<end].allSatisfy { $0 == UInt8(ascii: "#") }
    }

    /// An interpolation is blanked with the string around it; strings inside it may hold brackets of their own.
    private mutating func blankInterpolation() {
        var depth = 0
        repeat {
            if let hashes = stringOpening() {
                blankString(hashes: hashes)
                continue
            }
            if at("(") { depth += 1 }
            if at(")") { depth -= 1 }
            blank(1)
        } while depth > 0 && position < bytes.count
    }
}
