// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
private import KafkaProtocol

// The frame of a record's value: three unsigned varints (frame version 1, record type, record version), then the message.
// Nothing may follow.
extension MetadataRecord {
    private static let frameVersion: UInt32 = 1

    /// The version to write where `metadataVersion` is finalised.
    package func version(at metadataVersion: MetadataVersion) -> Int16 {
        switch self {
        case .registerBroker: metadataVersion.registerBrokerRecordVersion
        case .brokerRegistrationChange: metadataVersion.registrationChangeRecordVersion
        case .partition, .partitionChange: metadataVersion.partitionRecordVersion
        default: 0
        }
    }

    /// The value of the record that stands for this in the log.
    ///
    /// Throws `fieldNotInVersion` when a field is set that `metadataVersion` has no room for.
    package func encoded(at metadataVersion: MetadataVersion) throws(WireError) -> [UInt8] {
        let version = version(at: metadataVersion)
        var writer = ByteWriter(capacity: 128)
        writer.writeUnsignedVarint(Self.frameVersion)
        writer.writeUnsignedVarint(type)
        writer.writeUnsignedVarint(UInt32(version))
        try message.encode(into: &writer, version: version)
        return writer.toArray()
    }

    /// Reads the value of a record of the metadata log.
    package init(decoding bytes: UnsafeRawBufferPointer) throws(MetadataError) {
        var reader = ByteReader(bytes)
        let (frame, type, version) = try Self.header(from: &reader)
        guard frame == Self.frameVersion else { throw .unknownFrame(frame) }
        self = try Self.decode(type: type, version: version, from: &reader)
        guard reader.remaining == 0 else { throw .malformed(WireError(.trailingBytes(reader.remaining))) }
    }

    private static func header(
        from reader: inout ByteReader
    ) throws(MetadataError) -> (frame: UInt32, type: UInt32, version: UInt32) {
        do throws(WireError) {
            let frame = try reader.readUnsignedVarint()
            let type = try reader.readUnsignedVarint()
            return (frame, type, try reader.readUnsignedVarint())
        } catch {
            throw .malformed(error)
        }
    }

    private static func decode(
        type: UInt32, version: UInt32, from reader: inout ByteReader
    ) throws(MetadataError) -> MetadataRecord {
        switch type {
        case 0: .registerBroker(try message(type, version, from: &reader))
        case 1: .unregisterBroker(try message(type, version, from: &reader))
        case 2: .topic(try message(type, version, from: &reader))
        case 3: .partition(try message(type, version, from: &reader))
        case 4: .config(try message(type, version, from: &reader))
        case 5: .partitionChange(try message(type, version, from: &reader))
        case 7: .fenceBroker(try message(type, version, from: &reader))
        case 8: .unfenceBroker(try message(type, version, from: &reader))
        case 9: .removeTopic(try message(type, version, from: &reader))
        case 10: .delegationToken(try message(type, version, from: &reader))
        case 11: .userScramCredential(try message(type, version, from: &reader))
        case 12: .featureLevel(try message(type, version, from: &reader))
        case 14: .clientQuota(try message(type, version, from: &reader))
        case 15: .producerIDs(try message(type, version, from: &reader))
        case 17: .brokerRegistrationChange(try message(type, version, from: &reader))
        case 18: .accessControlEntry(try message(type, version, from: &reader))
        case 19: .removeAccessControlEntry(try message(type, version, from: &reader))
        case 20: .noOp(try message(type, version, from: &reader))
        case 21: .zkMigrationState(try message(type, version, from: &reader))
        case 22: .removeUserScramCredential(try message(type, version, from: &reader))
        case 23: .beginTransaction(try message(type, version, from: &reader))
        case 24: .endTransaction(try message(type, version, from: &reader))
        case 25: .abortTransaction(try message(type, version, from: &reader))
        case 26: .removeDelegationToken(try message(type, version, from: &reader))
        case 27: .registerController(try message(type, version, from: &reader))
        case 28: .clearElr(try message(type, version, from: &reader))
        case 29: .unregisterController(try message(type, version, from: &reader))
        default: throw .unknownType(type)
        }
    }

    private static func message<Message: WireMessage>(
        _ type: UInt32, _ version: UInt32, from reader: inout ByteReader
    ) throws(MetadataError) -> Message {
        guard let version = Int16(exactly: version), Message.versions.contains(version) else {
            throw .unknownVersion(type: type, version: version)
        }
        do throws(WireError) { return try Message(from: &reader, version: version) } catch { throw .malformed(error) }
    }
}
