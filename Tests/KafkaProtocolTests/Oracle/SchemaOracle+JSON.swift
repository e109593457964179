// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaBase
import KafkaProtocol

@testable import generate_protocol

extension SchemaOracle {
    /// The JSON that Kafka's converter would print. The oracle's texts need no escapes.
    func json(_ record: Value.Record, version: Int16) -> String { json(record, as: message.root, version: version) }

    private func json(_ record: Value.Record, as structure: Structure, version: Int16) -> String {
        var members: [String] = []
        for field in structure.fields where field.versions.contains(version) {
            let value = record.fields[field.name]!
            if field.tag != nil, value == defaultValue(field) { continue }
            let name = field.name.prefix(1).lowercased() + field.name.dropFirst()
            members.append("\"\(name)\":\(json(value, field.type, version: version))")
        }
        return "{\(members.joined(separator: ","))}"
    }

    private func json(_ value: Value, _ type: FieldType, version: Int16) -> String {
        switch (value, type) {
        case (.null, _): return "null"
        case (.bool(let flag), _): return "\(flag)"
        case (.integer(let number), _): return "\(number)"
        case (.double(let pattern), _): return JSONText.number(Double(bitPattern: pattern))
        case (.uuid(let high, let low), _): return "\"\(KafkaUUID(high: high, low: low))\""
        case (.text(let text), _): return "\"\(text)\""
        case (.bytes(let bytes), _): return "\"\(Data(bytes).base64EncodedString())\""
        case (.array(let elements), .array(let element)):
            return "[\(elements.map { json($0, element, version: version) }.joined(separator: ","))]"
        case (.structure(let record), .structure(let name)):
            return json(record, as: structure(name), version: version)
        default: fatalError("the oracle made a value of another type")
        }
    }
}
