// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import KafkaServer
import Testing

@Suite struct FindCoordinatorHandlerTests {
    @Test(arguments: FindCoordinatorHandler.servedVersions)
    func `the first question makes the topic, and this broker coordinates`(version: Int16) throws {
        let broker = try TestBroker()
        let request =
            version < 4 ? FindCoordinatorRequest(key: "g") : FindCoordinatorRequest(coordinatorKeys: ["g", "h"])
        let response = try broker.call(request, version: version)
        if version < 4 {
            #expect(response.errorCode == 0)
            #expect(response.nodeID == 1 && response.host == "broker" && response.port == 9092)
        } else {
            #expect(response.coordinators.map(\.key) == ["g", "h"])
            #expect(response.coordinators.allSatisfy { $0.errorCode == 0 && $0.nodeID == 1 && $0.port == 9092 })
        }
    }

    @Test func `the topic is internal and compacted, as large as configured, with a replica on each broker there is`()
        throws
    {
        let broker = try TestBroker([
            "offsets.topic.num.partitions": "7", "offsets.topic.segment.bytes": "12345678",
        ])
        try broker.findCoordinator()
        let metadata = try broker.call(MetadataRequest(topics: [.init(name: OffsetsTopic.name)]))
        let topic = try #require(metadata.topics.first)
        #expect(topic.isInternal)
        #expect(topic.partitions.map(\.replicaNodes) == Array(repeating: [1], count: 7))
        let described = try broker.call(
            DescribeConfigsRequest(resources: [.init(resourceType: 2, resourceName: OffsetsTopic.name)]))
        let configs = try #require(described.results.first?.configs)
        let values = Dictionary(uniqueKeysWithValues: configs.map { ($0.name, $0.value) })
        #expect(values["cleanup.policy"] == "compact")
        #expect(values["segment.bytes"] == "12345678")
        #expect(values["compression.type"] == "producer")
    }

    @Test func `clients cannot produce to it`() throws {
        let broker = try TestBroker()
        try broker.findCoordinator()
        let answer = try broker.produce(
            try Batches.batch(["v"], timestamp: broker.now), to: OffsetsTopic.name, version: 12)
        #expect(ErrorCode(answer.errorCode) == .invalidTopicException)
    }

    @Test(arguments: [(5, 2), (6, 3), (1, -1)] as [(Int16, Int8)])
    func `an unknown kind of key is an invalid request`(version: Int16, keyType: Int8) throws {
        let broker = try TestBroker()
        let response = try broker.call(
            FindCoordinatorRequest(
                key: version >= 4 ? "" : "k", keyType: keyType, coordinatorKeys: version >= 4 ? ["k"] : []),
            version: version)
        let error = version >= 4 ? response.coordinators.first?.errorCode : response.errorCode
        #expect(ErrorCode(error ?? 0) == .invalidRequest)
    }

    @Test func `transactions have no coordinator yet, which clients do not wait for, and nothing is made for them`()
        throws
    {
        let broker = try TestBroker()
        let response = try broker.call(FindCoordinatorRequest(key: "k", keyType: 1), version: 3)
        #expect(ErrorCode(response.errorCode) == .unsupportedVersion)
        #expect(response.errorMessage?.isEmpty == false)
        #expect(broker.node.context?.metadata.image.topics.count == 0)
    }

    @Test func `too many keys end the connection`() throws {
        let broker = try TestBroker()
        let connection = broker.connect()
        try connection.send(
            FindCoordinatorRequest(coordinatorKeys: (0..<10_001).map { "\($0)" }), version: 4)
        #expect(try connection.waitForClose())
    }

    @Test(arguments: [("", 0), ("g", 3), ("console-consumer-12345", 6), ("grüße", 23), ("polygenelubricants", 0)])
    func `a group's partition is Java's hash of its name`(group: String, partition: Int32) {
        // "polygenelubricants" hashes to the smallest 32-bit integer, which has no absolute value.
        #expect(OffsetsTopic.partition(of: group, partitionCount: 50) == partition)
    }
}
