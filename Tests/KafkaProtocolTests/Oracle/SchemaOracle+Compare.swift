// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

@testable import generate_protocol

extension SchemaOracle {
    /// The value tree of a decoded message, read through reflection by the properties' Swift names.
    func reflect(_ decoded: Any) -> Value.Record { reflect(decoded, as: message.root) }

    private func reflect(_ decoded: Any, as structure: Structure) -> Value.Record {
        var children: [String: Any] = [:]
        for child in Mirror(reflecting: decoded).children { children[child.label ?? ""] = child.value }
        var record = defaults(structure)
        for field in structure.fields {
            guard let child = children[field.swiftName] else { continue }
            record.fields[field.name] = reflect(child, as: field.type)
        }
        if let tags = children["unknownTaggedFields"] as? [TaggedField] {
            record.unknown = tags.map { Value.Tag(tag: $0.tag, bytes: $0.bytes) }
        }
        return record
    }

    private func reflect(_ any: Any, as type: FieldType) -> Value {
        let mirror = Mirror(reflecting: any)
        if mirror.displayStyle == .optional {
            guard let some = mirror.children.first else { return .null }
            return reflect(some.value, as: type)
        }
        switch any {
        case let value as Bool: return .bool(value)
        case let value as Int8: return .integer(Int64(value))
        case let value as Int16: return .integer(Int64(value))
        case let value as UInt16: return .integer(Int64(value))
        case let value as Int32: return .integer(Int64(value))
        case let value as UInt32: return .integer(Int64(value))
        case let value as Int64: return .integer(value)
        case let value as Double: return .double(value.bitPattern)
        case let value as KafkaUUID: return .uuid(value.high, value.low)
        case let value as String: return .text(value)
        case let value as RecordBytes: return value.isNull ? .null : .bytes(value.withBytes { [UInt8]($0) })
        default: break
        }
        switch type {
        case .bytes: return .bytes(any as? [UInt8] ?? [])
        case .array(let element): return .array(mirror.children.map { reflect($0.value, as: element) })
        case .structure(let name): return .structure(reflect(any, as: structure(name)))
        default: return .null
        }
    }
}
