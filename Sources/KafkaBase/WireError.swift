// SPDX-License-Identifier: Apache-2.0

/// Why bytes could not be read as, or a value could not be written as, the Kafka wire format.
///
/// `path` names the field that failed, outermost first, for example `TopicData[2].PartitionData[0].Records`.
public struct WireError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Reason: Equatable, Sendable {
        /// The bytes end before the field does.
        case truncated(needed: Int, available: Int)
        /// A length or count is negative where it may not be, or more than the bytes received can hold.
        case invalidLength(Int)
        /// A null stands where the field is not nullable in this version.
        case unexpectedNull
        /// Text is not UTF-8.
        case invalidUTF8
        /// A variable-length integer runs over its longest form.
        case invalidVarint
        /// Bytes are left over after the message.
        case trailingBytes(Int)
        /// The version is outside what the message defines.
        case unsupportedVersion(Int16)
        /// A field that this version cannot carry has a value that may not be dropped.
        case fieldNotInVersion(Int16)
        /// A tag is repeated, or tags do not ascend.
        case invalidTag(UInt32)
        /// A value does not fit the field, for example a string over 32,767 bytes.
        case valueTooLarge(Int)
        /// A marker or enumerated byte has a value that the format does not define.
        case invalidValue(Int64)
    }

    public var reason: Reason
    public var path: String

    public init(_ reason: Reason, path: String = "") {
        self.reason = reason
        self.path = path
    }

    /// The same error with `element` put in front of its path; an index such as `[3]` joins without a dot.
    @inline(never)
    public func inside(_ element: String) -> WireError {
        if path.isEmpty { return WireError(reason, path: element) }
        return WireError(reason, path: path.hasPrefix("[") ? element + path : "\(element).\(path)")
    }

    public var description: String {
        let what =
            switch reason {
            case .truncated(let needed, let available): "needs \(needed) bytes, \(available) are left"
            case .invalidLength(let length): "length \(length) is not possible here"
            case .unexpectedNull: "null is not allowed in this version"
            case .invalidUTF8: "text is not UTF-8"
            case .invalidVarint: "variable-length integer is too long"
            case .trailingBytes(let count): "\(count) bytes are left over"
            case .unsupportedVersion(let version): "version \(version) is not supported"
            case .fieldNotInVersion(let version): "the field does not exist in version \(version)"
            case .invalidTag(let tag): "tag \(tag) is repeated or out of order"
            case .valueTooLarge(let size): "\(size) is more than the field can hold"
            case .invalidValue(let value): "value \(value) is not defined"
            }
        return path.isEmpty ? what : "\(path): \(what)"
    }
}
