// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import Testing

@Suite struct CoordinatorRecordTests {
    private func decodeKey(_ text: String) throws -> any CoordinatorKey {
        try hex(text).withUnsafeBytes { raw in try GroupCoordinatorRecordType.decodeKey(raw).key }
    }

    private func decodeValue(
        _ type: GroupCoordinatorRecordType, _ bytes: [UInt8]
    ) throws -> (version: Int16, value: any CoordinatorValue) {
        try bytes.withUnsafeBytes { raw in try type.decodeValue(raw) }
    }

    @Test func `a key stands behind its type`() throws {
        let key = OffsetCommitKey(group: "g", topic: "t", partition: 3)
        #expect(try key.encodedKey() == hex("0001 0001 67 0001 74 00000003"))
        #expect(key.recordJSON() == "{\"type\":\"1\",\"data\":{\"group\":\"g\",\"topic\":\"t\",\"partition\":3}}")
        let decoded = try #require(decodeKey("0001 0001 67 0001 74 00000003") as? OffsetCommitKey)
        #expect(decoded.group == "g" && decoded.topic == "t" && decoded.partition == 3)
    }

    @Test(arguments: ["", "00", "0001", "0001 0001", "0009 0001 67", "ffff 0001 67", "0002 0001 67 00"])
    func `a malformed key is refused`(text: String) {
        #expect(throws: WireError.self) { try decodeKey(text) }
    }

    @Test func `an unknown type is told from broken bytes`() {
        #expect(throws: WireError(.invalidValue(9), path: "Type")) { try decodeKey("0009 0001 67") }
    }

    @Test func `a value stands behind its version`() throws {
        let value = OffsetCommitValue(offset: 5, leaderEpoch: 2, metadata: "m", commitTimestamp: 7)
        #expect(
            try value.encodedValue(version: 3) == hex("0003 0000000000000005 00000002 0001 6d 0000000000000007"))
        #expect(
            try value.encodedValue(version: 4) == hex("0004 0000000000000005 00000002 02 6d 0000000000000007 00"))
        #expect(
            value.recordJSON(version: 3)
                == "{\"version\":\"3\",\"data\":{\"offset\":5,\"leaderEpoch\":2,\"metadata\":\"m\",\"commitTimestamp\":7}}"
        )
        let decoded = try decodeValue(.offsetCommit, value.encodedValue(version: 4))
        #expect(decoded.version == 4)
        #expect((decoded.value as? OffsetCommitValue)?.offset == 5)
    }

    @Test func `a value of an unknown version is refused`() {
        #expect(throws: WireError(.unsupportedVersion(9))) { try decodeValue(.offsetCommit, hex("0009 00")) }
        #expect(throws: WireError(.truncated(needed: 2, available: 1), path: "Version")) {
            try decodeValue(.offsetCommit, hex("00"))
        }
    }

    @Test func `keys and values agree on their types`() {
        func check<Types: CoordinatorRecordType>(_: Types.Type) {
            for type in Types.allCases {
                #expect(type.keyType.recordType.rawValue == type.rawValue)
                #expect(type.valueType.recordType.rawValue == type.rawValue)
            }
        }
        check(GroupCoordinatorRecordType.self)
        check(ShareCoordinatorRecordType.self)
        check(TransactionCoordinatorRecordType.self)
        #expect(GroupCoordinatorRecordType.allCases.map(\.rawValue) == Array(0...8) + Array(10...17) + Array(19...23))
    }

    // MARK: Consumer protocol inside group metadata

    static func group(protocolType: String, subscription: [UInt8]) -> GroupMetadataValue {
        GroupMetadataValue(
            protocolType: protocolType, generation: 1, protocol: "range", leader: "\"members\":[]}",
            members: [
                .init(
                    memberID: "m", clientID: "\"subscription\":\"\"", clientHost: "h", rebalanceTimeout: 1,
                    sessionTimeout: 2, subscription: subscription,
                    assignment: hex("0000 00000001 0001 74 00000001 00000000 ffffffff"))
            ])
    }

    @Test func `a group of consumers shows subscriptions and assignments as objects`() throws {
        let value = Self.group(protocolType: "consumer", subscription: hex("0001 00000001 0001 74 ffffffff 00000000"))
        let text = try value.expandedJSON(version: 2)
        let escaped = "\\\"subscription\\\":\\\"\\\""
        #expect(
            text
                == "{\"protocolType\":\"consumer\",\"generation\":1,\"protocol\":\"range\","
                + "\"leader\":\"\\\"members\\\":[]}\",\"currentStateTimestamp\":-1,\"members\":[{\"memberId\":\"m\","
                + "\"clientId\":\"\(escaped)\",\"clientHost\":\"h\",\"rebalanceTimeout\":1,\"sessionTimeout\":2,"
                + "\"subscription\":{\"topics\":[\"t\"],\"userData\":null,\"ownedPartitions\":[]},"
                + "\"assignment\":{\"assignedPartitions\":[{\"topic\":\"t\",\"partitions\":[0]}],\"userData\":null}}]}")
        for version in GroupMetadataValue.versions { _ = try value.expandedJSON(version: version) }
    }

    @Test func `other groups keep Base64`() throws {
        let value = Self.group(protocolType: "connect", subscription: [1, 2, 3])
        #expect(try value.expandedJSON(version: 2) == value.json(version: 2))
        #expect(value.json(version: 2).contains("\"subscription\":\"AQID\""))
    }

    @Test func `a broken subscription is refused with its place`() {
        let value = Self.group(protocolType: "consumer", subscription: hex("0000 00000009"))
        #expect(throws: WireError(.invalidLength(9), path: "Members[0].Subscription.Topics")) {
            try value.expandedJSON(version: 2)
        }
    }
}
