// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import Testing

/// ElectLeaders (key 43).
@Suite struct OperatorElectionTests {
    /// A topic `t` on brokers 1, 2 and 3, whose partition 0 broker 2 leads since 1 was away.
    private func moved() throws -> TestCluster {
        var cluster = try TestCluster(brokers: [1, 2, 3])
        try cluster.createTopics([
            .init(
                name: "t", numPartitions: -1, replicationFactor: -1,
                assignments: [
                    .init(partitionIndex: 0, brokerIDs: [1, 2, 3]), .init(partitionIndex: 1, brokerIDs: [2, 1, 3]),
                ])
        ])
        try cluster.heartbeat(1, fence: true)
        #expect(try cluster.partition("t").leader == 2)
        return cluster
    }

    private func elect(
        _ cluster: inout TestCluster, _ type: Int8, _ topics: [(String, [Int32])]?
    ) throws -> ElectLeadersResponse {
        let result = cluster.controller.electLeaders(
            ElectLeadersRequest(
                electionType: type, topicPartitions: topics?.map { .init(topic: $0.0, partitions: $0.1) }))
        try cluster.commit(result.records)
        return result.response
    }

    private func codes(_ response: ElectLeadersResponse) -> [[ErrorCode]] {
        response.replicaElectionResults.map { $0.partitionResult.map { ErrorCode($0.errorCode) } }
    }

    /// Brings a replica back into the in-sync ones, as its leader would.
    private func catchUp(_ cluster: inout TestCluster, _ broker: Int32) throws {
        try cluster.heartbeat(broker)
        for (index, partition) in try #require(cluster.image.topics.topic(named: "t")).partitions {
            guard !partition.inSyncReplicas.contains(broker) else { continue }
            var change = PartitionChangeRecord()
            change.topicID = try #require(cluster.image.topics.id(ofTopic: "t"))
            change.partitionID = index
            change.isr = partition.inSyncReplicas + [broker]
            try cluster.commit([.partitionChange(change)])
        }
    }

    @Test func `the preferred replica takes over when it is in sync again`() throws {
        var cluster = try moved()
        #expect(
            codes(try elect(&cluster, 0, [("t", [0, 1])])) == [[.preferredLeaderNotAvailable, .electionNotNeeded]])
        try catchUp(&cluster, 1)
        let epoch = try cluster.partition("t").leaderEpoch
        #expect(
            codes(try elect(&cluster, 0, [("t", [0, 0, 1])])) == [[.none, .electionNotNeeded, .electionNotNeeded]])
        #expect(try cluster.partition("t").leader == 1)
        #expect(try cluster.partition("t").leaderEpoch == epoch + 1)
        #expect(codes(try elect(&cluster, 0, [("t", [0])])) == [[.electionNotNeeded]])
    }

    @Test func `of all partitions only those are answered that needed an election`() throws {
        var cluster = try moved()
        try catchUp(&cluster, 1)
        let response = try elect(&cluster, 0, nil)
        #expect(response.replicaElectionResults.map(\.topic) == ["t"])
        #expect(response.replicaElectionResults[0].partitionResult.map(\.partitionID) == [0])
        #expect(try elect(&cluster, 0, nil).replicaElectionResults.isEmpty)
    }

    @Test func `an unclean election is for partitions without a leader`() throws {
        var cluster = try TestCluster(brokers: [1, 2])
        try cluster.createTopics([
            .init(
                name: "t", numPartitions: -1, replicationFactor: -1,
                assignments: [.init(partitionIndex: 0, brokerIDs: [1, 2])])
        ])
        #expect(codes(try elect(&cluster, 1, [("t", [0])])) == [[.electionNotNeeded]])
        try cluster.heartbeat(2, fence: true)
        try cluster.heartbeat(1, fence: true)
        #expect(try !cluster.partition("t").hasLeader)
        #expect(codes(try elect(&cluster, 1, [("t", [0])])) == [[.eligibleLeadersNotAvailable]])
        // Broker 2 was not in sync any more: a clean election leaves the partition without a leader.
        try cluster.heartbeat(2)
        #expect(try !cluster.partition("t").hasLeader)
        #expect(codes(try elect(&cluster, 0, [("t", [0])])) == [[.preferredLeaderNotAvailable]])
        #expect(codes(try elect(&cluster, 1, [("t", [0])])) == [[.none]])
        let partition = try cluster.partition("t")
        #expect(partition.leader == 2 && partition.inSyncReplicas == [2])
        #expect(partition.leaderRecoveryState == .recovering)
    }

    @Test func `unknown topics, partitions and kinds of election are refused`() throws {
        var cluster = try moved()
        #expect(
            codes(try elect(&cluster, 0, [("t", [9]), ("u", [0])]))
                == [[.unknownTopicOrPartition], [.unknownTopicOrPartition]])
        let response = try elect(&cluster, 2, [("t", [0])])
        #expect(ErrorCode(response.errorCode) == .invalidRequest && response.replicaElectionResults.isEmpty)
    }
}

/// AlterPartitionReassignments (key 45) and ListPartitionReassignments (key 46).
@Suite struct PartitionReassignmentTests {
    private func cluster(_ replicas: [Int32] = [1, 2], metadataVersion: MetadataVersion = .latestStable) throws
        -> TestCluster
    {
        var cluster = try TestCluster(brokers: [1, 2, 3], metadataVersion: metadataVersion)
        try cluster.createTopics([
            .init(
                name: "t", numPartitions: -1, replicationFactor: -1,
                assignments: [.init(partitionIndex: 0, brokerIDs: replicas)])
        ])
        return cluster
    }

    private func reassign(
        _ cluster: inout TestCluster, _ replicas: [Int32]?, topic: String = "t", partition: Int32 = 0,
        mayChangeFactor: Bool = true
    ) throws -> ErrorCode {
        let result = cluster.controller.alterPartitionReassignments(
            AlterPartitionReassignmentsRequest(
                allowReplicationFactorChange: mayChangeFactor,
                topics: [.init(name: topic, partitions: [.init(partitionIndex: partition, replicas: replicas)])]))
        try cluster.commit(result.records)
        return ErrorCode(result.response.responses[0].partitions[0].errorCode)
    }

    private func list(
        _ cluster: TestCluster, _ topics: [(String, [Int32])]? = nil
    ) -> [ListPartitionReassignmentsResponse.OngoingTopicReassignment] {
        cluster.image.partitionReassignments(
            ListPartitionReassignmentsRequest(topics: topics?.map { .init(name: $0.0, partitionIndexes: $0.1) })
        ).topics
    }

    @Test func `the same replicas are no change`() throws {
        var cluster = try cluster()
        let offset = cluster.nextOffset
        #expect(try reassign(&cluster, [1, 2]) == .none)
        #expect(cluster.nextOffset == offset)
    }

    @Test(arguments: [MetadataVersion.minimum, .latestStable])
    func `another order and fewer replicas take effect at once`(metadataVersion: MetadataVersion) throws {
        var cluster = try cluster(metadataVersion: metadataVersion)
        #expect(try reassign(&cluster, [2, 1]) == .none)
        #expect(try cluster.partition("t").replicas == [2, 1])
        #expect(try cluster.partition("t").leader == 1)
        let epoch = try cluster.partition("t").leaderEpoch
        #expect(try reassign(&cluster, [1]) == .none)
        let partition = try cluster.partition("t")
        #expect(partition.replicas == [1] && partition.inSyncReplicas == [1] && !partition.isReassigning)
        #expect(partition.directories.count == 1)
        // Broker 2 must learn that it is no replica any more.
        #expect(partition.leader == 1 && partition.leaderEpoch == epoch + 1)
    }

    @Test func `the leader moves when it is no replica any more`() throws {
        var cluster = try cluster()
        #expect(try reassign(&cluster, [2]) == .none)
        #expect(try cluster.partition("t").leader == 2)
    }

    @Test func `a move to another broker goes on until it is given up`() throws {
        var cluster = try cluster()
        #expect(try reassign(&cluster, [3, 1]) == .none)
        let moving = try cluster.partition("t")
        #expect(moving.replicas == [3, 1, 2] && moving.addingReplicas == [3] && moving.removingReplicas == [2])
        #expect(moving.inSyncReplicas == [1, 2] && moving.leader == 1)
        #expect(moving.directory(ofReplicaOn: 3) == TestCluster.directory(3))
        #expect(moving.directory(ofReplicaOn: 2) == TestCluster.directory(2))
        let listed = list(cluster)
        #expect(listed.map(\.name) == ["t"])
        #expect(listed[0].partitions[0].addingReplicas == [3] && listed[0].partitions[0].removingReplicas == [2])
        #expect(list(cluster, [("t", [0, 1]), ("u", [0])]).map(\.name) == ["t"])
        #expect(list(cluster, [("t", [1])]).isEmpty)
        #expect(try reassign(&cluster, nil) == .none)
        #expect(try cluster.partition("t").replicas == [1, 2])
        #expect(try !cluster.partition("t").isReassigning)
        #expect(list(cluster).isEmpty)
        #expect(try reassign(&cluster, nil) == .noReassignmentInProgress)
    }

    @Test func `assignments that make no sense are refused`() throws {
        var cluster = try cluster()
        for replicas in [[], [9], [-1], [1, 1]] as [[Int32]] {
            #expect(try reassign(&cluster, replicas) == .invalidReplicaAssignment)
        }
        #expect(try reassign(&cluster, [1], topic: "u") == .unknownTopicOrPartition)
        #expect(try reassign(&cluster, [1], partition: 7) == .unknownTopicOrPartition)
        #expect(try reassign(&cluster, [1], mayChangeFactor: false) == .invalidReplicationFactor)
        #expect(try reassign(&cluster, [2, 1], mayChangeFactor: false) == .none)
    }
}

/// UpdateFeatures (key 57).
@Suite struct FeatureUpdateTests {
    private func update(
        _ cluster: inout TestCluster, _ updates: [(String, Int16, Int8)], version: Int16 = 2,
        validateOnly: Bool = false
    ) throws -> UpdateFeaturesResponse {
        let result = cluster.controller.updateFeatures(
            UpdateFeaturesRequest(
                featureUpdates: updates.map { .init(feature: $0.0, maxVersionLevel: $0.1, upgradeType: $0.2) },
                validateOnly: validateOnly), version: version, kraftVersion: 0)
        try cluster.commit(result.records)
        return result.response
    }

    private static let metadataVersion = MetadataVersion.featureName

    @Test func `levels rise and fall`() throws {
        var cluster = try TestCluster(metadataVersion: MetadataVersion(rawValue: 25))
        #expect(try update(&cluster, [("group.version", 1, 1), (Self.metadataVersion, 30, 1)]).errorCode == 0)
        #expect(cluster.image.features.level(of: "group.version") == 1)
        #expect(cluster.image.metadataVersion.rawValue == 30)
        #expect(try update(&cluster, [("group.version", 0, 2)]).errorCode == 0)
        #expect(cluster.image.features.level(of: "group.version") == 0)
        let offset = cluster.nextOffset
        #expect(try update(&cluster, [("group.version", 0, 1)]).errorCode == 0)
        #expect(cluster.nextOffset == offset)
    }

    @Test func `versions up to 1 answer each feature`() throws {
        var cluster = try TestCluster()
        #expect(try update(&cluster, [("group.version", 1, 1)], version: 1).results.map(\.feature) == ["group.version"])
        #expect(try update(&cluster, [("group.version", 1, 1)]).results.isEmpty)
    }

    @Test func `version 0 says by a flag whether a level may fall`() throws {
        let cluster = try TestCluster(features: [("group.version", 1)])
        for (allows, code) in [(false, ErrorCode.invalidUpdateVersion), (true, .none)] {
            let result = cluster.controller.updateFeatures(
                UpdateFeaturesRequest(featureUpdates: [
                    .init(feature: "group.version", maxVersionLevel: 0, allowDowngrade: allows)
                ]), version: 0, kraftVersion: 0)
            #expect(ErrorCode(result.response.errorCode) == code)
        }
    }

    static let refusals: [([(String, Int16, Int8)], ErrorCode)] = [
        ([("group.version", 1, 0)], .invalidUpdateVersion),
        ([("group.version", 2, 1)], .invalidUpdateVersion),
        ([("group.version", -1, 2)], .invalidUpdateVersion),
        ([("transaction.version", 1, 1)], .invalidUpdateVersion),
        ([("transaction.version", 3, 2)], .invalidUpdateVersion),
        ([("group.version", 1, 2)], .invalidUpdateVersion),
        ([("no.such.feature", 1, 1)], .invalidUpdateVersion),
        ([("kraft.version", 1, 1)], .invalidUpdateVersion),
        ([(metadataVersion, 31, 1)], .invalidUpdateVersion),
        ([(metadataVersion, 6, 3)], .invalidUpdateVersion),
        ([(metadataVersion, 22, 1)], .invalidUpdateVersion),
        ([(metadataVersion, 22, 2)], .invalidUpdateVersion),
        ([(metadataVersion, 22, 3)], .invalidUpdateVersion),
        ([("share.version", 1, 1), ("share.version", 1, 1)], .invalidRequest),
    ]

    @Test(arguments: refusals.indices)
    func `an update that cannot be made refuses all of the request`(index: Int) throws {
        var cluster = try TestCluster(
            metadataVersion: MetadataVersion(rawValue: 25), features: [("transaction.version", 2)])
        let offset = cluster.nextOffset
        let (updates, code) = Self.refusals[index]
        let response = try update(&cluster, updates + [("streams.version", 1, 1)])
        #expect(ErrorCode(response.errorCode) == code)
        #expect(response.errorMessage != nil)
        #expect(cluster.nextOffset == offset)
    }

    @Test func `metadata.version falls where no record would be lost`() throws {
        var cluster = try TestCluster(metadataVersion: MetadataVersion(rawValue: 29))
        #expect(try update(&cluster, [(Self.metadataVersion, 23, 1)]).errorCode != 0)
        #expect(try update(&cluster, [(Self.metadataVersion, 23, 2)]).errorCode == 0)
        #expect(cluster.image.metadataVersion.rawValue == 23)
    }

    @Test func `a broker that cannot live with a level keeps the cluster from it`() throws {
        var cluster = try TestCluster()
        var request = cluster.registration(2)
        request.features = request.features.map { feature in
            var feature = feature
            if feature.name == "transaction.version" { feature.maxSupportedVersion = 1 }
            return feature
        }
        try cluster.register(request)
        let response = try update(&cluster, [("transaction.version", 2, 1)])
        #expect(ErrorCode(response.errorCode) == .invalidUpdateVersion)
        #expect(response.errorMessage?.contains("Broker 2 only supports versions 0-1") == true)
        #expect(try update(&cluster, [("transaction.version", 1, 1)]).errorCode == 0)
    }

    @Test func `eligible leader replicas need their metadata.version, present or in the same request`() throws {
        var cluster = try TestCluster(metadataVersion: MetadataVersion(rawValue: 21)) {
            $0.minInSyncReplicas = 2
        }
        let elr = "eligible.leader.replicas.version"
        #expect(ErrorCode(try update(&cluster, [(elr, 1, 1)]).errorCode) == .invalidUpdateVersion)
        #expect(try update(&cluster, [(elr, 1, 1), (Self.metadataVersion, 23, 1)]).errorCode == 0)
        #expect(cluster.image.config("min.insync.replicas", of: .clusterDefault) == "2")
    }

    @Test func `eligible leader replicas go with their feature`() throws {
        let elr = "eligible.leader.replicas.version"
        var cluster = try TestCluster(brokers: [1, 2], features: [(elr, 1)])
        try cluster.createTopics([
            .init(
                name: "t", numPartitions: -1, replicationFactor: -1,
                assignments: [.init(partitionIndex: 0, brokerIDs: [2])])
        ])
        try cluster.heartbeat(2, fence: true)
        #expect(try cluster.partition("t").eligibleLeaderReplicas == [2])
        #expect(try update(&cluster, [(elr, 0, 2)]).errorCode == 0)
        #expect(try cluster.partition("t").eligibleLeaderReplicas.isEmpty)
    }

    @Test func `validate-only changes nothing`() throws {
        var cluster = try TestCluster()
        #expect(try update(&cluster, [("group.version", 1, 1)], validateOnly: true).errorCode == 0)
        #expect(cluster.image.features.level(of: "group.version") == 0)
    }
}
