// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaBase
import KafkaProtocol

/// Records of the coordinators' topics as JSON, in the form of Kafka 4.x: the key is `{"type":"1","data":{…}}`, the
/// payload `{"version":"3","data":{…}}`, a tombstone `<DELETE>`.
enum CoordinatorJSON {
    static func decode<RecordType: CoordinatorRecordType>(
        _ types: RecordType.Type, offset: Int64, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?
    ) -> DecodedRecord {
        var decoded = DecodedRecord()
        guard let key else {
            decoded.problems = ["the record has no key, so it is not one of a coordinator"]
            return decoded
        }
        do throws(WireError) {
            var reader = ByteReader(key)
            let id = try reader.readInt16()
            guard let type = types.init(rawValue: id) else {
                decoded.key = .text("Unknown record type \(id) at offset \(offset), skipping.")
                return decoded
            }
            let keyText = try keyJSON(type.keyType, id: id, &reader)
            if let value {
                var reader = ByteReader(value)
                decoded.payload = .text(try valueJSON(type.valueType, &reader))
            } else {
                decoded.payload = .text("<DELETE>")
            }
            decoded.key = .text(keyText)
        } catch {
            decoded.key = .text("Error at offset \(offset), skipping. \(error)")
            decoded.payload = nil
        }
        return decoded
    }

    private static func keyJSON<Key: CoordinatorKey>(
        _ type: Key.Type, id: Int16, _ reader: inout ByteReader
    ) throws(WireError) -> String {
        // Keys have one version only.
        let version = type.versions.lowerBound
        let key = try type.init(from: &reader, version: version)
        try expectEnd(reader)
        return "{\"type\":\"\(id)\",\"data\":\(key.json(version: version))}"
    }

    private static func valueJSON<Value: CoordinatorValue>(
        _ type: Value.Type, _ reader: inout ByteReader
    ) throws(WireError) -> String {
        let version = try reader.readInt16()
        let value = try type.init(from: &reader, version: version)
        try expectEnd(reader)
        let data =
            switch value {
            case let group as GroupMetadataValue: groupJSON(group, version: version)
            case let transaction as TransactionLogValue: transactionJSON(transaction, version: version)
            default: value.json(version: version)
            }
        return "{\"version\":\"\(version)\",\"data\":\(data)}"
    }

    private static func expectEnd(_ reader: ByteReader) throws(WireError) {
        if reader.remaining > 0 { throw WireError(.trailingBytes(reader.remaining)) }
    }

    // MARK: Transactions

    /// Since Kafka 4.4 the status is the state's name.
    private static func transactionJSON(_ value: TransactionLogValue, version: Int16) -> String {
        let json = value.json(version: version)
        let number = "\"transactionStatus\":\(value.transactionStatus),"
        // No text stands in front of this field, so the first match is the field itself.
        guard let name = TransactionLogText.stateName(value.transactionStatus), let range = json.range(of: number)
        else { return json }
        return json.replacingCharacters(in: range, with: "\"transactionStatus\":\"\(name)\",")
    }

    // MARK: Groups

    /// A classic group's members keep what the consumer protocol says as bytes; it is shown as objects.
    private static func groupJSON(_ value: GroupMetadataValue, version: Int16) -> String {
        guard value.protocolType == "consumer", !value.members.isEmpty else { return value.json(version: version) }
        var empty = value
        empty.members = []
        let json = empty.json(version: version)
        // The members are the schema's last field.
        let tail = "\"members\":[]}"
        guard json.hasSuffix(tail) else { return value.json(version: version) }
        let members = value.members.map { memberJSON($0, version: version) }.joined(separator: ",")
        return "\(json.dropLast(tail.count))\"members\":[\(members)]}"
    }

    private static func memberJSON(_ member: GroupMetadataValue.MemberMetadata, version: Int16) -> String {
        var empty = member
        empty.subscription = []
        empty.assignment = []
        let json = empty.json(version: version)
        // Subscription and assignment are the schema's last fields.
        let tail = "\"subscription\":\"\",\"assignment\":\"\"}"
        guard json.hasSuffix(tail) else { return member.json(version: version) }
        let subscription = protocolJSON(ConsumerProtocolSubscription.self, member.subscription)
        let assignment = protocolJSON(ConsumerProtocolAssignment.self, member.assignment)
        return "\(json.dropLast(tail.count))\"subscription\":\(subscription),\"assignment\":\(assignment)}"
    }

    /// The object that the bytes are, or Base64 where they are none.
    private static func protocolJSON<Message: WireMessage & JSONWritable>(
        _ type: Message.Type, _ bytes: [UInt8]
    ) -> String {
        guard let (message, version) = ConsumerProtocolBytes.decode(type, bytes) else {
            return "\"\(JSONText.base64(bytes))\""
        }
        return message.json(version: version)
    }
}

/// What consumers put into a classic group's members: int16 version, then the message.
enum ConsumerProtocolBytes {
    /// Versions above the known ones are read as the highest known, as Kafka reads them; nil for what cannot be read.
    static func decode<Message: WireMessage>(
        _ type: Message.Type, _ bytes: [UInt8]
    ) -> (message: Message, version: Int16)? {
        bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            guard let written = try? reader.readInt16(), written >= type.versions.lowerBound else { return nil }
            let version = min(written, type.versions.upperBound)
            guard let message = try? type.init(from: &reader, version: version) else { return nil }
            return (message, version)
        }
    }
}
