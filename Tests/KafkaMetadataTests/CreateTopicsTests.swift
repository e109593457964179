// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import Testing

@Suite struct CreateTopicsTests {
    typealias Topic = CreateTopicsRequest.CreatableTopic

    @Test func `a topic gets an id, its partitions and the broker's directory`() throws {
        var cluster = try TestCluster()
        let result = try cluster.createTopic("orders", partitions: 3)
        #expect(result.errorCode == 0)
        #expect(result.numPartitions == 3)
        #expect(result.replicationFactor == 1)
        let topic = try #require(cluster.image.topics.topic(named: "orders"))
        #expect(topic.id == result.topicID)
        #expect(!topic.id.isZero)
        #expect(topic.partitionCount == 3)
        let partition = try cluster.partition("orders", 2)
        #expect(partition.replicas == [1])
        #expect(partition.inSyncReplicas == [1])
        #expect(partition.leader == 1)
        #expect(partition.leaderEpoch == 0)
        #expect(partition.directories == [TestCluster.directory(1)])
    }

    @Test func `minus one asks for the broker's defaults`() throws {
        var cluster = try TestCluster(brokers: [1, 2]) {
            $0.defaultPartitionCount = 4
            $0.defaultReplicationFactor = 2
        }
        let result = try cluster.createTopic("t", partitions: -1, replicationFactor: -1)
        #expect(result.numPartitions == 4)
        #expect(result.replicationFactor == 2)
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let topic: Topic
        let code: ErrorCode
        let message: String

        var testDescription: String { message }
    }

    static let refusals: [Refusal] = [
        .init(
            topic: Topic(name: "exists", numPartitions: 1, replicationFactor: 1), code: .topicAlreadyExists,
            message: "Topic 'exists' already exists."),
        .init(
            topic: Topic(name: "with_dot", numPartitions: 1, replicationFactor: 1), code: .invalidTopicException,
            message: "Topic 'with_dot' collides with existing topic: with.dot"),
        .init(
            topic: Topic(name: "", numPartitions: 1, replicationFactor: 1), code: .invalidTopicException,
            message: "Topic name is invalid: the empty string is not allowed"),
        .init(
            topic: Topic(name: "..", numPartitions: 1, replicationFactor: 1), code: .invalidTopicException,
            message: "Topic name is invalid: '..' is not allowed"),
        .init(
            topic: Topic(name: "a b", numPartitions: 1, replicationFactor: 1), code: .invalidTopicException,
            message: "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, "
                + "'.', '_' and '-'"),
        .init(
            topic: Topic(name: "__cluster_metadata", numPartitions: 1, replicationFactor: 1), code: .invalidRequest,
            message: "Creation of internal topic __cluster_metadata is prohibited."),
        .init(
            topic: Topic(name: "t", numPartitions: 0, replicationFactor: 1), code: .invalidPartitions,
            message: "Number of partitions was set to an invalid non-positive value."),
        .init(
            topic: Topic(name: "t", numPartitions: -2, replicationFactor: 1), code: .invalidPartitions,
            message: "Number of partitions was set to an invalid non-positive value."),
        .init(
            topic: Topic(name: "t", numPartitions: 1, replicationFactor: 0), code: .invalidReplicationFactor,
            message: "Replication factor must be larger than 0, or -1 to use the default value."),
        .init(
            topic: Topic(name: "t", numPartitions: 1, replicationFactor: 2), code: .invalidReplicationFactor,
            message: "Unable to replicate the partition 2 time(s): The target replication factor of 2 cannot be "
                + "reached because only 1 broker(s) are registered."),
        .init(
            topic: Topic(name: "t", numPartitions: 20_000, replicationFactor: 1), code: .policyViolation,
            message: "Unable to perform excessively large batch operation."),
        .init(
            topic: Topic(
                name: "t", numPartitions: 1, replicationFactor: -1,
                assignments: [.init(partitionIndex: 0, brokerIDs: [1])]), code: .invalidRequest,
            message: "A manual partition assignment was specified, but numPartitions was not set to -1."),
        .init(
            topic: Topic(
                name: "t", numPartitions: -1, replicationFactor: 1,
                assignments: [.init(partitionIndex: 0, brokerIDs: [1])]), code: .invalidRequest,
            message: "A manual partition assignment was specified, but replication factor was not set to -1."),
        .init(
            topic: Topic(
                name: "t", numPartitions: -1, replicationFactor: -1,
                assignments: [.init(partitionIndex: 1, brokerIDs: [1])]), code: .invalidReplicaAssignment,
            message: "partitions should be a consecutive 0-based integer sequence"),
        .init(
            topic: Topic(
                name: "t", numPartitions: -1, replicationFactor: -1,
                assignments: [.init(partitionIndex: 0, brokerIDs: [])]), code: .invalidReplicaAssignment,
            message: "The manual partition assignment includes an empty replica list."),
        .init(
            topic: Topic(
                name: "t", numPartitions: -1, replicationFactor: -1,
                assignments: [.init(partitionIndex: 0, brokerIDs: [9])]), code: .invalidReplicaAssignment,
            message: "The manual partition assignment includes broker 9, but no such broker is registered."),
        .init(
            topic: Topic(
                name: "t", numPartitions: -1, replicationFactor: -1,
                assignments: [.init(partitionIndex: 0, brokerIDs: [1, 1])]), code: .invalidReplicaAssignment,
            message: "The manual partition assignment includes the broker 1 more than once."),
        .init(
            topic: Topic(
                name: "t", numPartitions: 1, replicationFactor: 1, configs: [.init(name: "number", value: "x")]),
            code: .invalidConfig, message: "Invalid value x for configuration number"),
        .init(
            topic: Topic(
                name: "t", numPartitions: 1, replicationFactor: 1, configs: [.init(name: "number", value: nil)]),
            code: .invalidConfig, message: "Null value not supported for topic configs: number"),
    ]

    @Test(arguments: refusals)
    func `a topic that cannot be is refused`(refusal: Refusal) throws {
        var cluster = try TestCluster()
        try cluster.createTopic("exists")
        try cluster.createTopic("with.dot")
        let offset = cluster.nextOffset
        let results = try cluster.createTopics([refusal.topic]).topics
        #expect(results.count == 1)
        #expect(results[0].name == refusal.topic.name)
        #expect(results[0].errorCode == refusal.code.rawValue)
        #expect(results[0].errorMessage == refusal.message)
        #expect(cluster.nextOffset == offset)
    }

    @Test func `a topic that fails does not hold up the others, and duplicates answer once`() throws {
        var cluster = try TestCluster()
        let good = Topic(name: "good", numPartitions: 1, replicationFactor: 1)
        let twice = Topic(name: "twice", numPartitions: 1, replicationFactor: 1)
        let bad = Topic(name: "bad!", numPartitions: 1, replicationFactor: 1)
        let results = try cluster.createTopics([bad, twice, good, twice]).topics
        #expect(results.map(\.name) == ["bad!", "twice", "good"])
        #expect(
            results.map(\.errorCode) == [
                ErrorCode.invalidTopicException.rawValue, ErrorCode.invalidRequest.rawValue, 0,
            ])
        #expect(cluster.image.topics.names == ["good"])
    }

    @Test func `names of one request must not be confused with each other`() throws {
        var cluster = try TestCluster()
        let results = try cluster.createTopics([
            Topic(name: "a.b", numPartitions: 1, replicationFactor: 1),
            Topic(name: "a_b", numPartitions: 1, replicationFactor: 1),
        ]).topics
        #expect(results.map(\.errorCode) == [0, ErrorCode.invalidTopicException.rawValue])
    }

    @Test func `validate-only answers as if and records nothing`() throws {
        var cluster = try TestCluster()
        let topic = Topic(name: "t", numPartitions: 2, replicationFactor: 1)
        let offset = cluster.nextOffset
        let result = try cluster.createTopics([topic], validateOnly: true).topics[0]
        #expect(result.errorCode == 0)
        #expect(result.numPartitions == 2)
        #expect(result.topicID.isZero)
        #expect(cluster.nextOffset == offset)
        #expect(cluster.image.topics.count == 0)
    }

    @Test(arguments: [false, true])
    func `one request makes no more than ten thousand records, validate-only or not`(validateOnly: Bool) throws {
        var cluster = try TestCluster()
        let topics = (0..<5_010).map { Topic(name: "t\($0)", numPartitions: 1, replicationFactor: 1) }
        let codes = try cluster.createTopics(topics, validateOnly: validateOnly).topics.map(\.errorCode)
        #expect(codes[..<5_000].allSatisfy { $0 == 0 })
        #expect(codes[5_000...].allSatisfy { $0 == ErrorCode.policyViolation.rawValue })
    }

    @Test func `overrides are recorded and answered`() throws {
        var cluster = try TestCluster()
        let topic = Topic(
            name: "t", numPartitions: 1, replicationFactor: 1,
            configs: [.init(name: "number", value: "5"), .init(name: "list", value: "b,c")])
        let result = try cluster.createTopics([topic]).topics[0]
        #expect(result.configs?.map(\.name) == ["list", "number"])
        #expect(cluster.image.config("number", of: .topic("t")) == "5")
        #expect(cluster.image.configs(of: .topic("t")).map(\.key) == ["list", "number"])
    }

    @Test func `without an active broker no topic can be`() throws {
        var cluster = try TestCluster(brokers: [])
        #expect(try cluster.createTopic("t").errorCode == ErrorCode.invalidReplicationFactor.rawValue)
        try cluster.register(cluster.registration(1))
        #expect(try cluster.createTopic("t").errorCode == ErrorCode.invalidReplicationFactor.rawValue)
        let assigned = Topic(
            name: "t", numPartitions: -1, replicationFactor: -1,
            assignments: [.init(partitionIndex: 0, brokerIDs: [1])])
        let result = try cluster.createTopics([assigned]).topics[0]
        #expect(result.errorCode == ErrorCode.invalidReplicaAssignment.rawValue)
        try cluster.heartbeat(1)
        #expect(try cluster.createTopic("t").errorCode == 0)
    }

    @Test(arguments: [(0, DirectoryID.migrating), (1, TestCluster.directory(1)), (2, DirectoryID.unassigned)])
    func `a replica's directory is the broker's only one, or not known yet`(count: Int, expected: KafkaUUID) throws {
        // Before 3.7-IV2 brokers register without directories.
        let version = MetadataVersion(rawValue: count == 0 ? 16 : 17)
        var cluster = try TestCluster(brokers: [], metadataVersion: version)
        try cluster.addBroker(1, directories: count)
        try cluster.createTopic("t")
        #expect(try cluster.partition("t").directories == [expected])
    }

    @Test func `an assignment by hand is kept as it is`() throws {
        var cluster = try TestCluster(brokers: [1, 2, 3])
        try cluster.heartbeat(2, fence: true)
        let topic = Topic(
            name: "t", numPartitions: -1, replicationFactor: -1,
            assignments: [
                .init(partitionIndex: 1, brokerIDs: [3, 1]), .init(partitionIndex: 0, brokerIDs: [2, 3]),
            ])
        #expect(try cluster.createTopics([topic]).topics[0].errorCode == 0)
        #expect(try cluster.partition("t", 0).replicas == [2, 3])
        #expect(try cluster.partition("t", 0).inSyncReplicas == [3])
        #expect(try cluster.partition("t", 0).leader == 3)
        #expect(try cluster.partition("t", 1).leader == 3)
    }
}
