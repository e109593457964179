// SPDX-License-Identifier: Apache-2.0

/// Reads one schema file; the grammar is in `Sources/KafkaProtocol/Schema/README.md`.
struct SchemaParser {
    /// A line without its comment, cut into words.
    struct Line {
        var indent: Int
        var words: [Substring]
        var comment: String
        var location: SourceLocation
    }

    private var lines: [Line]
    private var position = 0
    private let path: String
    /// The message being read.
    private var versions = VersionRange.all
    private var structures: [Structure] = []

    static func parse(_ text: String, path: String) throws(SchemaError) -> SchemaFile {
        var parser = try SchemaParser(text, path: path)
        let file = try parser.parseFile()
        for message in file.messages { try SchemaValidator(message: message).validate() }
        return file
    }

    private init(_ text: String, path: String) throws(SchemaError) {
        self.path = path
        lines = []
        for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let location = SourceLocation(file: path, line: index + 1)
            let hash = raw.firstIndex(of: "#")
            let code = hash.map { raw[..<$0] } ?? raw
            let words = code.split(separator: " ")
            if words.isEmpty { continue }
            let spaces = code.prefix { $0 == " " }.count
            if code.contains("\t") { throw SchemaError(location: location, message: "tabs are not allowed") }
            if spaces % 2 != 0 {
                throw SchemaError(location: location, message: "indentation is two spaces a level")
            }
            let comment = hash.map { String(raw[$0...].drop { $0 == "#" || $0 == " " }) } ?? ""
            lines.append(Line(indent: spaces / 2, words: words, comment: comment, location: location))
        }
    }

    private var endLocation: SourceLocation { lines.last?.location ?? SourceLocation(file: path, line: 1) }

    private mutating func nextHeading(_ expected: String) throws(SchemaError) -> Words {
        guard position < lines.count else {
            throw SchemaError(location: endLocation, message: "expected \(expected), found the end of the file")
        }
        let line = lines[position]
        guard line.indent == 0 else {
            throw SchemaError(location: line.location, message: "expected \(expected) without indentation")
        }
        position += 1
        return Words(line)
    }

    // MARK: Files

    private mutating func parseFile() throws(SchemaError) -> SchemaFile {
        var heading = try nextHeading("a heading")
        let kind = try heading.next("a kind of file")
        let file: SchemaFile
        switch kind {
        case "api": file = try parseAPI(&heading)
        case "metadata": file = try parseMetadata(&heading)
        case "coordinator": file = try parseCoordinator(&heading)
        case "header", "data": file = try parseData(&heading, role: kind == "header" ? .header : .data)
        default: throw heading.error("unknown kind of file '\(kind)'")
        }
        if position < lines.count {
            throw SchemaError(location: lines[position].location, message: "nothing may follow here")
        }
        return file
    }

    private mutating func parseAPI(_ heading: inout Words) throws(SchemaError) -> SchemaFile {
        let name = try heading.next("a name")
        let key = try heading.integer(after: "key")
        let versions = try heading.versions(after: "versions")
        let flexible = try heading.firstVersion(afterOptional: "flexible")
        let unstable = try heading.firstVersion(afterOptional: "unstable")
        let listeners = try heading.word(after: "listeners").split(separator: ",").map(String.init)
        try heading.expectEnd()
        if let unknown = listeners.first(where: { $0 != "broker" && $0 != "controller" }) {
            throw heading.error("unknown listener '\(unknown)'")
        }
        var messages: [Message] = []
        for (word, role, suffix) in [("request", Message.Role.request, "Request"), ("response", .response, "Response")]
        {
            var section = try nextHeading("'\(word)'")
            guard try section.next("'\(word)'") == word else { throw section.error("expected '\(word)'") }
            try section.expectEnd()
            messages.append(
                try parseMessage(name + suffix, role, versions: versions, flexible: flexible, at: section.location))
        }
        return SchemaFile(
            path: path, name: name, kind: .api(key: key, firstUnstable: unstable, listeners: listeners),
            messages: messages)
    }

    private mutating func parseMetadata(_ heading: inout Words) throws(SchemaError) -> SchemaFile {
        let name = try heading.next("a name")
        let type = try heading.integer(after: "key")
        let versions = try heading.versions(after: "versions")
        let flexible = try heading.firstVersion(afterOptional: "flexible")
        try heading.expectEnd()
        let message = try parseMessage(
            name, .metadata, versions: versions, flexible: flexible, at: heading.location)
        return SchemaFile(path: path, name: name, kind: .metadata(type: type), messages: [message])
    }

    private mutating func parseCoordinator(_ heading: inout Words) throws(SchemaError) -> SchemaFile {
        let coordinator = try heading.next("a coordinator")
        guard ["group", "transaction", "share"].contains(coordinator) else {
            throw heading.error("unknown coordinator '\(coordinator)'")
        }
        let name = try heading.next("a name")
        let type = try heading.integer(after: "key")
        try heading.expectEnd()
        var section = try nextHeading("'key'")
        guard try section.next("'key'") == "key" else { throw section.error("expected 'key'") }
        try section.expectEnd()
        let key = try parseMessage(
            name + "Key", .coordinatorKey, versions: VersionRange(lower: 0, upper: 0), flexible: nil,
            at: section.location)
        section = try nextHeading("'value'")
        guard try section.next("'value'") == "value" else { throw section.error("expected 'value'") }
        let versions = try section.versions(after: "versions")
        let flexible = try section.firstVersion(afterOptional: "flexible")
        try section.expectEnd()
        let value = try parseMessage(
            name + "Value", .coordinatorValue, versions: versions, flexible: flexible, at: section.location)
        return SchemaFile(
            path: path, name: name, kind: .coordinator(name: coordinator, type: type), messages: [key, value])
    }

    private mutating func parseData(_ heading: inout Words, role: Message.Role) throws(SchemaError) -> SchemaFile {
        let name = try heading.next("a name")
        let versions = try heading.versions(after: "versions")
        let flexible = try heading.firstVersion(afterOptional: "flexible")
        try heading.expectEnd()
        let message = try parseMessage(name, role, versions: versions, flexible: flexible, at: heading.location)
        return SchemaFile(path: path, name: name, kind: role == .header ? .header : .data, messages: [message])
    }

    // MARK: Messages

    private mutating func parseMessage(
        _ name: String, _ role: Message.Role, versions: VersionRange, flexible: Int16?, at location: SourceLocation
    ) throws(SchemaError) -> Message {
        self.versions = versions
        structures = []
        let fields = try parseFields(indent: 1, inside: versions)
        let root = Structure(name: name, versions: versions, fields: fields, location: location)
        return Message(
            name: name, role: role, versions: versions, firstFlexible: flexible, root: root, structures: structures)
    }

    private mutating func parseFields(indent: Int, inside versions: VersionRange) throws(SchemaError) -> [Field] {
        var fields: [Field] = []
        while position < lines.count, lines[position].indent >= indent {
            let line = lines[position]
            guard line.indent == indent else {
                throw SchemaError(location: line.location, message: "this line is indented too far")
            }
            position += 1
            var words = Words(line)
            if indent == 1, line.words[0] == "struct" {
                try parseSharedStructure(&words, inside: versions)
                continue
            }
            let field = try parseField(&words, comment: line.comment, inside: versions)
            let hasChildren = position < lines.count && lines[position].indent > indent
            if hasChildren {
                guard let name = field.type.structureName else {
                    throw SchemaError(
                        location: lines[position].location, message: "only a structure can hold fields")
                }
                // The structure's place is before those nested in it, as a reader meets them.
                let place = structures.count
                try addStructure(name, versions: field.versions, at: line.location)
                structures[place].fields = try parseFields(indent: indent + 1, inside: field.versions)
            }
            fields.append(field)
        }
        return fields
    }

    private mutating func parseSharedStructure(
        _ words: inout Words, inside versions: VersionRange
    ) throws(SchemaError) {
        _ = try words.next("'struct'")
        let name = try words.next("a name")
        var own = versions
        if let text = words.peek {
            guard let range = VersionRange(text), let cut = range.intersection(versions) else {
                throw words.error("'\(text)' are not versions of this message")
            }
            words.advance()
            own = cut
        }
        try words.expectEnd()
        let place = structures.count
        try addStructure(name, versions: own, at: words.location)
        structures[place].fields = try parseFields(indent: 2, inside: own)
    }

    private mutating func addStructure(
        _ name: String, versions: VersionRange, at location: SourceLocation
    ) throws(SchemaError) {
        if structures.contains(where: { $0.name == name }) {
            throw SchemaError(location: location, message: "structure '\(name)' is declared twice")
        }
        structures.append(Structure(name: name, versions: versions, fields: [], location: location))
    }
}
