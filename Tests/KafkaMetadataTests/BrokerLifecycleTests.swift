// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import Testing

@Suite struct BrokerLifecycleTests {
    @Test func `a broker registers fenced and is unfenced when it has caught up`() throws {
        var cluster = try TestCluster(brokers: [])
        let offset = cluster.nextOffset
        let response = try cluster.register(cluster.registration(1))
        #expect(response.errorCode == 0)
        #expect(response.brokerEpoch == offset)
        #expect(cluster.image.cluster.broker(1)?.isFenced == true)
        let early = try cluster.heartbeat(1, offset: offset - 1)
        #expect(!early.isCaughtUp)
        #expect(early.isFenced)
        let waiting = try cluster.heartbeat(1, fence: true)
        #expect(waiting.isCaughtUp)
        #expect(waiting.isFenced)
        let served = try cluster.heartbeat(1)
        #expect(!served.isFenced)
        #expect(cluster.image.cluster.isActive(1))
    }

    @Test func `this node's new incarnation is admitted at once, another's waits for the session`() throws {
        var cluster = try TestCluster(brokers: [1, 2])
        #expect(try cluster.register(cluster.registration(1, incarnation: 2)).errorCode == 0)
        let refused = try cluster.register(cluster.registration(2, incarnation: 2))
        #expect(refused.errorCode == ErrorCode.duplicateBrokerRegistration.rawValue)
        cluster.now = 9_001
        #expect(try cluster.register(cluster.registration(2, incarnation: 2)).errorCode == 0)
    }

    @Test func `the same incarnation keeps its epoch and its state`() throws {
        var cluster = try TestCluster()
        let epoch = try #require(cluster.image.cluster.broker(1)?.epoch)
        let response = try cluster.register(cluster.registration(1))
        #expect(response.brokerEpoch == epoch)
        #expect(cluster.image.cluster.broker(1)?.isFenced == false)
    }

    @Test func `a registration that does not fit the cluster is refused`() throws {
        var cluster = try TestCluster()
        var wrongCluster = cluster.registration(2)
        wrongCluster.clusterID = "other"
        #expect(try cluster.register(wrongCluster).errorCode == ErrorCode.inconsistentClusterID.rawValue)
        var oldBroker = cluster.registration(2)
        oldBroker.features = [.init(name: "metadata.version", minSupportedVersion: 7, maxSupportedVersion: 29)]
        #expect(try cluster.register(oldBroker).errorCode == ErrorCode.unsupportedVersion.rawValue)
        var silent = cluster.registration(2)
        silent.features = []
        #expect(try cluster.register(silent).errorCode == ErrorCode.unsupportedVersion.rawValue)
        var migrating = cluster.registration(2)
        migrating.isMigratingZkBroker = true
        #expect(try cluster.register(migrating).errorCode == ErrorCode.brokerIDNotRegistered.rawValue)
    }

    @Test(
        arguments: [
            [], [DirectoryID.unassigned], [TestCluster.directory(2), TestCluster.directory(2)],
            [TestCluster.directory(1)],
        ] as [[KafkaUUID]])
    func `directories must be real and the broker's own`(directories: [KafkaUUID]) throws {
        var cluster = try TestCluster()
        var request = cluster.registration(2)
        request.logDirs = directories
        #expect(try cluster.register(request).errorCode == ErrorCode.invalidRegistration.rawValue)
    }

    @Test func `a heartbeat with an old epoch is stale`() throws {
        var cluster = try TestCluster()
        var request = BrokerHeartbeatRequest()
        request.brokerID = 1
        request.brokerEpoch = 0
        let result = cluster.controller.brokerHeartbeat(request, nextOffset: 100, now: 0)
        #expect(result.response.errorCode == ErrorCode.staleBrokerEpoch.rawValue)
        #expect(result.records.isEmpty)
    }

    @Test func `a restarted single node leads its partitions again in a new epoch`() throws {
        var cluster = try TestCluster()
        try cluster.createTopic("t")
        try cluster.register(cluster.registration(1, incarnation: 2))
        #expect(try cluster.partition("t").leader == PartitionRegistration.noLeader)
        #expect(try cluster.partition("t").inSyncReplicas == [1])
        try cluster.heartbeat(1)
        let partition = try cluster.partition("t")
        #expect(partition.leader == 1)
        #expect(partition.leaderEpoch == 2)
        #expect(partition.leaderRecoveryState == .recovered)
    }

    @Test func `leaders move off a broker that is silent, and in-sync replicas shrink`() throws {
        var cluster = try TestCluster(brokers: [1, 2])
        let topic = CreateTopicsRequest.CreatableTopic(
            name: "t", numPartitions: -1, replicationFactor: -1,
            assignments: [.init(partitionIndex: 0, brokerIDs: [2, 1])])
        try cluster.createTopics([topic])
        #expect(try cluster.partition("t").leader == 2)
        #expect(cluster.controller.fenceExpiredBroker(now: 9_000) == nil)
        let expired = cluster.controller.fenceExpiredBroker(now: 9_001)
        let result = try #require(expired)
        #expect(result.response == 2)
        try cluster.commit(result.records)
        #expect(try cluster.partition("t").leader == 1)
        #expect(try cluster.partition("t").inSyncReplicas == [1])
        #expect(cluster.image.cluster.broker(2)?.isFenced == true)
        #expect(cluster.controller.fenceExpiredBroker(now: 99_000) == nil)
    }

    @Test func `a controlled shutdown moves leaders first and waits for the others to know`() throws {
        var cluster = try TestCluster(brokers: [1, 2])
        let topic = CreateTopicsRequest.CreatableTopic(
            name: "t", numPartitions: -1, replicationFactor: -1,
            assignments: [.init(partitionIndex: 0, brokerIDs: [2, 1])])
        try cluster.createTopics([topic])
        try cluster.heartbeat(1)
        let first = try cluster.heartbeat(2, shutDown: true)
        #expect(!first.shouldShutDown)
        #expect(cluster.image.cluster.broker(2)?.isInControlledShutdown == true)
        #expect(try cluster.partition("t").leader == 1)
        #expect(!(try cluster.heartbeat(2, shutDown: true)).shouldShutDown)
        try cluster.heartbeat(1)
        let last = try cluster.heartbeat(2, shutDown: true)
        #expect(last.shouldShutDown)
        #expect(cluster.image.cluster.broker(2)?.isFenced == true)
    }

    @Test func `a single node may stop as soon as it leads nothing`() throws {
        var cluster = try TestCluster()
        try cluster.createTopic("t")
        #expect(!(try cluster.heartbeat(1, shutDown: true)).shouldShutDown)
        #expect(try cluster.heartbeat(1, shutDown: true).shouldShutDown)
        try cluster.register(cluster.registration(1, incarnation: 2))
        try cluster.heartbeat(1)
        #expect(try cluster.partition("t").leader == 1)
    }

    @Test func `a broker that is unregistered is gone`() throws {
        var cluster = try TestCluster(brokers: [1, 2])
        let result = cluster.controller.unregisterBroker(UnregisterBrokerRequest(brokerID: 2))
        try cluster.commit(result.records)
        #expect(cluster.image.cluster.broker(2) == nil)
        let again = cluster.controller.unregisterBroker(UnregisterBrokerRequest(brokerID: 2))
        #expect(again.response.errorCode == ErrorCode.brokerIDNotRegistered.rawValue)
    }
}
