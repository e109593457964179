// SPDX-License-Identifier: Apache-2.0

/// Everything a broker is told at start, read and checked.
///
/// The settings are the one source: the typed fields are read from them once, and answers to DescribeConfigs show
/// them, so the two cannot disagree. Hence there are no setters; a program or test that wants other values makes
/// another configuration from other settings.
///
/// Without any settings this is a complete node: broker and controller 1 of a quorum of one, listening on port 9092.
package struct BrokerConfiguration: Sendable {
    /// What was set, obsolete keys translated.
    package let settings: ConfigurationSettings

    /// This machine's name, which clients are told where no listener names a host.
    let hostName: String
    package let nodeID: Int32
    package let rack: String?
    package let network: NetworkConfiguration
    /// The name of the listener for connections between brokers.
    package let interBrokerListenerName: String
    package let storage: StorageConfiguration
    package let quorum: QuorumConfiguration
    package let coordinator: CoordinatorConfiguration
    package let logging: LoggingConfiguration
    package let metrics: MetricsConfiguration
    package let quotas: QuotaConfiguration

    /// What a topic has that sets nothing for itself.
    package let topicDefaults: TopicConfiguration
    /// Partitions of a topic that is made without a count.
    package let partitionsDefault: Int32
    /// Replicas of a topic that is made without a count.
    package let replicationFactorDefault: Int16
    package let autoCreateTopics: Bool
    package let deleteTopicsEnabled: Bool

    /// The most bytes in the answer to one Fetch.
    package let fetchBytesMax: Int
    package let fetchSessionsMax: Int
    /// The most partitions in one answer to DescribeTopicPartitions.
    package let describedPartitionsMax: Int
    /// Milliseconds.
    package let requestTimeout: Int64
    /// Milliseconds after which a follower that has not caught up leaves the in-sync replicas.
    package let replicaLagTimeMax: Int64
    package let unstableAPIVersionsEnabled: Bool

    init(_ reader: inout ConfigurationReader, hostName: String) {
        settings = reader.settings
        self.hostName = hostName
        nodeID = reader.int32("node.id")
        rack = reader.optionalText("broker.rack")
        let network = NetworkConfiguration(&reader, hostName: hostName)
        self.network = network
        interBrokerListenerName = BrokerConfiguration.interBrokerListener(network.listeners, &reader)
        storage = StorageConfiguration(&reader)
        quorum = QuorumConfiguration(&reader)
        coordinator = CoordinatorConfiguration(&reader)
        logging = LoggingConfiguration(&reader)
        metrics = MetricsConfiguration(&reader)
        quotas = QuotaConfiguration(&reader)
        topicDefaults = TopicConfiguration(&reader)
        partitionsDefault = reader.int32("num.partitions")
        replicationFactorDefault = BrokerConfiguration.replicationFactor(&reader)
        autoCreateTopics = reader.boolean("auto.create.topics.enable")
        deleteTopicsEnabled = reader.boolean("delete.topic.enable")
        fetchBytesMax = reader.int("fetch.max.bytes")
        fetchSessionsMax = reader.int("max.incremental.fetch.session.cache.slots")
        describedPartitionsMax = reader.int("max.request.partition.size.limit")
        requestTimeout = reader.integer("request.timeout.ms")
        replicaLagTimeMax = reader.integer("replica.lag.time.max.ms")
        unstableAPIVersionsEnabled = reader.boolean("unstable.api.versions.enable")
        checkRoles(&reader)
        checkQuorum(&reader)
    }
}
