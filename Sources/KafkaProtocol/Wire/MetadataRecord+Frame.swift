// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

/// The frame around a metadata record: unsigned LEB128 frame version, record type and record version, then the body,
/// and nothing behind it.
extension MetadataRecord {
    public static let frameVersion: UInt32 = 1

    /// Reads the value of a record of the metadata log, with the version that it was written in.
    ///
    /// - Throws: `.invalidValue` for an unknown frame version or record type, `.unsupportedVersion` for a record
    ///   version that its type does not define, `.trailingBytes`, and the errors of malformed bodies.
    public static func decode(
        _ value: UnsafeRawBufferPointer
    ) throws(WireError) -> (record: MetadataRecord, version: Int16) {
        var reader = ByteReader(value)
        let frame: UInt32
        let rawType: UInt32
        let rawVersion: UInt32
        do throws(WireError) {
            frame = try reader.readUnsignedVarint()
            guard frame == frameVersion else { throw WireError(.invalidValue(Int64(frame))) }
            rawType = try reader.readUnsignedVarint()
            rawVersion = try reader.readUnsignedVarint()
        } catch {
            throw error.inside("Frame")
        }
        guard let id = Int16(exactly: rawType), let type = MetadataRecordType(rawValue: id) else {
            throw WireError(.invalidValue(Int64(rawType)), path: "Frame.Type")
        }
        guard let version = Int16(exactly: rawVersion) else {
            throw WireError(.invalidValue(Int64(rawVersion)), path: "Frame.Version")
        }
        do throws(WireError) {
            let record = try MetadataRecord(from: &reader, type: type, version: version)
            try reader.expectEnd()
            return (record, version)
        } catch {
            throw error.inside(type.name)
        }
    }

    /// Appends the record with its frame.
    public func encode(into writer: inout ByteWriter, version: Int16) throws(WireError) {
        try message.encodeFramed(into: &writer, version: version)
    }

    /// The record with its frame, as a record's value.
    public func encoded(version: Int16) throws(WireError) -> [UInt8] {
        var writer = ByteWriter()
        try encode(into: &writer, version: version)
        return writer.toArray()
    }

    /// The record as Kafka's tools print it: `{"type":"TOPIC_RECORD","version":0,"data":{…}}`.
    public func json(version: Int16) -> String {
        "{\"type\":\"\(type.name)\",\"version\":\(version),\"data\":\(message.json(version: version))}"
    }
}

extension MetadataMessage {
    /// Appends the record with its frame.
    public func encodeFramed(into writer: inout ByteWriter, version: Int16) throws(WireError) {
        try Self.checkVersion(version)
        writer.writeUnsignedVarint(MetadataRecord.frameVersion)
        writer.writeUnsignedVarint(UInt32(Self.recordType.rawValue))
        writer.writeUnsignedVarint(UInt32(version))
        try encode(into: &writer, version: version)
    }
}
