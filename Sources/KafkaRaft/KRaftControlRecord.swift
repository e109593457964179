// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaProtocol

/// A record of a control batch of the metadata log or of a snapshot.
///
/// The key is two int16: version 0 and the type. The value is a flexible message whose first field is its version.
package enum KRaftControlRecord: Sendable {
    /// Type 2, the first record of every epoch.
    case leaderChange(LeaderChangeMessage)
    /// Type 3, the first record of a snapshot.
    case snapshotHeader(SnapshotHeaderRecord)
    /// Type 4, the last record of a snapshot; without it the snapshot is not complete.
    case snapshotFooter(SnapshotFooterRecord)
    /// Type 5.
    case kraftVersion(KRaftVersionRecord)
    /// Type 6.
    case voters(VotersRecord)

    package static let keySize = 4

    package var type: Int16 {
        switch self {
        case .leaderChange: 2
        case .snapshotHeader: 3
        case .snapshotFooter: 4
        case .kraftVersion: 5
        case .voters: 6
        }
    }

    package var key: [UInt8] { [0, 0, 0, UInt8(type)] }

    package func encodedValue() throws(WireError) -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        switch self {
        case .leaderChange(let message): try message.encode(into: &writer, version: message.version)
        case .snapshotHeader(let record): try record.encode(into: &writer, version: record.version)
        case .snapshotFooter(let record): try record.encode(into: &writer, version: record.version)
        case .kraftVersion(let record): try record.encode(into: &writer, version: record.version)
        case .voters(let record): try record.encode(into: &writer, version: record.version)
        }
        return writer.toArray()
    }

    /// Reads a control record; nil for a type that this code does not know, which readers skip as Kafka's do.
    package init?(key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?) throws(WireError) {
        guard let key, let value else { throw WireError(.unexpectedNull, path: "control record") }
        var keyReader = ByteReader(key)
        let keyVersion = try keyReader.readInt16()
        guard keyVersion >= 0 else { throw WireError(.invalidValue(Int64(keyVersion)), path: "control record key") }
        let type = try keyReader.readInt16()
        var reader = ByteReader(value)
        var versionReader = ByteReader(value)
        switch type {
        case 2: self = .leaderChange(try Self.decode(&reader, version: try versionReader.readInt16()))
        case 3: self = .snapshotHeader(try Self.decode(&reader, version: try versionReader.readInt16()))
        case 4: self = .snapshotFooter(try Self.decode(&reader, version: try versionReader.readInt16()))
        case 5: self = .kraftVersion(try Self.decode(&reader, version: try versionReader.readInt16()))
        case 6: self = .voters(try Self.decode(&reader, version: try versionReader.readInt16()))
        default: return nil
        }
    }

    private static func decode<Message: WireMessage>(
        _ reader: inout ByteReader, version: Int16
    ) throws(WireError) -> Message {
        guard Message.versions.contains(version) else { throw WireError(.unsupportedVersion(version)) }
        let message = try Message(from: &reader, version: version)
        guard reader.remaining == 0 else { throw WireError(.trailingBytes(reader.remaining)) }
        return message
    }
}
