// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import Testing

/// Bytes derived by hand from the protocol's rules, one field at a time.
@Suite struct GoldenMessageTests {
    private func expect<T: WireMessage>(
        _ message: T, version: Int16, is golden: String, location: SourceLocation = #_sourceLocation
    ) throws {
        let bytes = hex(golden)
        #expect(hex(try message.encoded(version: version)) == hex(bytes), sourceLocation: location)
        try bytes.withUnsafeBytes { raw in
            let decoded = try T(decoding: raw, version: version)
            #expect(hex(try decoded.encoded(version: version)) == hex(bytes), sourceLocation: location)
            for length in 0..<bytes.count {
                #expect(throws: WireError.self, "cut at \(length)", sourceLocation: location) {
                    try T(decoding: UnsafeRawBufferPointer(rebasing: raw[..<length]), version: version)
                }
            }
        }
    }

    // MARK: ApiVersions

    @Test(arguments: [0, 1, 2] as [Int16])
    func `ApiVersions requests before flexible versions are empty`(version: Int16) throws {
        try expect(ApiVersionsRequest(clientSoftwareName: "ignored"), version: version, is: "")
    }

    @Test(arguments: [3, 4] as [Int16])
    func `ApiVersions requests name the client's software`(version: Int16) throws {
        let request = ApiVersionsRequest(clientSoftwareName: "kcat", clientSoftwareVersion: "1.7")
        try expect(request, version: version, is: "05 6b636174  04 312e37  00")
    }

    @Test func `ApiVersions v5 names cluster and node`() throws {
        let request = ApiVersionsRequest(
            clientSoftwareName: "a", clientSoftwareVersion: "b", clusterID: "c", nodeID: 7)
        try expect(request, version: 5, is: "02 61  02 62  02 63  00000007  00")
    }

    @Test func `ApiVersions v0 has error and keys, v1 adds the throttle time`() throws {
        let response = ApiVersionsResponse(
            errorCode: 35, apiKeys: [.init(apiKey: 18, minVersion: 0, maxVersion: 4)], throttleTimeMs: 9)
        try expect(response, version: 0, is: "0023  00000001 0012 0000 0004")
        try expect(response, version: 2, is: "0023  00000001 0012 0000 0004  00000009")
    }

    @Test func `ApiVersions v3 is compact and tags the features`() throws {
        let plain = ApiVersionsResponse(apiKeys: [.init(apiKey: 1, minVersion: 0, maxVersion: 18)])
        try expect(plain, version: 3, is: "0000  02 0001 0000 0012 00  00000000  00")
        var full = plain
        full.supportedFeatures = [.init(name: "f", minVersion: 1, maxVersion: 2)]
        full.finalizedFeaturesEpoch = 5
        full.finalizedFeatures = [.init(name: "f", maxVersionLevel: 2, minVersionLevel: 1)]
        full.zkMigrationReady = true
        try expect(
            full, version: 4,
            is: """
                0000  02 0001 0000 0012 00  00000000
                04
                00 08  02 02 66 0001 0002 00
                01 08  0000000000000005
                02 08  02 02 66 0002 0001 00
                03 01  01
                """)
    }

    // MARK: Metadata

    @Test func `Metadata requests tell all topics from none`() throws {
        try expect(MetadataRequest(topics: []), version: 0, is: "00000000")
        try expect(MetadataRequest(topics: nil), version: 1, is: "ffffffff")
        try expect(MetadataRequest(topics: []), version: 1, is: "00000000")
        try expect(MetadataRequest(topics: [.init(name: "t")]), version: 4, is: "00000001 0001 74  01")
        try expect(
            MetadataRequest(topics: nil, allowAutoTopicCreation: false, includeTopicAuthorizedOperations: true),
            version: 9, is: "00  00 00 01  00")
        let id = KafkaUUID(high: 1, low: 2)
        try expect(
            MetadataRequest(topics: [.init(topicID: id, name: nil)]), version: 12,
            is: "02  0000000000000001 0000000000000002 00 00  01 00  00")
    }

    @Test func `Metadata v0 refuses a null list`() {
        #expect(throws: WireError(.unexpectedNull, path: "Topics")) {
            try MetadataRequest(topics: nil).encoded(version: 0)
        }
    }

    static let metadataResponse = MetadataResponse(
        brokers: [.init(nodeID: 1, host: "h", port: 9092)],
        clusterID: "c", controllerID: 1,
        topics: [
            .init(
                name: "t", topicID: KafkaUUID(high: 0, low: 3),
                partitions: [.init(partitionIndex: 0, leaderID: 1, leaderEpoch: 4, replicaNodes: [1], isrNodes: [1])])
        ])

    @Test func `Metadata responses grow with their versions`() throws {
        try expect(
            Self.metadataResponse, version: 0,
            is: """
                00000001  00000001 0001 68 00002384
                00000001  0000 0001 74  00000001  0000 00000000 00000001 00000001 00000001 00000001 00000001
                """)
        try expect(
            Self.metadataResponse, version: 12,
            is: """
                00000000
                02  00000001 02 68 00002384 00 00
                02 63
                00000001
                02  0000 02 74 0000000000000000 0000000000000003 00
                    02  0000 00000000 00000001 00000004 02 00000001 02 00000001 01 00
                    80000000 00
                00
                """)
    }

    // MARK: Produce

    static let produce = ProduceRequest(
        acks: -1, timeoutMs: 1000,
        topicData: [.init(name: "t", partitionData: [.init(index: 2, records: .owned([1, 2, 3]))])])

    @Test func `Produce requests carry the records as they are`() throws {
        try expect(
            Self.produce, version: 0, is: "ffff 000003e8  00000001 0001 74  00000001 00000002 00000003 010203")
        try expect(
            Self.produce, version: 3, is: "ffff ffff 000003e8  00000001 0001 74  00000001 00000002 00000003 010203")
        try expect(
            Self.produce, version: 9, is: "00 ffff 000003e8  02 02 74  02 00000002 04 010203 00  00  00")
        var byID = Self.produce
        byID.topicData[0].name = ""
        byID.topicData[0].topicID = KafkaUUID(high: 0, low: 9)
        try expect(
            byID, version: 13,
            is: "00 ffff 000003e8  02 0000000000000000 0000000000000009  02 00000002 04 010203 00  00  00")
    }

    @Test func `Produce responses tag the new leader`() throws {
        let response = ProduceResponse(responses: [
            .init(
                name: "t",
                partitionResponses: [
                    .init(
                        index: 0, errorCode: 6, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: 3,
                        currentLeader: .init(leaderID: 2, leaderEpoch: 8))
                ])
        ])
        try expect(
            response, version: 10,
            is: """
                02 02 74  02 00000000 0006 ffffffffffffffff ffffffffffffffff 0000000000000003 01 00
                    01 00 09  00000002 00000008 00
                00
                00000000 00
                """)
    }

    // MARK: Nullable structures

    @Test func `a nullable structure stands behind one byte`() throws {
        let none = DescribeTopicPartitionsRequest(topics: [.init(name: "t")], cursor: nil)
        try expect(none, version: 0, is: "02 02 74 00  000007d0  ff  00")
        let some = DescribeTopicPartitionsRequest(
            topics: [], responsePartitionLimit: 5, cursor: .init(topicName: "t", partitionIndex: 1))
        try expect(some, version: 0, is: "01  00000005  01 02 74 00000001 00  00")
    }

    /// In tagged fields Kafka writes 0 for a null structure and 1 in front of one.
    @Test func `a nullable tagged structure stands behind zero or one`() throws {
        var value = ConsumerGroupMemberMetadataValue(
            clientID: "c", clientHost: "h", subscribedTopicNames: ["t"], rebalanceTimeoutMs: 1000,
            classicMemberMetadata: nil)
        value.instanceID = nil
        value.rackID = nil
        value.subscribedTopicRegex = nil
        value.serverAssignor = nil
        try expect(value, version: 0, is: "00 00 02 63 02 68 02 02 74 00 000003e8 00  01 00 01 00")
        value.classicMemberMetadata = .init(
            sessionTimeoutMs: 30000, supportedProtocols: [.init(name: "range", metadata: [1, 2])])
        try expect(
            value, version: 0,
            is: "00 00 02 63 02 68 02 02 74 00 000003e8 00  01 00 11  01 00007530 02 06 72616e6765 03 0102 00 00")
    }

    @Test func `a tagged list tells null from empty`() throws {
        func value(_ epochs: [Int32]?) -> ConsumerGroupCurrentMemberAssignmentValue {
            .init(memberEpoch: 1, assignedPartitions: [.init(partitions: [0], assignmentEpochs: epochs)])
        }
        let head = "00000001 00000000 00 02 00000000000000000000000000000000 02 00000000"
        try expect(value([]), version: 0, is: head + "00 01 00")
        try expect(value(nil), version: 0, is: head + "01 00 01 00 01 00")
        try expect(value([9]), version: 0, is: head + "01 00 05 02 00000009 01 00")
    }
}
