// SPDX-License-Identifier: Apache-2.0

/// Checks the rules that concern more than one line of a message.
struct SchemaValidator {
    let message: Message

    func validate() throws(SchemaError) {
        if let first = message.firstFlexible, first > message.versions.upper {
            throw SchemaError(location: message.root.location, message: "no version is flexible from \(first)")
        }
        for structure in [message.root] + message.structures {
            try validate(structure)
        }
        try refuseCycles()
    }

    private func validate(_ structure: Structure) throws(SchemaError) {
        var names: Set<String> = []
        var tags: Set<Int> = []
        for field in structure.fields {
            if !names.insert(field.swiftName).inserted {
                throw error(field, "field '\(field.name)' is declared twice")
            }
            if let tag = field.tag, !tags.insert(tag).inserted { throw error(field, "tag \(tag) is used twice") }
            try validate(field, in: structure)
        }
    }

    private func validate(_ field: Field, in structure: Structure) throws(SchemaError) {
        if field.nullable != nil, !field.type.isNullable { throw error(field, "this type cannot be null") }
        if let name = field.type.structureName, message.structure(named: name) == nil {
            throw error(field, "structure '\(name)' is not declared")
        }
        if field.isClassic, field.type != .string { throw error(field, "only a string can stay classic") }
        if field.isZeroCopy, field.type != .bytes { throw error(field, "only bytes can be zerocopy") }
        if field.type == .array(.records) { throw error(field, "records cannot stand in an array") }
        try validateTag(field, in: structure)
        try validateDefault(field)
    }

    private func validateTag(_ field: Field, in structure: Structure) throws(SchemaError) {
        guard field.tag != nil else { return }
        guard let first = message.firstFlexible, field.versions.lower >= first else {
            throw error(field, "a tagged field needs flexible versions")
        }
        guard field.versions.upper >= structure.versions.upper else {
            throw error(field, "the versions of a tagged field must not end")
        }
        if let nullable = field.nullable, nullable != field.versions {
            throw error(field, "a tagged field is nullable in all of its versions or in none")
        }
        if field.type == .records { throw error(field, "records cannot be tagged") }
    }

    private func validateDefault(_ field: Field) throws(SchemaError) {
        switch field.defaultValue {
        case .empty: return
        case .null:
            guard field.nullable == field.versions else {
                throw error(field, "null can be the default only where every version is nullable")
            }
        case .literal(let text):
            guard Self.isLiteral(text, of: field.type) else {
                throw error(field, "'\(text)' cannot be the default of this type")
            }
        }
    }

    private static func isLiteral(_ text: String, of type: FieldType) -> Bool {
        switch type {
        case .bool: text == "true"
        case .int8: Int8(text) != nil
        case .int16: Int16(text) != nil
        case .uint16: UInt16(text) != nil
        case .int32: Int32(text) != nil
        case .uint32: UInt32(text) != nil
        case .int64: Int64(text) != nil
        default: false
        }
    }

    /// A structure that holds itself outside an array would have no end.
    private func refuseCycles() throws(SchemaError) {
        for structure in message.structures {
            var seen: Set<String> = []
            var open = [structure.name]
            while let name = open.popLast() {
                for field in message.structure(named: name)?.fields ?? [] {
                    guard let child = field.type.structureName else { continue }
                    if child == structure.name { throw error(field, "structure '\(child)' holds itself") }
                    if seen.insert(child).inserted { open.append(child) }
                }
            }
        }
    }

    private func error(_ field: Field, _ text: String) -> SchemaError {
        SchemaError(location: field.location, message: text)
    }
}
