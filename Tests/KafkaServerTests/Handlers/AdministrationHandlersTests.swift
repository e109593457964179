// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaServer
import KafkaSimulator
import Testing

/// ElectLeaders (43), AlterPartitionReassignments (45), ListPartitionReassignments (46), DescribeQuorum (55),
/// UpdateFeatures (57), DescribeProducers (61) and ListConfigResources (74), each in every version.
@Suite struct AdministrationHandlersTests {
    @Test(arguments: 0...2 as ClosedRange<Int16>)
    func `an election on one node is not needed`(version: Int16) throws {
        let broker = try TestBroker()
        try broker.createTopic("t", partitions: 2)
        let asked = try broker.call(
            ElectLeadersRequest(topicPartitions: [.init(topic: "t", partitions: [0, 1, 5])]), version: version)
        #expect(asked.errorCode == 0)
        #expect(
            asked.replicaElectionResults.flatMap(\.partitionResult).map { ErrorCode($0.errorCode) }
                == [.electionNotNeeded, .electionNotNeeded, .unknownTopicOrPartition])
        let all = try broker.call(ElectLeadersRequest(topicPartitions: nil), version: version)
        #expect(all.errorCode == 0 && all.replicaElectionResults.isEmpty)
        if version >= 1 {
            let refused = try broker.call(ElectLeadersRequest(electionType: 7, topicPartitions: nil), version: version)
            #expect(ErrorCode(refused.errorCode) == .invalidRequest)
        }
    }

    @Test(arguments: 0...1 as ClosedRange<Int16>)
    func `partitions can only be assigned to the one broker`(version: Int16) throws {
        let broker = try TestBroker()
        try broker.createTopic("t", partitions: 3)
        let response = try broker.call(
            AlterPartitionReassignmentsRequest(topics: [
                .init(
                    name: "t",
                    partitions: [
                        .init(partitionIndex: 0, replicas: [1]), .init(partitionIndex: 1, replicas: [1, 2]),
                        .init(partitionIndex: 2, replicas: nil),
                    ])
            ]), version: version)
        #expect(response.errorCode == 0)
        #expect(
            response.responses.flatMap(\.partitions).map { ErrorCode($0.errorCode) }
                == [.none, .invalidReplicaAssignment, .noReassignmentInProgress])
        #expect(try broker.call(ListPartitionReassignmentsRequest(topics: nil)).topics.isEmpty)
        let listed = try broker.call(
            ListPartitionReassignmentsRequest(topics: [.init(name: "t", partitionIndexes: [0, 1])]))
        #expect(listed.errorCode == 0 && listed.topics.isEmpty)
    }

    @Test(arguments: 0...2 as ClosedRange<Int16>)
    func `the quorum is this node`(version: Int16) throws {
        let broker = try TestBroker()
        let request = DescribeQuorumRequest(topics: [
            .init(topicName: "__cluster_metadata", partitions: [.init(partitionIndex: 0)])
        ])
        let response = try broker.call(request, version: version)
        #expect(response.errorCode == 0)
        let quorum = try #require(response.topics.first?.partitions.first)
        #expect(quorum.errorCode == 0 && quorum.leaderID == 1 && quorum.leaderEpoch >= 1)
        #expect(quorum.currentVoters.map(\.replicaID) == [1] && quorum.observers.isEmpty)
        #expect(quorum.currentVoters[0].logEndOffset == quorum.highWatermark)
        if version >= 1 { #expect(quorum.currentVoters[0].lastCaughtUpTimestamp == broker.now) }
        if version >= 2 { #expect(response.nodes.map(\.nodeID) == [1]) }
        try broker.createTopic("t")
        let later = try #require(try broker.call(request, version: version).topics.first?.partitions.first)
        #expect(later.highWatermark > quorum.highWatermark)
    }

    @Test func `other partitions have no quorum`() throws {
        let broker = try TestBroker()
        for topics in [[("t", [0])], [("__cluster_metadata", [1])], [("__cluster_metadata", [0, 0])]]
            as [[(String, [Int32])]]
        {
            let response = try broker.call(
                DescribeQuorumRequest(
                    topics: topics.map { topic in
                        .init(topicName: topic.0, partitions: topic.1.map { .init(partitionIndex: $0) })
                    }))
            let codes = response.topics.flatMap(\.partitions).map { ErrorCode($0.errorCode) }
            #expect(!codes.isEmpty && codes.allSatisfy { $0 == .unknownTopicOrPartition })
        }
    }

    @Test(arguments: 0...2 as ClosedRange<Int16>)
    func `features rise, and ApiVersions follows`(version: Int16) throws {
        let broker = try TestBroker()
        func level() throws -> Int16 {
            let features = try broker.call(
                ApiVersionsRequest(clientSoftwareName: "a", clientSoftwareVersion: "1"), version: 4)
            return features.finalizedFeatures.first { $0.name == "group.version" }?.maxVersionLevel ?? 0
        }
        let before = try level()
        let target: Int16 = before == 0 ? 1 : 0
        var update = UpdateFeaturesRequest.FeatureUpdateKey(feature: "group.version", maxVersionLevel: target)
        if version == 0 { update.allowDowngrade = target == 0 } else { update.upgradeType = target == 0 ? 2 : 1 }
        if version >= 1 {
            let checked = try broker.call(
                UpdateFeaturesRequest(featureUpdates: [update], validateOnly: true), version: version)
            #expect(checked.errorCode == 0)
            #expect(try level() == before)
        }
        let response = try broker.call(UpdateFeaturesRequest(featureUpdates: [update]), version: version)
        #expect(response.errorCode == 0 && response.results.count == (version <= 1 ? 1 : 0))
        #expect(try level() == target)
        try broker.restart()
        #expect(try level() == target)
        update.maxVersionLevel = 9
        let refused = try broker.call(UpdateFeaturesRequest(featureUpdates: [update]), version: version)
        #expect(ErrorCode(refused.errorCode) == .invalidUpdateVersion)
    }

    @Test func `producers are shown with what their partition knows of them`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t", partitions: 2)
        let id = try broker.call(InitProducerIdRequest(transactionalID: nil, transactionTimeoutMs: 1_000), version: 4)
        let batch = try Batches.batch(
            ["a", "b"], timestamp: broker.now, producer: .init(id: id.producerID, epoch: 0, sequence: 0))
        #expect(try broker.produce(batch, to: "t", version: 12).errorCode == 0)
        let response = try broker.call(
            DescribeProducersRequest(topics: [
                .init(name: "t", partitionIndexes: [0, 1, 2]), .init(name: "missing", partitionIndexes: [0]),
            ]))
        let partitions = response.topics.flatMap(\.partitions)
        #expect(
            partitions.map { ErrorCode($0.errorCode) }
                == [.none, .none, .unknownTopicOrPartition, .unknownTopicOrPartition])
        let producer = try #require(partitions[0].activeProducers.first)
        #expect(partitions[0].activeProducers.count == 1 && partitions[1].activeProducers.isEmpty)
        #expect(producer.producerID == id.producerID && producer.producerEpoch == 0 && producer.lastSequence == 1)
        #expect(producer.currentTxnStartOffset == -1 && producer.coordinatorEpoch == -1)
        #expect(producer.lastTimestamp > 0)
    }

    @Test func `resources with configurations are listed by kind`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        for (kind, name, key, value) in [
            (16 as Int8, "subscription", "interval.ms", "1000"), (32, "group", "consumer.session.timeout.ms", "50000"),
        ] {
            let answer = try broker.call(
                IncrementalAlterConfigsRequest(resources: [
                    .init(
                        resourceType: kind, resourceName: name,
                        configs: [.init(name: key, configOperation: 0, value: value)])
                ]))
            #expect(answer.responses.map(\.errorCode) == [0], "\(answer.responses[0].errorMessage ?? "")")
        }
        func list(_ kinds: [Int8], version: Int16 = 1) throws -> [String] {
            let response = try broker.call(ListConfigResourcesRequest(resourceTypes: kinds), version: version)
            #expect(response.errorCode == 0)
            return response.configResources.map { "\($0.resourceType) \($0.resourceName)" }
        }
        #expect(try list([], version: 0) == ["16 subscription"])
        #expect(try list([]) == ["2 t", "4 1", "8 1", "16 subscription", "32 group"])
        #expect(try list([32, 2, 2]) == ["2 t", "32 group"])
        let unknown = try broker.call(ListConfigResourcesRequest(resourceTypes: [2, 3]), version: 1)
        #expect(ErrorCode(unknown.errorCode) == .unsupportedVersion && unknown.configResources.isEmpty)
    }
}
