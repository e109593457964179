// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Testing

/// `group.version`: without it no group of the consumer protocol (KIP-848) is served.
@Suite struct GroupVersionTests {
    /// A broker on a directory that was formatted without any feature but `metadata.version`.
    private func makeOldBroker() throws -> TestBroker {
        let broker = try TestBroker(starts: false)
        var plan = StorageFormatter.Plan(
            clusterID: KafkaUUID(high: 5, low: 6), nodeID: 1, directories: ["/data"], metadataDirectory: "/data")
        plan.bootstrap = BootstrapMetadata(metadataVersion: .latestStable, otherLevels: [])
        let files = broker.host.runtime.files
        _ = try StorageFormatter(files: files, random: broker.host.runtime.random, now: 0, comment: "test").format(plan)
        try broker.start()
        return broker
    }

    private func finalized(_ broker: TestBroker) throws -> Int16? {
        let features = try broker.call(
            ApiVersionsRequest(clientSoftwareName: "a", clientSoftwareVersion: "1"), version: 4)
        return features.finalizedFeatures.first { $0.name == "group.version" }?.maxVersionLevel
    }

    private func update(_ broker: TestBroker, to level: Int16) throws -> Int16 {
        try broker.call(
            UpdateFeaturesRequest(featureUpdates: [
                .init(feature: "group.version", maxVersionLevel: level, upgradeType: level == 0 ? 2 : 1)
            ])
        ).errorCode
    }

    /// What joining a group as a new member comes to.
    private func join(_ broker: TestBroker, _ group: String = "g") throws -> ErrorCode {
        let response = try broker.call(
            ConsumerGroupHeartbeatRequest(
                groupID: group, memberID: "m", memberEpoch: 0, rebalanceTimeoutMs: 10_000,
                subscribedTopicNames: ["t"], topicPartitions: []))
        return ErrorCode(response.errorCode)
    }

    private func describe(_ broker: TestBroker) throws -> ErrorCode {
        let response = try broker.call(ConsumerGroupDescribeRequest(groupIDs: ["g"]))
        return ErrorCode(try #require(response.groups.first).errorCode)
    }

    @Test func `a new directory has it finalised`() throws {
        let broker = try TestBroker()
        #expect(try finalized(broker) == 1)
        try broker.createTopic("t")
        try broker.findCoordinator()
        #expect(try join(broker) == .none)
        try broker.restart()
        #expect(try finalized(broker) == 1)
        #expect(broker.log.complaints == [])
    }

    @Test func `an older directory refuses consumer groups until it is raised, and serves all else`() throws {
        let broker = try makeOldBroker()
        #expect(broker.log.contains("has not finalised group.version"))
        #expect(try finalized(broker) == nil)
        try broker.createTopic("t")
        try broker.findCoordinator()
        #expect(try join(broker) == .unsupportedVersion)
        #expect(try describe(broker) == .unsupportedVersion)
        try GroupMember(broker, group: "classic").enter()
        #expect(try update(broker, to: 1) == 0)
        #expect(try finalized(broker) == 1)
        #expect(try join(broker) == .none)
        #expect(try describe(broker) == .none)
        try broker.restart()
        #expect(try join(broker, "h") == .none)
    }

    @Test func `it can be taken back`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        try broker.findCoordinator()
        #expect(try join(broker) == .none)
        #expect(try update(broker, to: 0) == 0)
        #expect(try finalized(broker) == nil)
        #expect(try join(broker) == .unsupportedVersion)
        #expect(try update(broker, to: 1) == 0)
        #expect(try describe(broker) == .none)
    }
}
