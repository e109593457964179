// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaServer
import Testing

/// Metadata (key 3).
@Suite struct MetadataHandlerTests {
    private func request(_ names: [String]?, version: Int16, create: Bool = true) -> MetadataRequest {
        MetadataRequest(
            topics: names?.map { .init(name: $0) } ?? (version == 0 ? [] : nil),
            allowAutoTopicCreation: version >= 4 ? create : true)
    }

    @Test(arguments: 0...13 as ClosedRange<Int16>)
    func `describes the cluster in every version`(version: Int16) throws {
        let broker = try TestBroker(["broker.rack": "west", "node.id": "7"])
        let id = try broker.createTopic("t", partitions: 3)
        try broker.createTopic("__consumer_offsets")
        for names in [nil, ["t", "__consumer_offsets"]] {
            let answer = try broker.call(request(names, version: version), version: version)
            #expect(answer.errorCode == 0)
            let node = try #require(answer.brokers.first)
            #expect(answer.brokers.count == 1)
            #expect(node.nodeID == 7 && node.host == "broker" && node.port == 9092)
            #expect(node.rack == (version >= 1 ? "west" : nil))
            #expect(answer.controllerID == (version >= 1 ? 7 : -1))
            #expect((answer.clusterID != nil) == (version >= 2))
            #expect(Set(answer.topics.map(\.name)) == ["t", "__consumer_offsets"])
            let topic = try #require(answer.topics.first { $0.name == "t" })
            #expect(topic.topicID == (version >= 10 ? id : .zero))
            #expect(topic.errorCode == 0 && !topic.isInternal)
            #expect(topic.partitions.map(\.partitionIndex) == [0, 1, 2])
            for partition in topic.partitions {
                #expect(partition.errorCode == 0)
                #expect(partition.leaderID == 7)
                #expect(partition.replicaNodes == [7] && partition.isrNodes == [7])
                #expect(partition.offlineReplicas == [])
                #expect(partition.leaderEpoch == (version >= 7 ? 0 : -1))
            }
            #expect(answer.topics.first { $0.name == "__consumer_offsets" }?.isInternal == (version >= 1))
        }
        #expect(broker.log.complaints == [])
    }

    @Test(arguments: 1...13 as ClosedRange<Int16>)
    func `an empty list asks for no topic`(version: Int16) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let answer = try broker.call(MetadataRequest(topics: []), version: version)
        #expect(answer.topics.isEmpty && !answer.brokers.isEmpty)
    }

    // MARK: Auto-creation

    @Test(arguments: 0...13 as ClosedRange<Int16>)
    func `asking makes the topic`(version: Int16) throws {
        let broker = try TestBroker(["num.partitions": "4"])
        let answer = try broker.call(request(["t"], version: version), version: version)
        let topic = try #require(answer.topics.first)
        #expect(topic.errorCode == 0 && topic.partitions.count == 4)
        #expect(try broker.produce(["a"], to: "t") == 0)
    }

    @Test(arguments: 4...13 as ClosedRange<Int16>)
    func `the client may ask without making`(version: Int16) throws {
        let broker = try TestBroker()
        for _ in 0..<2 {
            let answer = try broker.call(request(["t"], version: version, create: false), version: version)
            #expect(answer.topics.map { ErrorCode($0.errorCode) } == [.unknownTopicOrPartition])
            #expect(answer.topics[0].name == "t")
        }
    }

    @Test(arguments: 0...13 as ClosedRange<Int16>)
    func `the configuration may forbid making`(version: Int16) throws {
        let broker = try TestBroker(["auto.create.topics.enable": "false"])
        let answer = try broker.call(request(["t"], version: version), version: version)
        #expect(answer.topics.map { ErrorCode($0.errorCode) } == [.unknownTopicOrPartition])
    }

    @Test(arguments: 0...13 as ClosedRange<Int16>)
    func `names that no topic can have are refused`(version: Int16) throws {
        let broker = try TestBroker()
        let names = ["", ".", "..", "a b", "ä", "a/b", String(repeating: "x", count: 250), "good"]
        let answer = try broker.call(request(names, version: version), version: version)
        #expect(answer.topics.map(\.name) == names)
        #expect(
            answer.topics.map { ErrorCode($0.errorCode) }
                == Array(repeating: .invalidTopicException, count: 7) + [.none])
    }

    @Test func `topics that cannot be made say why`() throws {
        let broker = try TestBroker(["default.replication.factor": "3"])
        let answer = try broker.call(request(["t"], version: 13), version: 13)
        #expect(answer.topics.map { ErrorCode($0.errorCode) } == [.invalidReplicationFactor])
        let other = try TestBroker()
        try other.createTopic("a.b")
        let colliding = try other.call(request(["a_b"], version: 13), version: 13)
        #expect(colliding.topics.map { ErrorCode($0.errorCode) } == [.invalidTopicException])
    }

    @Test func `internal topics are not made by asking`() throws {
        let broker = try TestBroker()
        let answer = try broker.call(request(["__consumer_offsets", "__cluster_metadata"], version: 13), version: 13)
        #expect(answer.topics.map { ErrorCode($0.errorCode) } == Array(repeating: .unknownTopicOrPartition, count: 2))
    }

    @Test func `a topic asked for twice is described once`() throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        let twice = try broker.call(request(["t", "new", "t", "new", "", ""], version: 9), version: 9)
        #expect(twice.topics.map(\.name) == ["t", "new", ""])
        let byID = MetadataRequest(topics: [.init(topicID: id, name: nil), .init(topicID: id, name: nil)])
        #expect(try broker.call(byID, version: 12).topics.map(\.name) == ["t"])
    }

    // MARK: By id

    @Test(arguments: [12, 13] as [Int16])
    func `topics are found by id`(version: Int16) throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        let stranger = KafkaUUID(randomHigh: 1, randomLow: 2)
        let answer = try broker.call(
            MetadataRequest(topics: [.init(topicID: id, name: nil), .init(topicID: stranger, name: nil)]),
            version: version)
        #expect(answer.topics.map(\.name) == ["t", nil])
        #expect(answer.topics.map(\.topicID) == [id, stranger])
        #expect(answer.topics.map { ErrorCode($0.errorCode) } == [.none, .unknownTopicID])
        // The id counts where both are given.
        let both = try broker.call(MetadataRequest(topics: [.init(topicID: id, name: "other")]), version: version)
        #expect(both.topics.map(\.name) == ["t"])
    }

    @Test(arguments: [10, 11] as [Int16])
    func `ids are refused before version 12`(version: Int16) throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        let answer = try broker.call(
            MetadataRequest(topics: [.init(topicID: id, name: "t"), .init(topicID: .zero, name: nil)]), version: version
        )
        #expect(answer.topics.map { ErrorCode($0.errorCode) } == [.invalidRequest, .invalidRequest])
    }

    // MARK: Operations

    @Test(arguments: 8...13 as ClosedRange<Int16>)
    func `operations are listed on request`(version: Int16) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        var request = MetadataRequest(topics: [.init(name: "t")])
        let silent = try broker.call(request, version: version)
        #expect(silent.topics[0].topicAuthorizedOperations == .min)
        #expect(silent.clusterAuthorizedOperations == .min)
        request.includeTopicAuthorizedOperations = true
        request.includeClusterAuthorizedOperations = version <= 10
        let told = try broker.call(request, version: version)
        // Read, write, create, delete, alter, describe, describe and alter configurations.
        #expect(told.topics[0].topicAuthorizedOperations == 0b1101_1111_1000)
        if version <= 10 { #expect(told.clusterAuthorizedOperations == 0b1_1111_1010_0000 | 0) }
    }
}
