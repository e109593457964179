// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import Testing

@testable import generate_protocol

@Suite struct JSONTests {
    // MARK: Texts

    @Test(arguments: [
        ("", "\"\""), ("plain", "\"plain\""), ("a\"b\\c", "\"a\\\"b\\\\c\""),
        ("\u{08}\t\n\u{0C}\r", "\"\\b\\t\\n\\f\\r\""),
        ("\u{01}\u{1F}\u{7F}", "\"\\u0001\\u001F\u{7F}\""), ("größer 日本 /", "\"größer 日本 /\""),
    ])
    func `strings are escaped as Kafka's tools do`(text: String, expected: String) {
        var json = ""
        JSONText.append(quoted: text, to: &json)
        #expect(json == expected)
    }

    @Test(arguments: [
        ("", ""), ("00", "AA=="), ("0001", "AAE="), ("000102", "AAEC"), ("fbff", "+/8="), ("ffffff00", "////AA=="),
    ])
    func `bytes are Base64 with padding`(bytes: String, text: String) {
        #expect(JSONText.base64(hex(bytes)) == text)
    }

    @Test(arguments: [
        (0.0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (-1.5, "-1.5"), (100, "100.0"), (1_048_576, "1048576.0"),
        (9_999_999, "9999999.0"), (10_000_000, "1.0E7"), (12_345_678.5, "1.23456785E7"), (0.001, "0.001"),
        (0.00099, "9.9E-4"), (0.0105, "0.0105"), (1e300, "1.0E300"), (123_456.789, "123456.789"),
    ])
    func `doubles are printed as Java does`(value: Double, text: String) {
        #expect(JSONText.number(value) == text)
    }

    // MARK: Messages

    @Test func `stored messages print what the oracle prints`() throws {
        var checked = 0
        for (index, message) in SchemaOracle.messages.enumerated() {
            let oracle = SchemaOracle(message: message)
            guard let type = RoundTripTests.types[message.name] as? any (WireMessage & JSONWritable).Type else {
                continue
            }
            for version in message.versions.lower...message.versions.upper {
                var random = SeededRandom(seed: UInt64(index * 100 + Int(version)))
                for _ in 0..<4 {
                    let value = oracle.randomMessage(version: version, using: &random)
                    let bytes = try oracle.encode(value, version: version)
                    let text = try bytes.withUnsafeBytes { raw in
                        try type.init(decoding: raw, version: version).json(version: version)
                    }
                    #expect(text == oracle.json(value, version: version), "\(message.name) v\(version)")
                    checked += 1
                }
            }
        }
        #expect(checked > 400)
    }

    @Test func `fields come in the schema's order with small first letters`() {
        let record = PartitionRecord(
            partitionID: 1, topicID: KafkaUUID(high: 0, low: 1), replicas: [1, 2], isr: [1], leader: 1,
            leaderEpoch: 3, partitionEpoch: 4, directories: [.zero], lastKnownElr: [2])
        let head =
            "{\"partitionId\":1,\"topicId\":\"AAAAAAAAAAAAAAAAAAAAAQ\",\"replicas\":[1,2],\"isr\":[1],"
            + "\"removingReplicas\":[],\"addingReplicas\":[],\"leader\":1,\"leaderEpoch\":3,\"partitionEpoch\":4"
        #expect(record.json(version: 0) == head + "}")
        #expect(
            record.json(version: 2)
                == head + ",\"directories\":[\"AAAAAAAAAAAAAAAAAAAAAA\"],\"lastKnownElr\":[2]}")
    }

    @Test func `control records print as the dump tool shows them`() {
        #expect(
            LeaderChangeMessage(leaderID: 1, voters: [.init(voterID: 1)], grantingVoters: [.init(voterID: 1)])
                .json(version: 0)
                == "{\"version\":0,\"leaderId\":1,\"voters\":[{\"voterId\":1}],\"grantingVoters\":[{\"voterId\":1}]}")
        #expect(
            SnapshotHeaderRecord(lastContainedLogTimestamp: 5).json(version: 0)
                == "{\"version\":0,\"lastContainedLogTimestamp\":5}")
        #expect(SnapshotFooterRecord().json(version: 0) == "{\"version\":0}")
        #expect(KRaftVersionRecord(kRaftVersion: 1).json(version: 0) == "{\"version\":0,\"kRaftVersion\":1}")
        let voters = VotersRecord(voters: [
            .init(
                voterID: 1, endpoints: [.init(name: "C", host: "h", port: 9093)],
                kRaftVersionFeature: .init(minSupportedVersion: 0, maxSupportedVersion: 1))
        ])
        #expect(
            voters.json(version: 0)
                == "{\"version\":0,\"voters\":[{\"voterId\":1,\"voterDirectoryId\":\"AAAAAAAAAAAAAAAAAAAAAA\","
                + "\"endpoints\":[{\"name\":\"C\",\"host\":\"h\",\"port\":9093}],"
                + "\"kRaftVersionFeature\":{\"minSupportedVersion\":0,\"maxSupportedVersion\":1}}]}")
    }

    @Test func `quota values print as doubles`() {
        let record = ClientQuotaRecord(
            entity: [.init(entityType: "user", entityName: nil)], key: "producer_byte_rate", value: 1024)
        #expect(
            record.json(version: 0)
                == "{\"entity\":[{\"entityType\":\"user\",\"entityName\":null}],\"key\":\"producer_byte_rate\","
                + "\"value\":1024.0,\"remove\":false}")
    }

    @Test func `a metadata record prints type, version and data`() {
        #expect(
            MetadataRecordTests.topic.json(version: 0)
                == "{\"type\":\"TOPIC_RECORD\",\"version\":0,"
                + "\"data\":{\"name\":\"t\",\"topicId\":\"AAAAAAAAAAAAAAAAAAAAAQ\"}}")
    }
}
