// SPDX-License-Identifier: Apache-2.0

/// A line of a schema file, for messages to its author.
struct SourceLocation: Equatable, CustomStringConvertible {
    let file: String
    let line: Int

    var description: String { "\(file):\(line)" }
}

/// What is wrong with a schema, and where.
struct SchemaError: Error, Equatable, CustomStringConvertible {
    let location: SourceLocation
    let message: String

    var description: String { "\(location): \(message)" }
}

/// The type of a field on the wire.
indirect enum FieldType: Equatable, Sendable {
    case bool, int8, int16, uint16, int32, uint32, int64, float64, uuid
    case string, bytes, records
    case structure(String)
    case array(FieldType)

    static let scalars: [String: FieldType] = [
        "bool": .bool, "int8": .int8, "int16": .int16, "uint16": .uint16, "int32": .int32, "uint32": .uint32,
        "int64": .int64, "float64": .float64, "uuid": .uuid, "string": .string, "bytes": .bytes, "records": .records,
    ]

    /// Whether null can stand for a value of the type.
    var isNullable: Bool {
        switch self {
        case .string, .bytes, .records, .structure, .array: true
        default: false
        }
    }

    /// The name of the structure that the type is, or is an array of.
    var structureName: String? {
        switch self {
        case .structure(let name), .array(.structure(let name)): name
        default: nil
        }
    }
}

/// What a field holds where the wire does not carry it.
enum DefaultValue: Equatable {
    /// Zero, false, empty, or a structure of defaults.
    case empty
    case null
    case literal(String)
}

struct Field {
    var name: String
    var swiftName: String
    var type: FieldType
    /// Versions in which null is allowed; nil where none is.
    var nullable: VersionRange?
    /// Versions that carry the field, cut to those of the structure around it.
    var versions: VersionRange
    var defaultValue: DefaultValue
    var tag: Int?
    /// Whether a value may be dropped silently in a version that does not carry the field.
    var isIgnorable: Bool
    /// Part of the key by which Kafka's own classes index the array; kept as a fact, it does not change the code.
    var isKey: Bool
    /// Kafka's own classes keep these bytes as a view; kept as a fact, it does not change the code.
    var isZeroCopy: Bool
    /// The field keeps the classic encoding in flexible versions.
    var isClassic: Bool
    var comment: String
    var location: SourceLocation
}

struct Structure {
    var name: String
    var versions: VersionRange
    var fields: [Field]
    var location: SourceLocation
}

/// One message: a root structure and those nested in it, in order of declaration.
struct Message {
    enum Role: Equatable {
        case request, response, header, data, metadata, coordinatorKey, coordinatorValue
    }

    var name: String
    var role: Role
    var versions: VersionRange
    /// The first version with compact lengths and tagged fields; nil where there is none.
    var firstFlexible: Int16?
    var root: Structure
    var structures: [Structure]

    func structure(named name: String) -> Structure? { structures.first { $0.name == name } }
}

/// The contents of one schema file.
struct SchemaFile {
    enum Kind: Equatable {
        case api(key: Int16, firstUnstable: Int16?, listeners: [String])
        case metadata(type: Int16)
        case coordinator(name: String, type: Int16)
        case header
        case data
    }

    /// Path of the file inside the schema folder.
    var path: String
    var name: String
    var kind: Kind
    var messages: [Message]
}
