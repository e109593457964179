// SPDX-License-Identifier: Apache-2.0
import KafkaBase

/// A decoder that Kafka names by a class: `StringDecoder`, `LongDecoder`, `IntegerDecoder`.
package enum ClassDecoder: Equatable, Sendable {
    /// UTF-8; what is not valid is replaced by U+FFFD.
    case string
    /// Big-endian, eight bytes.
    case long
    /// Big-endian, four bytes.
    case integer

    /// The packages that the classes have been in, the newest first.
    private static let packages = ["org.apache.kafka.tools.api.", "kafka.serializer."]

    /// Reads the name of a class of Kafka's, with or without its package; nil for other classes, which live in Java.
    package init?(className: String) {
        let package = Self.packages.first { className.hasPrefix($0) } ?? ""
        switch className.dropFirst(package.count) {
        case "StringDecoder": self = .string
        case "LongDecoder": self = .long
        case "IntegerDecoder": self = .integer
        default: return nil
        }
    }

    func decode(_ bytes: UnsafeRawBufferPointer?, _ what: String, _ problems: inout [String]) -> DecodedRecord.Part? {
        guard let bytes else { return nil }
        var reader = ByteReader(bytes)
        switch self {
        case .string: return .bytes(bytes)
        case .long:
            if bytes.count == 8, let value = try? reader.readInt64() { return .text(String(value)) }
            problems.append("the \(what) has \(bytes.count) bytes; a long has 8")
        case .integer:
            if bytes.count == 4, let value = try? reader.readInt32() { return .text(String(value)) }
            problems.append("the \(what) has \(bytes.count) bytes; an integer has 4")
        }
        return nil
    }
}
