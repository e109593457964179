// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

/// The table of record types of one coordinator's topic. A record's key begins with its type, two bytes, and its value
/// with the value's version, two bytes; a null value deletes.
public protocol CoordinatorRecordType: RawRepresentable, CaseIterable, Sendable where RawValue == Int16 {
    var keyType: any CoordinatorKey.Type { get }
    var valueType: any CoordinatorValue.Type { get }
}

/// The key of a record in a coordinator's topic. Keys have one version only: their type takes its place.
public protocol CoordinatorKey: WireMessage, JSONWritable {
    associatedtype RecordType: CoordinatorRecordType
    static var recordType: RecordType { get }
}

/// The value of a record in a coordinator's topic.
public protocol CoordinatorValue: WireMessage, JSONWritable {
    associatedtype RecordType: CoordinatorRecordType
    static var recordType: RecordType { get }
}

extension CoordinatorKey {
    /// The key behind its type, as a record's key.
    public func encodedKey() throws(WireError) -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        writer.writeInt16(Self.recordType.rawValue)
        try encode(into: &writer, version: 0)
        return writer.toArray()
    }

    /// The key as Kafka's tools print it: `{"type":"1","data":{…}}`.
    public func recordJSON() -> String {
        "{\"type\":\"\(Self.recordType.rawValue)\",\"data\":\(json(version: 0))}"
    }
}

extension CoordinatorValue {
    /// The value behind its version, as a record's value.
    public func encodedValue(version: Int16) throws(WireError) -> [UInt8] {
        var writer = ByteWriter()
        writer.writeInt16(version)
        try encode(into: &writer, version: version)
        return writer.toArray()
    }

    /// The value as Kafka's tools print it: `{"version":"0","data":{…}}`.
    public func recordJSON(version: Int16) -> String {
        "{\"version\":\"\(version)\",\"data\":\(json(version: version))}"
    }
}

extension CoordinatorRecordType {
    /// Reads a record's key.
    ///
    /// - Throws: `.invalidValue` at `Type` for a type that the coordinator does not have, and the errors of malformed
    ///   bytes.
    public static func decodeKey(
        _ bytes: UnsafeRawBufferPointer
    ) throws(WireError) -> (type: Self, key: any CoordinatorKey) {
        var reader = ByteReader(bytes)
        let raw: Int16
        do throws(WireError) { raw = try reader.readInt16() } catch { throw error.inside("Type") }
        guard let type = Self(rawValue: raw) else { throw WireError(.invalidValue(Int64(raw)), path: "Type") }
        let key = try type.keyType.init(from: &reader, version: 0)
        try reader.expectEnd()
        return (type, key)
    }

    /// Reads the value of a record whose key has this type.
    ///
    /// - Throws: `.unsupportedVersion` for a version that the type does not have, and the errors of malformed bytes.
    public func decodeValue(
        _ bytes: UnsafeRawBufferPointer
    ) throws(WireError) -> (version: Int16, value: any CoordinatorValue) {
        var reader = ByteReader(bytes)
        let version: Int16
        do throws(WireError) { version = try reader.readInt16() } catch { throw error.inside("Version") }
        let value = try valueType.init(from: &reader, version: version)
        try reader.expectEnd()
        return (version, value)
    }
}
