// SPDX-License-Identifier: Apache-2.0
import KafkaBase

/// A stored structure that Kafka's tools print as JSON: the schema's field names with a small first letter, in the
/// schema's order; fields the version does not carry and tagged fields at their default are left out; bytes are
/// Base64, UUIDs their 22-character text, numbers plain.
public protocol JSONWritable: Sendable {
    func writeJSON(into json: inout String, version: Int16)
}

extension JSONWritable {
    /// The structure as one line of JSON.
    public func json(version: Int16) -> String {
        var text = ""
        writeJSON(into: &text, version: version)
        return text
    }
}

extension String {
    mutating func beginJSONObject() { append("{") }

    mutating func endJSONObject() { append("}") }

    /// Starts a member. A comma goes in front unless the object has just begun: no value ends with a brace that opens.
    @inline(never)
    private mutating func appendMember(_ name: StaticString) {
        if utf8.last != UInt8(ascii: "{") { append(",") }
        append("\"")
        append(name.description)
        append("\":")
    }

    // MARK: Scalars

    mutating func appendJSON(_ name: StaticString, _ value: Bool) {
        appendMember(name)
        append(value ? "true" : "false")
    }

    mutating func appendJSON(_ name: StaticString, _ value: Int64) {
        appendMember(name)
        append(String(value))
    }

    mutating func appendJSON(_ name: StaticString, _ value: Int8) { appendJSON(name, Int64(value)) }
    mutating func appendJSON(_ name: StaticString, _ value: Int16) { appendJSON(name, Int64(value)) }
    mutating func appendJSON(_ name: StaticString, _ value: UInt16) { appendJSON(name, Int64(value)) }
    mutating func appendJSON(_ name: StaticString, _ value: Int32) { appendJSON(name, Int64(value)) }
    mutating func appendJSON(_ name: StaticString, _ value: UInt32) { appendJSON(name, Int64(value)) }

    mutating func appendJSON(_ name: StaticString, _ value: Double) {
        appendMember(name)
        append(JSONText.number(value))
    }

    mutating func appendJSON(_ name: StaticString, _ value: KafkaUUID) {
        appendMember(name)
        append("\"\(value)\"")
    }

    mutating func appendJSON(_ name: StaticString, _ value: String?) {
        appendMember(name)
        if let value { JSONText.append(quoted: value, to: &self) } else { append("null") }
    }

    mutating func appendJSON(_ name: StaticString, _ value: [UInt8]?) {
        appendMember(name)
        if let value { append("\"\(JSONText.base64(value))\"") } else { append("null") }
    }

    // MARK: Arrays and structures

    private mutating func appendArray<T>(_ name: StaticString, _ values: [T]?, _ write: (inout String, T) -> Void) {
        appendMember(name)
        guard let values else { return append("null") }
        append("[")
        for (index, value) in values.enumerated() {
            if index > 0 { append(",") }
            write(&self, value)
        }
        append("]")
    }

    mutating func appendJSON(_ name: StaticString, _ values: [Int16]?) {
        appendArray(name, values) { $0.append(String($1)) }
    }

    mutating func appendJSON(_ name: StaticString, _ values: [Int32]?) {
        appendArray(name, values) { $0.append(String($1)) }
    }

    mutating func appendJSON(_ name: StaticString, _ values: [KafkaUUID]?) {
        appendArray(name, values) { $0.append("\"\($1)\"") }
    }

    mutating func appendJSON(_ name: StaticString, _ values: [String]?) {
        appendArray(name, values) { JSONText.append(quoted: $1, to: &$0) }
    }

    mutating func appendJSON<T: JSONWritable>(_ name: StaticString, _ value: T?, version: Int16) {
        appendMember(name)
        if let value { value.writeJSON(into: &self, version: version) } else { append("null") }
    }

    mutating func appendJSON<T: JSONWritable>(_ name: StaticString, _ values: [T]?, version: Int16) {
        appendArray(name, values) { $1.writeJSON(into: &$0, version: version) }
    }
}
