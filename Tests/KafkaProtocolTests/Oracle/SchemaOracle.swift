// SPDX-License-Identifier: Apache-2.0
import Foundation

@testable import generate_protocol

/// A second implementation of the wire format that interprets the schemas. The generated code must agree with it.
struct SchemaOracle {
    let message: Message

    /// What the generated encoder must refuse.
    enum Refusal: Error, Equatable {
        case fieldNotInVersion
        case unexpectedNull
    }

    static let files: [SchemaFile] = {
        let folder = Package.folder.appendingPathComponent("Sources/KafkaProtocol/Schema")
        // The suite cannot run without schemas.
        return try! Generator(schemaFolder: folder).files
    }()

    static let messages: [Message] = files.flatMap(\.messages)

    /// All messages by name.
    static let byName = Dictionary(uniqueKeysWithValues: messages.map { ($0.name, $0) })

    func isFlexible(_ version: Int16) -> Bool { message.firstFlexible.map { version >= $0 } ?? false }

    func structure(_ name: String) -> Structure { message.structure(named: name)! }

    // MARK: Defaults

    func defaultValue(_ field: Field) -> Value {
        switch field.defaultValue {
        case .null: return .null
        case .literal(let text): return text == "true" ? .bool(true) : .integer(Int64(text)!)
        case .empty: break
        }
        switch field.type {
        case .bool: return .bool(false)
        case .int8, .int16, .uint16, .int32, .uint32, .int64: return .integer(0)
        case .float64: return .double(0)
        case .uuid: return .uuid(0, 0)
        case .string: return .text("")
        case .bytes: return .bytes([])
        case .records: return .null
        case .array: return .array([])
        case .structure(let name): return .structure(defaults(structure(name)))
        }
    }

    func defaults(_ structure: Structure) -> Value.Record {
        var fields: [String: Value] = [:]
        for field in structure.fields { fields[field.name] = defaultValue(field) }
        return Value.Record(fields: fields, unknown: [])
    }
}

/// Where the package's sources are: tests compare them with what the generator writes.
enum Package {
    static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
}
