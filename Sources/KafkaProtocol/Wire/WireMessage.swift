// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

/// A message with a schema: a request, a response, a header, or a structure stored in records and files.
public protocol WireMessage: Sendable {
    /// All versions that can be encoded and decoded. What a broker serves may be less.
    static var versions: ClosedRange<Int16> { get }
    /// The first version with compact lengths and tagged fields; nil where there is none.
    static var firstFlexibleVersion: Int16? { get }

    /// Every field at its schema's default.
    init()

    /// Reads the message's fields; bytes behind them are left to the caller.
    init(from reader: inout ByteReader, version: Int16) throws(WireError)

    /// Writes the message. A field that `version` does not carry must hold its default, unless its schema calls it
    /// ignorable; otherwise `.fieldNotInVersion` is thrown.
    func encode(into writer: inout ByteWriter, version: Int16) throws(WireError)
}

extension WireMessage {
    public static func isFlexible(_ version: Int16) -> Bool {
        guard let first = firstFlexibleVersion else { return false }
        return version >= first
    }

    static func checkVersion(_ version: Int16) throws(WireError) {
        guard versions.contains(version) else { throw WireError(.unsupportedVersion(version)) }
    }

    /// Reads a message that fills `bytes` to the end. `RecordBytes` in it borrow from `bytes`.
    public init(decoding bytes: UnsafeRawBufferPointer, version: Int16) throws(WireError) {
        var reader = ByteReader(bytes)
        try self.init(from: &reader, version: version)
        try reader.expectEnd()
    }

    /// The message's encoding on its own.
    public func encoded(version: Int16) throws(WireError) -> [UInt8] {
        var writer = ByteWriter()
        try encode(into: &writer, version: version)
        return writer.toArray()
    }
}

/// A request of an API.
public protocol RequestMessage: WireMessage {
    associatedtype Response: ResponseMessage
    static var apiKey: APIKey { get }
}

/// A response of an API.
public protocol ResponseMessage: WireMessage {
    static var apiKey: APIKey { get }

    /// Calls `body` with every error code in the response, those of success (0) included.
    func forEachErrorCode(_ body: (Int16) -> Void)

    /// Sets for how many milliseconds the client should send nothing (KIP-219); does nothing where the API has no field
    /// for it. Versions without the field leave it out.
    mutating func setThrottleTime(_ milliseconds: Int32)
}

extension ResponseMessage {
    public mutating func setThrottleTime(_ milliseconds: Int32) {}
}

/// A record of the log `__cluster_metadata`.
public protocol MetadataMessage: WireMessage, JSONWritable {
    static var recordType: MetadataRecordType { get }
}

/// A structure nested in a message.
protocol WireStructure: Sendable {
    /// The fewest bytes that the structure takes in any version; at least 1. It bounds what an array's count may be.
    static var minimumSize: Int { get }
    init(from reader: inout ByteReader, version: Int16) throws(WireError)
    func encode(into writer: inout ByteWriter, version: Int16) throws(WireError)
}

/// The kinds of listener on which a node answers an API.
public struct ListenerScope: OptionSet, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A broker's client and inter-broker listeners.
    public static let broker = ListenerScope(rawValue: 1)
    /// A controller's listeners.
    public static let controller = ListenerScope(rawValue: 2)
}

extension APIKey {
    /// Whether the version's form may still change: it is offered only with `unstable.api.versions.enable`.
    public func isUnstable(_ version: Int16) -> Bool {
        guard let first = firstUnstableVersion else { return false }
        return version >= first
    }

    public func isFlexible(_ version: Int16) -> Bool {
        guard let first = firstFlexibleVersion else { return false }
        return version >= first
    }
}

extension WireError {
    /// The same error with a field's name in front of its path; an empty name changes nothing.
    @inline(never)
    func inside(_ field: StaticString) -> WireError {
        field.utf8CodeUnitCount == 0 ? self : inside(field.description)
    }

    @inline(never)
    func inside(index: Int) -> WireError { inside("[\(index)]") }
}
