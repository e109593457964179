// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaCoordination
import KafkaProtocol
import Testing

@Suite struct GroupCoordinatorRecordTests {
    struct Sample: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let record: GroupCoordinatorRecord
        let key: String
        let value: String?
    }

    /// Laid out by hand after the schemas of Apache Kafka's messages.
    static let samples: [Sample] = [
        Sample(
            testDescription: "offset",
            record: .offsetCommit(
                OffsetCommitKey(group: "g", topic: "t", partition: 3),
                OffsetCommitValue(
                    offset: 5, leaderEpoch: 2, metadata: "m", commitTimestamp: 7,
                    topicID: KafkaUUID(high: 1, low: 2))),
            key: "0001 0001 67 0001 74 00000003",
            value: "0004 0000000000000005 00000002 02 6d 0000000000000007 01 00 10 0000000000000001 0000000000000002"),
        Sample(
            testDescription: "offset with its own retention",
            record: .offsetCommit(
                OffsetCommitKey(group: "g", topic: "t", partition: 0),
                OffsetCommitValue(offset: 5, leaderEpoch: 9, metadata: "", commitTimestamp: 7, expireTimestamp: 8)),
            key: "0001 0001 67 0001 74 00000000", value: "0001 0000000000000005 0000 0000000000000007 0000000000000008"),
        Sample(
            testDescription: "deleted offset",
            record: .offsetCommit(
                OffsetCommitKey(group: "g", topic: "t", partition: 0), nil),
            key: "0001 0001 67 0001 74 00000000", value: nil),
        Sample(
            testDescription: "legacy offset",
            record: .legacyOffsetCommit(
                LegacyOffsetCommitKey(group: "g", topic: "t", partition: 1),
                LegacyOffsetCommitValue(offset: 1, metadata: "x", commitTimestamp: 2)),
            key: "0000 0001 67 0001 74 00000001", value: "0000 0000000000000001 0001 78 0000000000000002"),
        Sample(
            testDescription: "classic group",
            record: .groupMetadata(
                GroupMetadataKey(group: "g"),
                GroupMetadataValue(
                    protocolType: "c", generation: 4, protocol: "r", leader: "m", currentStateTimestamp: 6,
                    members: [
                        .init(
                            memberID: "m", groupInstanceID: "i", clientID: "k", clientHost: "/h", rebalanceTimeout: 2,
                            sessionTimeout: 3, subscription: [1], assignment: [2, 3])
                    ])),
            key: "0002 0001 67",
            value: "0003 0001 63 00000004 0001 72 0001 6d 0000000000000006 00000001 0001 6d 0001 69 0001 6b 0002 2f68 "
                + "00000002 00000003 00000001 01 00000002 0203"),
        Sample(
            testDescription: "empty classic group",
            record: .groupMetadata(
                GroupMetadataKey(group: "g"), GroupMetadataValue(protocol: nil, leader: nil)),
            key: "0002 0001 67", value: "0003 0000 00000000 ffff ffff ffffffffffffffff 00000000"),
        Sample(
            testDescription: "consumer group",
            record: .consumerGroupMetadata(
                ConsumerGroupMetadataKey(groupID: "g"), ConsumerGroupMetadataValue(epoch: 2, metadataHash: 3)),
            key: "0003 0001 67", value: "0000 00000002 01 00 08 0000000000000003"),
        Sample(
            testDescription: "partition metadata of an old consumer group",
            record: .consumerGroupPartitionMetadata(
                ConsumerGroupPartitionMetadataKey(groupID: "g"), nil), key: "0004 0001 67", value: nil),
        Sample(
            testDescription: "member of a consumer group",
            record: .consumerGroupMember(
                ConsumerGroupMemberMetadataKey(groupID: "g", memberID: "m"),
                ConsumerGroupMemberMetadataValue(
                    instanceID: nil, rackID: nil, clientID: "k", clientHost: "/h", subscribedTopicNames: ["t"],
                    subscribedTopicRegex: nil, rebalanceTimeoutMs: 9, serverAssignor: nil)),
            key: "0005 0001 67 0001 6d", value: "0000 00 00 02 6b 03 2f68 02 02 74 00 00000009 00 00"),
        Sample(
            testDescription: "target of a consumer group",
            record: .consumerGroupTarget(
                ConsumerGroupTargetAssignmentMetadataKey(groupID: "g"),
                ConsumerGroupTargetAssignmentMetadataValue(assignmentEpoch: 5)),
            key: "0006 0001 67", value: "0000 00000005 00"),
        Sample(
            testDescription: "target of a member",
            record: .consumerGroupTargetMember(
                ConsumerGroupTargetAssignmentMemberKey(groupID: "g", memberID: "m"),
                ConsumerGroupTargetAssignmentMemberValue(topicPartitions: [])),
            key: "0007 0001 67 0001 6d", value: "0000 01 00"),
        Sample(
            testDescription: "assignment of a member",
            record: .consumerGroupCurrentMember(
                ConsumerGroupCurrentMemberAssignmentKey(groupID: "g", memberID: "m"),
                ConsumerGroupCurrentMemberAssignmentValue(memberEpoch: 5, previousMemberEpoch: 4, state: 1)),
            key: "0008 0001 67 0001 6d", value: "0000 00000005 00000004 01 01 01 00"),
        Sample(
            testDescription: "regular expression",
            record: .consumerGroupRegularExpression(
                ConsumerGroupRegularExpressionKey(groupID: "g", regularExpression: "a.*"),
                ConsumerGroupRegularExpressionValue(topics: ["ab"], version: 1, timestamp: 2)),
            key: "0010 0001 67 0003 612e2a", value: "0000 02 03 6162 0000000000000001 0000000000000002 00"),
    ]

    @Test(arguments: samples)
    func `a record has Kafka's bytes and is read back from them`(sample: Sample) throws {
        let (key, value) = try sample.record.encoded()
        #expect(key == hex(sample.key))
        #expect(value == sample.value.map { hex($0) })
        guard case .record(let decoded) = try decode(key, value) else {
            Issue.record("the record is not recognised")
            return
        }
        let again = try decoded.encoded()
        #expect(again.key == key && again.value == value)
    }

    @Test(arguments: [10, 11, 12, 13, 14, 15, 17, 19, 20, 21, 22, 23, 9, 18, 24, 32767, -1])
    func `records of other coordinators and unknown ones are left alone`(type: Int16) throws {
        var key = ByteWriter()
        key.writeInt16(type)
        key.writeInt32(0)
        guard case .skipped(type) = try decode(key.toArray(), [0, 0, 1]) else {
            Issue.record("type \(type) is not skipped")
            return
        }
    }

    @Test(arguments: samples)
    func `bytes that end too soon are refused at every length`(sample: Sample) throws {
        let key = hex(sample.key)
        for length in 0..<key.count {
            #expect(throws: WireError.self) { try decode(Array(key[..<length]), nil) }
        }
        guard let value = sample.value.map({ hex($0) }) else { return }
        for length in 0..<value.count {
            #expect(throws: WireError.self) { try decode(key, Array(value[..<length])) }
        }
    }

    @Test func `a value of a newer broker is refused, not misread`() {
        #expect(throws: WireError(.unsupportedVersion(5))) { try decode(hex("0002 0001 67"), hex("0005 00")) }
    }

    private func decode(_ key: [UInt8], _ value: [UInt8]?) throws -> GroupCoordinatorRecord.Decoded {
        try key.withUnsafeBytes { key in
            guard let value else { return try GroupCoordinatorRecord.decode(key: key, value: nil) }
            return try value.withUnsafeBytes { try GroupCoordinatorRecord.decode(key: key, value: $0) }
        }
    }
}

/// Bytes from hexadecimal text; blanks do not matter.
func hex(_ text: String) -> [UInt8] {
    let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}
