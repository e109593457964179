// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaServer
import Testing

/// CreateTopics (key 19), DeleteTopics (key 20) and CreatePartitions (key 37).
@Suite struct TopicHandlersTests {
    typealias NewTopic = CreateTopicsRequest.CreatableTopic

    private func names(_ broker: TestBroker) throws -> [String] {
        try broker.call(MetadataRequest(topics: nil)).topics.compactMap(\.name)
    }

    // MARK: CreateTopics

    @Test(arguments: 0...7 as ClosedRange<Int16>)
    func `creates in every version`(version: Int16) throws {
        let broker = try TestBroker()
        let answer = try broker.call(
            CreateTopicsRequest(topics: [
                NewTopic(
                    name: "t", numPartitions: 3, replicationFactor: 1,
                    configs: [.init(name: "retention.ms", value: "1234")]),
                NewTopic(
                    name: "u", numPartitions: -1, replicationFactor: -1,
                    assignments: [.init(partitionIndex: 0, brokerIDs: [1])]),
            ]), version: version)
        #expect(answer.topics.map(\.name) == ["t", "u"])
        #expect(answer.topics.map(\.errorCode) == [0, 0])
        let topic = answer.topics[0]
        if version >= 1 { #expect(topic.errorMessage == nil) }
        #expect(topic.numPartitions == (version >= 5 ? 3 : -1))
        #expect(topic.replicationFactor == (version >= 5 ? 1 : -1))
        #expect(topic.topicID.isZero == (version < 7))
        if version >= 5 {
            #expect(topic.configs?.first { $0.name == "retention.ms" }?.value == "1234")
            #expect(topic.configs?.first { $0.name == "retention.ms" }?.configSource == 1)
        }
        #expect(try names(broker) == ["t", "u"])
        #expect(try broker.produce(["a"], to: "t") == 0)
        #expect(broker.log.complaints == [])
    }

    @Test(arguments: 0...7 as ClosedRange<Int16>)
    func `every topic fails by itself`(version: Int16) throws {
        let broker = try TestBroker()
        try broker.createTopic("old")
        let cases: [(NewTopic, ErrorCode)] = [
            (NewTopic(name: "old", numPartitions: 1, replicationFactor: 1), .topicAlreadyExists),
            (NewTopic(name: "a b", numPartitions: 1, replicationFactor: 1), .invalidTopicException),
            (NewTopic(name: "p0", numPartitions: 0, replicationFactor: 1), .invalidPartitions),
            (NewTopic(name: "p-2", numPartitions: -2, replicationFactor: 1), .invalidPartitions),
            (NewTopic(name: "r0", numPartitions: 1, replicationFactor: 0), .invalidReplicationFactor),
            (NewTopic(name: "r2", numPartitions: 1, replicationFactor: 2), .invalidReplicationFactor),
            (NewTopic(name: "r-2", numPartitions: 1, replicationFactor: -2), .invalidReplicationFactor),
            (
                NewTopic(
                    name: "key", numPartitions: 1, replicationFactor: 1,
                    configs: [.init(name: "nonsense", value: "1")]), .invalidConfig
            ),
            (
                NewTopic(
                    name: "value", numPartitions: 1, replicationFactor: 1,
                    configs: [.init(name: "retention.ms", value: "soon")]), .invalidConfig
            ),
            (
                NewTopic(
                    name: "null", numPartitions: 1, replicationFactor: 1,
                    configs: [.init(name: "retention.ms", value: nil)]), .invalidConfig
            ),
            (
                NewTopic(
                    name: "broker", numPartitions: -1, replicationFactor: -1,
                    assignments: [.init(partitionIndex: 0, brokerIDs: [9])]), .invalidReplicaAssignment
            ),
            (
                NewTopic(
                    name: "gap", numPartitions: -1, replicationFactor: -1,
                    assignments: [.init(partitionIndex: 1, brokerIDs: [1])]), .invalidReplicaAssignment
            ),
            (
                NewTopic(
                    name: "both", numPartitions: 1, replicationFactor: 1,
                    assignments: [.init(partitionIndex: 0, brokerIDs: [1])]), .invalidRequest
            ),
            (NewTopic(name: "__cluster_metadata", numPartitions: 1, replicationFactor: 1), .invalidRequest),
            (NewTopic(name: "huge", numPartitions: .max, replicationFactor: 1), .policyViolation),
            (NewTopic(name: "good", numPartitions: 1, replicationFactor: 1), .none),
        ]
        let answer = try broker.call(CreateTopicsRequest(topics: cases.map(\.0)), version: version)
        #expect(answer.topics.map(\.name) == cases.map(\.0.name))
        for (topic, expected) in zip(answer.topics, cases) {
            #expect(ErrorCode(topic.errorCode) == expected.1, "\(topic.name)")
            if version >= 1, expected.1 != .none { #expect(topic.errorMessage?.isEmpty == false) }
        }
        #expect(try names(broker) == ["good", "old"])
    }

    @Test(arguments: 1...7 as ClosedRange<Int16>)
    func `validating makes nothing`(version: Int16) throws {
        let broker = try TestBroker()
        var request = CreateTopicsRequest(
            topics: [
                NewTopic(name: "t", numPartitions: 2, replicationFactor: 1),
                NewTopic(name: "bad name", numPartitions: 1, replicationFactor: 1),
            ], validateOnly: true)
        let answer = try broker.call(request, version: version)
        #expect(answer.topics.map { ErrorCode($0.errorCode) } == [.none, .invalidTopicException])
        #expect(answer.topics[0].topicID.isZero)
        #expect(try names(broker) == [])
        request.validateOnly = false
        #expect(try broker.call(request, version: version).topics[0].errorCode == 0)
    }

    @Test func `a name given twice is not created`() throws {
        let broker = try TestBroker()
        let topic = NewTopic(name: "t", numPartitions: 1, replicationFactor: 1)
        let answer = try broker.call(CreateTopicsRequest(topics: [topic, topic]), version: 7)
        #expect(answer.topics.map { ErrorCode($0.errorCode) } == [.invalidRequest])
        #expect(try names(broker) == [])
    }

    @Test func `the node's defaults fill in`() throws {
        let broker = try TestBroker(["num.partitions": "5"])
        let answer = try broker.call(
            CreateTopicsRequest(topics: [NewTopic(name: "t", numPartitions: -1, replicationFactor: -1)]), version: 7)
        #expect(answer.topics[0].numPartitions == 5 && answer.topics[0].replicationFactor == 1)
    }

    // MARK: DeleteTopics

    @Test(arguments: 0...6 as ClosedRange<Int16>)
    func `deletes in every version`(version: Int16) throws {
        let broker = try TestBroker()
        for name in ["a", "b", "c"] { try broker.createTopic(name) }
        try broker.produce(["x"], to: "a")
        let request =
            version >= 6
            ? DeleteTopicsRequest(topics: ["a", "missing", "c"].map { .init(name: $0) })
            : DeleteTopicsRequest(topicNames: ["a", "missing", "c"])
        let answer = try broker.call(request, version: version)
        #expect(answer.responses.map(\.name) == ["a", "missing", "c"])
        #expect(answer.responses.map { ErrorCode($0.errorCode) } == [.none, .unknownTopicOrPartition, .none])
        #expect(
            answer.responses.map { $0.topicID.isZero } == (version >= 6 ? [false, true, false] : [true, true, true]))
        #expect(try names(broker) == ["b"])
        let batch = try Batches.batch(["x"], timestamp: broker.now)
        #expect(ErrorCode(try broker.produce(batch, to: "a", version: 9).errorCode) == .unknownTopicOrPartition)
        // Made again it is another topic, and empty.
        try broker.createTopic("a")
        #expect(try broker.records(of: "a") == [])
        #expect(broker.log.complaints == [])
    }

    @Test func `topics are deleted by id from version 6`() throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        let stranger = KafkaUUID(randomHigh: 1, randomLow: 2)
        let answer = try broker.call(
            DeleteTopicsRequest(topics: [
                .init(name: nil, topicID: stranger), .init(name: nil, topicID: id), .init(name: "t", topicID: id),
                .init(name: nil, topicID: .zero),
            ]), version: 6)
        #expect(
            answer.responses.map { ErrorCode($0.errorCode) }
                == [.unknownTopicID, .none, .invalidRequest, .invalidRequest])
        #expect(answer.responses[1].name == "t")
        #expect(try names(broker) == [])
    }

    @Test(arguments: 0...6 as ClosedRange<Int16>)
    func `deletion may be forbidden`(version: Int16) throws {
        let broker = try TestBroker(["delete.topic.enable": "false"])
        try broker.createTopic("t")
        let request =
            version >= 6 ? DeleteTopicsRequest(topics: [.init(name: "t")]) : DeleteTopicsRequest(topicNames: ["t"])
        let answer = try broker.call(request, version: version)
        #expect(
            answer.responses.map { ErrorCode($0.errorCode) } == [version < 3 ? .invalidRequest : .topicDeletionDisabled]
        )
        #expect(try names(broker) == ["t"])
    }

    // MARK: CreatePartitions

    @Test(arguments: 0...3 as ClosedRange<Int16>)
    func `adds partitions in every version`(version: Int16) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        try broker.createTopic("u")
        let answer = try broker.call(
            CreatePartitionsRequest(topics: [
                .init(name: "t", count: 3, assignments: nil), .init(name: "missing", count: 3, assignments: nil),
                .init(name: "u", count: 1, assignments: nil),
            ]), version: version)
        #expect(answer.results.map(\.name) == ["t", "missing", "u"])
        #expect(
            answer.results.map { ErrorCode($0.errorCode) } == [.none, .unknownTopicOrPartition, .invalidPartitions])
        let metadata = try broker.call(MetadataRequest(topics: [.init(name: "t")]))
        #expect(metadata.topics[0].partitions.map(\.partitionIndex) == [0, 1, 2])
        let batch = try Batches.batch(["x"], timestamp: broker.now)
        #expect(try broker.produce(batch, to: "t", partition: 2, version: 9).errorCode == 0)
    }

    @Test func `wrong counts and assignments are refused`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t", partitions: 2)
        for (count, assignments) in [
            (1, nil), (0, nil), (-1, nil), (.min, nil), (2, nil),
            (3, []), (4, [[1]]), (3, [[9]]), (3, [[]]), (3, [[1, 1]]),
        ] as [(Int32, [[Int32]]?)] {
            let answer = try broker.call(
                CreatePartitionsRequest(topics: [
                    .init(name: "t", count: count, assignments: assignments?.map { .init(brokerIDs: $0) })
                ]))
            let expected: ErrorCode = assignments == nil ? .invalidPartitions : .invalidReplicaAssignment
            #expect(ErrorCode(answer.results[0].errorCode) == expected, "\(count) \(assignments ?? [])")
        }
        let huge = try broker.call(CreatePartitionsRequest(topics: [.init(name: "t", count: .max, assignments: nil)]))
        #expect(ErrorCode(huge.results[0].errorCode) == .policyViolation)
        let assigned = try broker.call(
            CreatePartitionsRequest(topics: [.init(name: "t", count: 3, assignments: [.init(brokerIDs: [1])])]))
        #expect(assigned.results[0].errorCode == 0)
    }

    @Test func `validating adds nothing`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let answer = try broker.call(
            CreatePartitionsRequest(topics: [.init(name: "t", count: 3, assignments: nil)], validateOnly: true))
        #expect(answer.results[0].errorCode == 0)
        #expect(try broker.call(MetadataRequest(topics: [.init(name: "t")])).topics[0].partitions.count == 1)
    }
}
