// SPDX-License-Identifier: Apache-2.0
@testable import generate_protocol

extension SchemaOracle {
    func encode(_ record: Value.Record, version: Int16) throws -> [UInt8] {
        try encode(record, as: message.root, version: version)
    }

    private func encode(_ record: Value.Record, as structure: Structure, version: Int16) throws -> [UInt8] {
        let flexible = isFlexible(version)
        var output: [UInt8] = []
        var tags: [Value.Tag] = record.unknown
        for field in structure.fields {
            // A field that no version carries has no place in the generated types either.
            if field.versions.intersection(structure.versions) == nil { continue }
            let value = record.fields[field.name]!
            guard field.versions.contains(version) else {
                if !field.isIgnorable, value != defaultValue(field) { throw Refusal.fieldNotInVersion }
                continue
            }
            let nullable = field.nullable?.contains(version) ?? false
            if let tag = field.tag {
                if value == defaultValue(field) { continue }
                let bytes = try encodeTagged(value, field, version: version, nullable: nullable)
                tags.append(Value.Tag(tag: UInt32(tag), bytes: bytes))
            } else {
                output += try encode(
                    value, field.type, version: version, flexible: flexible && !field.isClassic, nullable: nullable)
            }
        }
        if flexible {
            tags.sort { $0.tag < $1.tag }
            output += varint(tags.count)
            for tag in tags { output += varint(Int(tag.tag)) + varint(tag.bytes.count) + tag.bytes }
        } else if !record.unknown.isEmpty {
            throw Refusal.fieldNotInVersion
        }
        return output
    }

    private func encodeTagged(_ value: Value, _ field: Field, version: Int16, nullable: Bool) throws -> [UInt8] {
        if case .structure = field.type, nullable {
            if value == .null { return [0] }
            return try [1] + encode(value, field.type, version: version, flexible: true, nullable: false)
        }
        return try encode(value, field.type, version: version, flexible: true, nullable: nullable)
    }

    private func encode(
        _ value: Value, _ type: FieldType, version: Int16, flexible: Bool, nullable: Bool
    ) throws -> [UInt8] {
        switch (value, type) {
        case (.null, _):
            guard nullable else { throw Refusal.unexpectedNull }
            switch type {
            case .structure: return [0xFF]
            case .string: return flexible ? [0] : [0xFF, 0xFF]
            default: return flexible ? [0] : [0xFF, 0xFF, 0xFF, 0xFF]
            }
        case (.bool(let value), _): return [value ? 1 : 0]
        case (.integer(let value), .int8): return bigEndian(value, 1)
        case (.integer(let value), .int16), (.integer(let value), .uint16): return bigEndian(value, 2)
        case (.integer(let value), .int32), (.integer(let value), .uint32): return bigEndian(value, 4)
        case (.integer(let value), _): return bigEndian(value, 8)
        case (.double(let pattern), _): return bigEndian(Int64(bitPattern: pattern), 8)
        case (.uuid(let high, let low), _):
            return bigEndian(Int64(bitPattern: high), 8) + bigEndian(Int64(bitPattern: low), 8)
        case (.text(let text), _):
            let bytes = Array(text.utf8)
            return (flexible ? varint(bytes.count + 1) : bigEndian(Int64(bytes.count), 2)) + bytes
        case (.bytes(let bytes), _): return length(bytes.count, flexible) + bytes
        case (.array(let elements), .array(let element)):
            return try elements.reduce(length(elements.count, flexible)) { output, value in
                try output + encode(value, element, version: version, flexible: flexible, nullable: false)
            }
        case (.structure(let record), .structure(let name)):
            let body = try encode(record, as: structure(name), version: version)
            return nullable ? [1] + body : body
        default: fatalError("the oracle made a value of another type")
        }
    }

    private func length(_ count: Int, _ flexible: Bool) -> [UInt8] {
        flexible ? varint(count + 1) : bigEndian(Int64(count), 4)
    }

    private func bigEndian(_ value: Int64, _ size: Int) -> [UInt8] {
        (0..<size).map { UInt8(truncatingIfNeeded: value >> Int64(8 * (size - 1 - $0))) }
    }

    private func varint(_ value: Int) -> [UInt8] {
        value < 128 ? [UInt8(value)] : [UInt8(value & 127) | 128] + varint(value >> 7)
    }
}
