// SPDX-License-Identifier: Apache-2.0

extension SchemaParser {
    /// Reads `Name type [versions] [attribute …]`.
    func parseField(
        _ words: inout Words, comment: String, inside parent: VersionRange
    ) throws(SchemaError) -> Field {
        let name = try words.next("a field name")
        guard name.utf8.allSatisfy({ Self.isAlphanumeric($0) }), name.first?.isLetter == true else {
            throw words.error("'\(name)' is not a field name")
        }
        let typeWord = try words.next("a type")
        let pieces = typeWord.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var field = Field(
            name: name, swiftName: Naming.property(name), type: try parseType(String(pieces[0]), words), nullable: nil,
            versions: parent, defaultValue: .empty, tag: nil, isIgnorable: false, isKey: false, isZeroCopy: false,
            isClassic: false, comment: comment, location: words.location)
        if let text = words.peek, text.first?.isNumber == true {
            guard let range = VersionRange(text) else { throw words.error("'\(text)' are not versions") }
            words.advance()
            // A range outside the parent's stays as written: no served version carries the field.
            field.versions = range.intersection(parent) ?? range
        }
        try parseAttributes(&words, into: &field)
        if pieces.count == 2 {
            let range = pieces[1].isEmpty ? VersionRange.all : VersionRange(pieces[1])
            guard let range else { throw words.error("'\(pieces[1])' are not versions") }
            field.nullable = range.intersection(field.versions)
        }
        return field
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }

    private func parseType(_ text: String, _ words: Words) throws(SchemaError) -> FieldType {
        if text.hasPrefix("[]") {
            let element = try parseType(String(text.dropFirst(2)), words)
            if case .array = element { throw words.error("an array cannot hold arrays") }
            return .array(element)
        }
        if let scalar = FieldType.scalars[text] { return scalar }
        guard text.first?.isUppercase == true else { throw words.error("unknown type '\(text)'") }
        return .structure(text)
    }

    private func parseAttributes(_ words: inout Words, into field: inout Field) throws(SchemaError) {
        while let word = words.peek {
            words.advance()
            switch word {
            case "=":
                let value = try words.next("a default")
                field.defaultValue = value == "null" ? .null : .literal(value)
            case "tag":
                let number = try words.next("a tag number")
                guard let tag = Int(number), tag >= 0 else { throw words.error("'\(number)' is not a tag number") }
                field.tag = tag
            case "as": field.swiftName = try words.next("a Swift name")
            case "ignorable": field.isIgnorable = true
            case "key": field.isKey = true
            case "zerocopy": field.isZeroCopy = true
            case "classic": field.isClassic = true
            default: throw words.error("unknown attribute '\(word)'")
            }
        }
    }
}

/// The words of one line, taken one at a time.
struct Words {
    private var rest: ArraySlice<Substring>
    let location: SourceLocation

    init(_ line: SchemaParser.Line) {
        rest = line.words[...]
        location = line.location
    }

    var peek: String? { rest.first.map(String.init) }

    mutating func advance() { rest.removeFirst() }

    func error(_ message: String) -> SchemaError { SchemaError(location: location, message: message) }

    mutating func next(_ expected: String) throws(SchemaError) -> String {
        guard let word = rest.popFirst() else { throw error("expected \(expected)") }
        return String(word)
    }

    mutating func word(after keyword: String) throws(SchemaError) -> String {
        guard try next("'\(keyword)'") == keyword else { throw error("expected '\(keyword)'") }
        return try next("a word after '\(keyword)'")
    }

    mutating func integer(after keyword: String) throws(SchemaError) -> Int16 {
        let text = try word(after: keyword)
        guard let number = Int16(text), number >= 0 else { throw error("'\(text)' is not a \(keyword)") }
        return number
    }

    mutating func versions(after keyword: String) throws(SchemaError) -> VersionRange {
        let text = try word(after: keyword)
        guard let range = VersionRange(text), range.upper != .max else {
            throw error("'\(text)' is not a closed range of versions")
        }
        return range
    }

    /// Reads `keyword N+` where the keyword is there.
    mutating func firstVersion(afterOptional keyword: String) throws(SchemaError) -> Int16? {
        guard peek == keyword else { return nil }
        let text = try word(after: keyword)
        guard let range = VersionRange(text), range.upper == .max else {
            throw error("'\(text)' is not an open range of versions")
        }
        return range.lower
    }

    func expectEnd() throws(SchemaError) {
        if let word = rest.first { throw error("unexpected '\(word)'") }
    }
}
