// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol

/// Records of every kind, in an order in which they can be replayed.
enum SampleRecords {
    static let firstTopic = KafkaUUID(high: 1, low: 100)
    static let secondTopic = KafkaUUID(high: 2, low: 100)

    static var all: [MetadataRecord] { features + members + topics + settings + security + transaction }

    static var features: [MetadataRecord] {
        [
            .featureLevel(FeatureLevelRecord(name: "metadata.version", featureLevel: 30)),
            .featureLevel(FeatureLevelRecord(name: "group.version", featureLevel: 1)),
            .featureLevel(FeatureLevelRecord(name: "share.version", featureLevel: 1)),
            .featureLevel(FeatureLevelRecord(name: "share.version", featureLevel: 0)),
            .featureLevel(FeatureLevelRecord(name: "eligible.leader.replicas.version", featureLevel: 1)),
            .zkMigrationState(ZkMigrationStateRecord(zkMigrationState: 0)),
            .noOp(NoOpRecord()),
        ]
    }

    static var members: [MetadataRecord] {
        let brokers: [MetadataRecord] = (1...3).map { (id: Int32) in
            .registerBroker(
                RegisterBrokerRecord(
                    brokerID: id, incarnationID: KafkaUUID(high: 9, low: UInt64(id)), brokerEpoch: Int64(id) * 10,
                    endPoints: [.init(name: "PLAINTEXT", host: "host\(id)", port: 9092, securityProtocol: 0)],
                    features: [.init(name: "metadata.version", minSupportedVersion: 7, maxSupportedVersion: 30)],
                    rack: id == 2 ? "b" : nil, fenced: true, logDirs: [KafkaUUID(high: 50, low: UInt64(id))],
                    cordonedLogDirs: id == 3 ? [] : nil))
        }
        let changes: [MetadataRecord] = [
            .unfenceBroker(UnfenceBrokerRecord(id: 1, epoch: 10)),
            .fenceBroker(FenceBrokerRecord(id: 1, epoch: 10)),
            .brokerRegistrationChange(
                BrokerRegistrationChangeRecord(brokerID: 1, brokerEpoch: 10, fenced: -1, inControlledShutdown: 1)),
            .brokerRegistrationChange(
                BrokerRegistrationChangeRecord(
                    brokerID: 2, brokerEpoch: 20, fenced: -1,
                    logDirs: [KafkaUUID(high: 50, low: 2), KafkaUUID(high: 51, low: 2)],
                    cordonedLogDirs: [KafkaUUID(high: 51, low: 2)])),
            .unregisterBroker(UnregisterBrokerRecord(brokerID: 3, brokerEpoch: 30)),
            .registerController(
                RegisterControllerRecord(
                    controllerID: 4, incarnationID: KafkaUUID(high: 4, low: 4),
                    endPoints: [.init(name: "CONTROLLER", host: "c", port: 9093, securityProtocol: 0)],
                    features: [.init(name: "kraft.version", minSupportedVersion: 0, maxSupportedVersion: 1)])),
            .registerController(RegisterControllerRecord(controllerID: 5)),
            .unregisterController(UnregisterControllerRecord(controllerID: 5)),
        ]
        return brokers + changes
    }

    static var topics: [MetadataRecord] {
        let directories = [KafkaUUID(high: 50, low: 1), KafkaUUID(high: 50, low: 2)]
        return [
            .topic(TopicRecord(name: "first.topic", topicID: firstTopic)),
            .partition(
                PartitionRecord(
                    partitionID: 0, topicID: firstTopic, replicas: [1, 2], isr: [1, 2], leader: 1, leaderEpoch: 0,
                    partitionEpoch: 0, directories: directories)),
            .partition(
                PartitionRecord(
                    partitionID: 1, topicID: firstTopic, replicas: [2, 1], isr: [2], leader: 2, leaderEpoch: 3,
                    partitionEpoch: 5, directories: directories, eligibleLeaderReplicas: [1], lastKnownElr: [1])),
            .partitionChange(
                PartitionChangeRecord(
                    partitionID: 0, topicID: firstTopic, isr: [2], leader: 2, replicas: [1, 2, 3],
                    removingReplicas: [1], addingReplicas: [3], leaderRecoveryState: 1,
                    directories: directories + [DirectoryID.unassigned], eligibleLeaderReplicas: [1],
                    lastKnownElr: [])),
            .topic(TopicRecord(name: "second", topicID: secondTopic)),
            .partition(
                PartitionRecord(
                    partitionID: 0, topicID: secondTopic, replicas: [1], isr: [1], leader: 1, leaderEpoch: 0,
                    partitionEpoch: 0, directories: [directories[0]])),
            .topic(TopicRecord(name: "gone", topicID: KafkaUUID(high: 3, low: 3))),
            .config(ConfigRecord(resourceType: 2, resourceName: "gone", name: "retention.ms", value: "1")),
            .removeTopic(RemoveTopicRecord(topicID: KafkaUUID(high: 3, low: 3))),
            .clearElr(ClearElrRecord(topicName: "second")),
        ]
    }

    static var settings: [MetadataRecord] {
        [
            .config(ConfigRecord(resourceType: 2, resourceName: "second", name: "retention.ms", value: "9")),
            .config(ConfigRecord(resourceType: 4, resourceName: "", name: "min.insync.replicas", value: "1")),
            .config(ConfigRecord(resourceType: 4, resourceName: "1", name: "log.retention.ms", value: "5")),
            .config(ConfigRecord(resourceType: 4, resourceName: "1", name: "log.retention.ms", value: nil)),
            .config(ConfigRecord(resourceType: 16, resourceName: "m", name: "interval.ms", value: "100")),
            .config(ConfigRecord(resourceType: 99, resourceName: "future", name: "x", value: "")),
            .clientQuota(quota([("user", "u"), ("client-id", nil)], "producer_byte_rate", 1_024)),
            .clientQuota(quota([("user", nil)], "request_percentage", 0.5)),
            .clientQuota(quota([("ip", "10.0.0.1")], "connection_creation_rate", 5)),
            .clientQuota(quota([("ip", "10.0.0.1")], "connection_creation_rate", 5, remove: true)),
            .producerIDs(ProducerIdsRecord(brokerID: 1, brokerEpoch: 10, nextProducerID: 2_000)),
        ]
    }

    private static func quota(
        _ entity: [(String, String?)], _ key: String, _ value: Double, remove: Bool = false
    ) -> ClientQuotaRecord {
        ClientQuotaRecord(
            entity: entity.map { .init(entityType: $0.0, entityName: $0.1) }, key: key, value: value, remove: remove)
    }

    static var security: [MetadataRecord] {
        [
            .userScramCredential(
                UserScramCredentialRecord(
                    name: "alice", mechanism: 1, salt: [1, 2], storedKey: [3], serverKey: [4], iterations: 4_096)),
            .userScramCredential(UserScramCredentialRecord(name: "bob", mechanism: 2, iterations: 8_192)),
            .removeUserScramCredential(RemoveUserScramCredentialRecord(name: "bob", mechanism: 2)),
            .accessControlEntry(
                AccessControlEntryRecord(
                    id: KafkaUUID(high: 8, low: 1), resourceType: 2, resourceName: "*", patternType: 3,
                    principal: "User:alice", host: "*", operation: 3, permissionType: 3)),
            .accessControlEntry(AccessControlEntryRecord(id: KafkaUUID(high: 8, low: 2))),
            .removeAccessControlEntry(RemoveAccessControlEntryRecord(id: KafkaUUID(high: 8, low: 2))),
            .delegationToken(
                DelegationTokenRecord(
                    owner: "User:alice", requester: "User:alice", renewers: ["User:bob"], issueTimestamp: 1,
                    maxTimestamp: 3, expirationTimestamp: 2, tokenID: "t1")),
            .delegationToken(DelegationTokenRecord(tokenID: "t2")),
            .removeDelegationToken(RemoveDelegationTokenRecord(tokenID: "t2")),
        ]
    }

    static var transaction: [MetadataRecord] {
        [
            .beginTransaction(BeginTransactionRecord(name: "n")),
            .topic(TopicRecord(name: "never", topicID: KafkaUUID(high: 6, low: 6))),
            .abortTransaction(AbortTransactionRecord(reason: "r")),
            .beginTransaction(BeginTransactionRecord()),
            .topic(TopicRecord(name: "third", topicID: KafkaUUID(high: 5, low: 5))),
            .endTransaction(EndTransactionRecord()),
        ]
    }
}

extension MetadataImage {
    /// The values of a snapshot's records: two images are equal when these are.
    func encodedRecords(at version: MetadataVersion? = nil) throws -> [[UInt8]] {
        try records.map { try $0.encoded(at: version ?? metadataVersion) }
    }

    static func replaying(_ records: [MetadataRecord]) throws -> MetadataImage {
        var replay = MetadataReplay()
        try replay.replay(records, baseOffset: 0, epoch: 1, timestamp: 5)
        return replay.newestImage
    }
}
