// SPDX-License-Identifier: Apache-2.0

/// The subset of JSON (RFC 8259) that the state files of a log directory use: everything but fractions and exponents.
///
/// Nesting is bounded, so that a damaged file cannot exhaust the stack.
enum JSONValue {
    case null
    case bool(Bool)
    case integer(Int64)
    case string(String)
    case array([JSONValue])
    /// In the order of the text; keys may repeat, the first one is found.
    case object([(key: String, value: JSONValue)])

    subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    var integer: Int64? {
        guard case .integer(let value) = self else { return nil }
        return value
    }

    var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    var array: [JSONValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    /// Reads a whole text; nil where it is not JSON of this subset.
    init?(parsing text: String) {
        var parser = Parser(bytes: Array(text.utf8))
        guard let value = parser.value(depth: 0), parser.isAtEnd() else { return nil }
        self = value
    }

    private struct Parser {
        let bytes: [UInt8]
        var position = 0

        private static let depthLimit = 16

        init(bytes: [UInt8]) { self.bytes = bytes }

        private mutating func skipSpace() {
            while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
        }

        private mutating func take(_ literal: StaticString) -> Bool {
            skipSpace()
            let size = literal.utf8CodeUnitCount
            guard bytes.count - position >= size else { return false }
            for index in 0..<size where bytes[position + index] != literal.utf8Start[index] { return false }
            position += size
            return true
        }

        mutating func isAtEnd() -> Bool {
            skipSpace()
            return position == bytes.count
        }

        mutating func value(depth: Int) -> JSONValue? {
            guard depth < Self.depthLimit else { return nil }
            if take("null") { return .null }
            if take("true") { return .bool(true) }
            if take("false") { return .bool(false) }
            if take("\"") { return string().map(JSONValue.string) }
            if take("[") { return array(depth: depth) }
            if take("{") { return object(depth: depth) }
            return integer()
        }

        private mutating func integer() -> JSONValue? {
            let start = position
            if position < bytes.count, bytes[position] == UInt8(ascii: "-") { position += 1 }
            while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
                position += 1
            }
            return Int64(String(decoding: bytes[start..<position], as: UTF8.self)).map(JSONValue.integer)
        }

        private mutating func array(depth: Int) -> JSONValue? {
            var elements: [JSONValue] = []
            if take("]") { return .array(elements) }
            while let element = value(depth: depth + 1) {
                elements.append(element)
                if take("]") { return .array(elements) }
                guard take(",") else { return nil }
            }
            return nil
        }

        private mutating func object(depth: Int) -> JSONValue? {
            var members: [(key: String, value: JSONValue)] = []
            if take("}") { return .object(members) }
            while take("\""), let key = string(), take(":"), let member = value(depth: depth + 1) {
                members.append((key, member))
                if take("}") { return .object(members) }
                guard take(",") else { return nil }
            }
            return nil
        }

        /// The rest of a string whose opening quote was taken.
        private mutating func string() -> String? {
            var result: [UInt8] = []
            while position < bytes.count {
                let byte = bytes[position]
                position += 1
                switch byte {
                case UInt8(ascii: "\""): return String(validating: result, as: UTF8.self)
                case UInt8(ascii: "\\"):
                    guard let scalar = escape() else { return nil }
                    result.append(contentsOf: Array(String(scalar).utf8))
                case 0..<0x20: return nil
                default: result.append(byte)
                }
            }
            return nil
        }

        /// The character that an escape stands for. Halves of surrogate pairs are not accepted: no state file has them.
        private mutating func escape() -> Unicode.Scalar? {
            guard position < bytes.count else { return nil }
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
            case UInt8(ascii: "b"): return "\u{08}"
            case UInt8(ascii: "f"): return "\u{0C}"
            case UInt8(ascii: "n"): return "\n"
            case UInt8(ascii: "r"): return "\r"
            case UInt8(ascii: "t"): return "\t"
            case UInt8(ascii: "u"):
                guard bytes.count - position >= 4 else { return nil }
                let digits = String(decoding: bytes[position..<position + 4], as: UTF8.self)
                position += 4
                return UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init)
            default: return nil
            }
        }
    }
}
