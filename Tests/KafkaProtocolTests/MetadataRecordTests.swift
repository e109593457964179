// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import Testing

@Suite struct MetadataRecordTests {
    private func decode(_ bytes: [UInt8]) throws -> (record: MetadataRecord, version: Int16) {
        try bytes.withUnsafeBytes { raw in try MetadataRecord.decode(raw) }
    }

    static let topic = MetadataRecord.topic(TopicRecord(name: "t", topicID: KafkaUUID(high: 0, low: 1)))
    static let topicBytes = hex("01 02 00  02 74 0000000000000000 0000000000000001 00")

    @Test func `a record stands behind frame version, type and version`() throws {
        #expect(try Self.topic.encoded(version: 0) == Self.topicBytes)
        let decoded = try decode(Self.topicBytes)
        #expect(decoded.version == 0 && decoded.record.type == .topic)
        let record = try #require(decoded.record.message as? TopicRecord)
        #expect(record.name == "t")
    }

    @Test func `a framed record cut at any length is refused`() {
        for length in 0..<Self.topicBytes.count {
            #expect(throws: WireError.self) { try decode(Array(Self.topicBytes[..<length])) }
        }
    }

    @Test(arguments: [
        ("00 02 00", WireError(.invalidValue(0), path: "Frame")),
        ("02 02 00", WireError(.invalidValue(2), path: "Frame")),
        ("01 06 00", WireError(.invalidValue(6), path: "Frame.Type")),
        ("01 ffff7f 00", WireError(.invalidValue(0x1F_FFFF), path: "Frame.Type")),
        ("01 02 ffff7f", WireError(.invalidValue(0x1F_FFFF), path: "Frame.Version")),
        ("01 02 01", WireError(.unsupportedVersion(1), path: "TOPIC_RECORD")),
        ("01 18 00 00 00", WireError(.trailingBytes(1), path: "END_TRANSACTION_RECORD")),
    ])
    func `what is not a record is refused with the place`(text: String, error: WireError) {
        #expect(throws: error) { try decode(hex(text)) }
    }

    @Test func `a version that the type lacks is refused when writing`() {
        #expect(throws: WireError(.unsupportedVersion(1))) { try Self.topic.encoded(version: 1) }
    }

    @Test func `every type encodes, decodes and keeps its type in every version`() throws {
        for type in MetadataRecordType.allCases {
            let message = try #require(
                AllMessages.types.compactMap { $0 as? any MetadataMessage.Type }.first { $0.recordType == type })
            for version in message.versions {
                var writer = ByteWriter()
                try message.init().encodeFramed(into: &writer, version: version)
                let decoded = try decode(writer.toArray())
                #expect(decoded.record.type == type && decoded.version == version)
                #expect(try decoded.record.encoded(version: version) == writer.toArray())
            }
        }
        #expect(MetadataRecordType.allCases.count == 27)
    }

    @Test func `types have the names that Kafka's tools print`() {
        #expect(MetadataRecordType.topic.name == "TOPIC_RECORD")
        #expect(MetadataRecordType.noOp.name == "NO_OP_RECORD")
        #expect(MetadataRecordType.registerBroker.name == "REGISTER_BROKER_RECORD")
        #expect(MetadataRecordType.zkMigrationState.name == "ZK_MIGRATION_STATE_RECORD")
        #expect(MetadataRecordType.producerIDs.name == "PRODUCER_IDS_RECORD")
        #expect(MetadataRecordType.clearElr.name == "CLEAR_ELR_RECORD")
    }
}
