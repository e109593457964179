// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

/// One round of fuzzing: decodes arbitrary bytes as one of the things that arrive from outside, and where that works
/// checks that the value encodes, and that its encoding decodes to the same encoding again.
///
/// The first byte chooses what the rest is:
///
/// | byte mod 4 | rest |
/// |---|---|
/// | 0 | a request frame without its length |
/// | 1 | index of an API, offset of a version, then a response |
/// | 2 | the value of a metadata record |
/// | 3 | which coordinator, length of the key, then key and value of a record |
public enum ProtocolFuzz {
    public static func run(_ bytes: UnsafeRawBufferPointer) {
        guard let mode = bytes.first else { return }
        let rest = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
        switch mode % 4 {
        case 0: request(rest)
        case 1: response(rest)
        case 2: metadataRecord(rest)
        default: coordinatorRecord(rest)
        }
    }

    private static func request(_ bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        guard let header = try? RequestHeader(receivedFrom: &reader), let api = APIKey(rawValue: header.apiKey) else {
            return
        }
        message(api.requestType, reader.rest, version: header.apiVersion)
    }

    private static func response(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 2 else { return }
        let api = APIKey.allCases[Int(bytes[0]) % APIKey.allCases.count]
        let version = api.versions.lowerBound + Int16(bytes[1]) % Int16(api.versions.count)
        message(api.responseType, UnsafeRawBufferPointer(rebasing: bytes.dropFirst(2)), version: version)
    }

    private static func message<T: WireMessage>(_: T.Type, _ bytes: UnsafeRawBufferPointer, version: Int16) {
        guard let decoded = try? T(decoding: bytes, version: version) else { return }
        guard let encoded = try? decoded.encoded(version: version) else {
            fatalError("\(T.self) v\(version) decodes but does not encode")
        }
        let again = encoded.withUnsafeBytes { raw in
            (try? T(decoding: raw, version: version)).flatMap { try? $0.encoded(version: version) }
        }
        precondition(again == encoded, "\(T.self) v\(version) does not come back")
    }

    private static func metadataRecord(_ bytes: UnsafeRawBufferPointer) {
        guard let (record, version) = try? MetadataRecord.decode(bytes) else { return }
        guard let encoded = try? record.encoded(version: version) else {
            fatalError("\(record.type.name) decodes but does not encode")
        }
        let again = encoded.withUnsafeBytes { raw in
            (try? MetadataRecord.decode(raw)).flatMap { try? $0.record.encoded(version: $0.version) }
        }
        precondition(again == encoded, "\(record.type.name) does not come back")
        precondition(record.json(version: version).hasSuffix("}}"), "\(record.type.name) has no JSON")
    }

    private static func coordinatorRecord(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 2 else { return }
        let rest = bytes.dropFirst(2)
        let key = UnsafeRawBufferPointer(rebasing: rest.prefix(Int(bytes[1])))
        let value = UnsafeRawBufferPointer(rebasing: rest.dropFirst(Int(bytes[1])))
        switch bytes[0] % 3 {
        case 0: record(GroupCoordinatorRecordType.self, key, value)
        case 1: record(ShareCoordinatorRecordType.self, key, value)
        default: record(TransactionCoordinatorRecordType.self, key, value)
        }
    }

    private static func record<Types: CoordinatorRecordType>(
        _: Types.Type, _ keyBytes: UnsafeRawBufferPointer, _ valueBytes: UnsafeRawBufferPointer
    ) {
        guard let (type, key) = try? Types.decodeKey(keyBytes) else { return }
        precondition((try? key.encodedKey())?.elementsEqual(keyBytes) == true, "\(key) does not come back")
        guard let (version, value) = try? type.decodeValue(valueBytes) else { return }
        guard let encoded = try? value.encodedValue(version: version) else {
            fatalError("\(type) decodes but does not encode")
        }
        let again = encoded.withUnsafeBytes { raw in
            (try? type.decodeValue(raw)).flatMap { try? $0.value.encodedValue(version: $0.version) }
        }
        precondition(again == encoded, "\(type) does not come back")
        if let group = value as? GroupMetadataValue { _ = try? group.expandedJSON(version: version) }
    }
}
