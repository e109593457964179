// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import Testing

@Suite struct DeleteTopicsTests {
    private func delete(
        _ cluster: inout TestCluster, _ topics: [DeleteTopicsRequest.DeleteTopicState], names: [String] = [],
        version: Int16 = 6
    ) throws -> [DeleteTopicsResponse.DeletableTopicResult] {
        let result = cluster.controller.deleteTopics(
            DeleteTopicsRequest(topics: topics, topicNames: names), version: version)
        try cluster.commit(result.records)
        return result.response.responses
    }

    @Test func `a topic goes by name with its configurations, and its name is free again`() throws {
        var cluster = try TestCluster()
        let topic = CreateTopicsRequest.CreatableTopic(
            name: "a.b", numPartitions: 1, replicationFactor: 1, configs: [.init(name: "number", value: "1")])
        let id = try cluster.createTopics([topic]).topics[0].topicID
        let results = try delete(&cluster, [], names: ["a.b"], version: 5)
        #expect(results.map(\.errorCode) == [0])
        #expect(results[0].topicID == id)
        #expect(cluster.image.topics.count == 0)
        #expect(cluster.image.configs.isEmpty)
        #expect(try cluster.createTopic("a_b").errorCode == 0)
    }

    @Test func `a topic goes by id and is answered with its name`() throws {
        var cluster = try TestCluster()
        let id = try cluster.createTopic("t").topicID
        let results = try delete(&cluster, [.init(name: nil, topicID: id)])
        #expect(results.map(\.errorCode) == [0])
        #expect(results[0].name == "t")
        #expect(cluster.image.topics.topic(id: id) == nil)
    }

    @Test func `what does not exist, is named twice or not at all is refused`() throws {
        var cluster = try TestCluster()
        let id = try cluster.createTopic("t").topicID
        let results = try delete(
            &cluster,
            [
                .init(name: "unknown"), .init(name: nil, topicID: KafkaUUID(high: 1, low: 1)), .init(name: nil),
                .init(name: "t", topicID: id), .init(name: "t"), .init(name: nil, topicID: id),
            ])
        #expect(
            results.map { ErrorCode(rawValue: $0.errorCode) } == [
                .unknownTopicOrPartition, .unknownTopicID, .invalidRequest, .invalidRequest, .invalidRequest,
            ])
        #expect(cluster.image.topics.count == 1)
    }

    @Test(arguments: [(2, ErrorCode.invalidRequest), (3, .topicDeletionDisabled)] as [(Int16, ErrorCode)])
    func `deletion can be switched off`(version: Int16, expected: ErrorCode) throws {
        var cluster = try TestCluster { $0.isTopicDeletionEnabled = false }
        try cluster.createTopic("t")
        #expect(
            try delete(&cluster, [], names: ["t"], version: version).map(\.errorCode) == [expected.rawValue])
        #expect(cluster.image.topics.count == 1)
    }
}

@Suite struct CreatePartitionsTests {
    typealias Topic = CreatePartitionsRequest.CreatePartitionsTopic

    private func create(
        _ cluster: inout TestCluster, _ topics: [Topic], validateOnly: Bool = false
    ) throws -> [CreatePartitionsResponse.CreatePartitionsTopicResult] {
        let result = cluster.controller.createPartitions(
            CreatePartitionsRequest(topics: topics, validateOnly: validateOnly)
        ) { 5 }
        try cluster.commit(result.records)
        return result.response.results
    }

    @Test func `partitions are added behind the existing ones`() throws {
        var cluster = try TestCluster()
        try cluster.createTopic("t", partitions: 2)
        #expect(try create(&cluster, [Topic(name: "t", count: 5, assignments: nil)]).map(\.errorCode) == [0])
        #expect(cluster.image.topics.topic(named: "t")?.partitionCount == 5)
        #expect(try cluster.partition("t", 4).leader == 1)
    }

    @Test func `validate-only changes nothing`() throws {
        var cluster = try TestCluster()
        try cluster.createTopic("t", partitions: 2)
        let results = try create(&cluster, [Topic(name: "t", count: 5, assignments: nil)], validateOnly: true)
        #expect(results.map(\.errorCode) == [0])
        #expect(cluster.image.topics.topic(named: "t")?.partitionCount == 2)
    }

    @Test func `assignments by hand are kept`() throws {
        var cluster = try TestCluster(brokers: [1, 2])
        try cluster.createTopic("t")
        let topic = Topic(name: "t", count: 2, assignments: [.init(brokerIDs: [2])])
        #expect(try create(&cluster, [topic]).map(\.errorCode) == [0])
        #expect(try cluster.partition("t", 1).replicas == [2])
    }

    static let refusals: [(Topic, ErrorCode)] = [
        (Topic(name: "unknown", count: 2, assignments: nil), .unknownTopicOrPartition),
        (Topic(name: "t", count: 2, assignments: nil), .invalidPartitions),
        (Topic(name: "t", count: 1, assignments: nil), .invalidPartitions),
        (Topic(name: "t", count: -1, assignments: nil), .invalidPartitions),
        (Topic(name: "t", count: .max, assignments: nil), .policyViolation),
        (Topic(name: "t", count: 4, assignments: [.init(brokerIDs: [1])]), .invalidReplicaAssignment),
        (Topic(name: "t", count: 3, assignments: [.init(brokerIDs: [])]), .invalidReplicaAssignment),
        (Topic(name: "t", count: 3, assignments: [.init(brokerIDs: [9])]), .invalidReplicaAssignment),
    ]

    @Test(arguments: refusals.indices)
    func `what is not an increase, or not possible, is refused`(index: Int) throws {
        var cluster = try TestCluster()
        try cluster.createTopic("t", partitions: 2)
        let (topic, code) = Self.refusals[index]
        #expect(try create(&cluster, [topic]).map(\.errorCode) == [code.rawValue])
        #expect(cluster.image.topics.topic(named: "t")?.partitionCount == 2)
    }

    @Test func `a topic named twice is refused once`() throws {
        var cluster = try TestCluster()
        try cluster.createTopic("t")
        let topic = Topic(name: "t", count: 2, assignments: nil)
        #expect(try create(&cluster, [topic, topic]).map(\.errorCode) == [ErrorCode.invalidRequest.rawValue])
    }
}

@Suite struct PlacementTests {
    private func replicas(_ cluster: inout TestCluster, partitions: Int32, factor: Int16) throws -> [[Int32]] {
        try cluster.createTopic("t", partitions: partitions, replicationFactor: factor)
        return try (0..<partitions).map { try cluster.partition("t", $0).replicas }
    }

    @Test func `leaders are spread evenly, and so are those who follow one leader`() throws {
        var cluster = try TestCluster(brokers: [1, 2, 3, 4])
        let placed = try replicas(&cluster, partitions: 48, factor: 3)
        var leaders: [Int32: Int] = [:]
        var seconds: [Int32: Set<Int32>] = [:]
        for replicas in placed {
            #expect(Set(replicas).count == 3)
            leaders[replicas[0], default: 0] += 1
            seconds[replicas[0], default: []].insert(replicas[1])
        }
        #expect(leaders == [1: 12, 2: 12, 3: 12, 4: 12])
        #expect(seconds.values.allSatisfy { $0.count == 3 })
    }

    @Test func `replicas are on as many racks as there are`() throws {
        var cluster = try TestCluster(brokers: [])
        for id: Int32 in 1...6 { try cluster.addBroker(id, rack: "rack\(id % 3)") }
        for replicas in try replicas(&cluster, partitions: 24, factor: 3) {
            #expect(Set(replicas.map { $0 % 3 }).count == 3)
        }
    }

    @Test func `a fenced broker never leads and is used last`() throws {
        var cluster = try TestCluster(brokers: [1, 2, 3])
        try cluster.heartbeat(2, fence: true)
        for replicas in try replicas(&cluster, partitions: 12, factor: 2) { #expect(!replicas.contains(2)) }
        let all = try cluster.createTopic("all", partitions: 12, replicationFactor: 3)
        #expect(all.errorCode == 0)
        for index: Int32 in 0..<12 {
            let partition = try cluster.partition("all", index)
            #expect(partition.leader != 2)
            #expect(partition.inSyncReplicas.sorted() == [1, 3])
        }
    }

    @Test func `a rack whose brokers are all fenced does not lead`() throws {
        var cluster = try TestCluster(brokers: [])
        for id: Int32 in 1...4 { try cluster.addBroker(id, rack: id < 3 ? "a" : "b") }
        try cluster.heartbeat(3, fence: true)
        try cluster.heartbeat(4, fence: true)
        for replicas in try replicas(&cluster, partitions: 8, factor: 2) {
            #expect(replicas[0] < 3)
            #expect(replicas[1] > 2)
        }
    }
}
