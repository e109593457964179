// SPDX-License-Identifier: Apache-2.0

/// A function, initialiser or subscript with a body.
struct FunctionLength: Equatable {
    /// The line of its `func`, `init`, `deinit` or `subscript`, from 1.
    let firstLine: Int
    /// Lines from there to the closing brace, both counted.
    let lines: Int
}

/// Finds functions by counting braces: an opening brace belongs to the last declaration keyword before it that stands
/// outside round brackets.
struct FunctionLengthScanner {
    private struct OpenBrace {
        /// Set when the brace opens a function's body.
        let functionLine: Int?
        /// What held before the brace and holds again after it: a closure may be a default argument.
        let outerParentheses: Int
        let outerPending: Int?
    }

    private static let functionWords: Set<String> = ["func", "init", "deinit", "subscript"]
    private static let otherWords: Set<String> = [
        "var", "let", "class", "struct", "enum", "actor", "extension", "protocol", "if", "else", "for", "while",
        "guard",
        "switch", "do", "catch", "repeat", "defer", "case", "return", "get", "set", "willSet", "didSet",
    ]

    private var braces: [OpenBrace] = []
    private var parentheses = 0
    private var line = 1
    /// The line of the function whose body has not begun yet.
    private var pendingFunction: Int?
    private(set) var functions: [FunctionLength] = []

    static func functions(in source: SwiftSource) -> [FunctionLength] {
        var scanner = FunctionLengthScanner()
        scanner.scan(source.code)
        return scanner.functions.sorted { $0.firstLine < $1.firstLine }
    }

    private mutating func scan(_ code: [UInt8]) {
        var position = 0
        while position < code.count {
            if Self.isWordByte(code[position]) {
                let start = position
                while position < code.count, Self.isWordByte(code[position]) { position += 1 }
                let isMember = start > 0 && code[start - 1] == UInt8(ascii: ".")
                if !isMember { see(word: String(decoding: code[start..<position], as: UTF8.self)) }
                continue
            }
            see(mark: code[position])
            position += 1
        }
    }

    private mutating func see(word: String) {
        guard parentheses == 0 else { return }
        if Self.functionWords.contains(word) {
            pendingFunction = line
        } else if Self.otherWords.contains(word) {
            pendingFunction = nil
        }
    }

    private mutating func see(mark: UInt8) {
        switch mark {
        case UInt8(ascii: "\n"): line += 1
        case UInt8(ascii: "("): parentheses += 1
        case UInt8(ascii: ")"): parentheses = max(0, parentheses - 1)
        case UInt8(ascii: "{"): open()
        case UInt8(ascii: "}"): close()
        default: break
        }
    }

    private mutating func open() {
        let isBody = parentheses == 0
        braces.append(
            OpenBrace(
                functionLine: isBody ? pendingFunction : nil, outerParentheses: parentheses,
                outerPending: isBody ? nil : pendingFunction))
        parentheses = 0
        pendingFunction = nil
    }

    private mutating func close() {
        guard let brace = braces.popLast() else { return }
        parentheses = brace.outerParentheses
        pendingFunction = brace.outerPending
        if let first = brace.functionLine {
            functions.append(FunctionLength(firstLine: first, lines: line - first + 1))
        }
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }
}
