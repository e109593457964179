// SPDX-License-Identifier: Apache-2.0
internal import KafkaMetadata
package import KafkaReplication
package import KafkaRuntime
package import KafkaStorage
package import Logging

/// What the handlers of a running broker share.
package final class BrokerContext: Sendable {
    package let configuration: BrokerConfiguration
    package let runtime: Runtime
    package let clusterID: String
    package let metadata: ClusterMetadata
    package let logs: LogManager
    package let replicas: ReplicaManager
    package let fetchSessions: FetchSessionCache
    package let producerIDs: ProducerIDAllocator
    package let groups: GroupCoordinator
    package let quotas: ClientQuotaManager
    /// nil where nobody wants to know.
    package let metrics: BrokerMetrics?
    package let log: Logger
    package let loggerLevels: LoggerLevels

    package var nodeID: Int32 { configuration.nodeID }

    /// Whether groups of the consumer protocol are served (KIP-848): this broker is configured to, and the cluster has
    /// finalised `group.version`.
    var servesConsumerGroups: Bool {
        groups.settings.protocols.contains(.consumer)
            && metadata.image.features.level(of: Feature.groupVersion.name) > 0
    }

    init(
        configuration: BrokerConfiguration, runtime: Runtime, clusterID: String, metadata: ClusterMetadata,
        logs: LogManager, replicas: ReplicaManager, producerIDs: ProducerIDAllocator, groups: GroupCoordinator,
        quotas: ClientQuotaManager, metrics: BrokerMetrics?, log: Logger, loggerLevels: LoggerLevels
    ) {
        self.configuration = configuration
        self.runtime = runtime
        self.clusterID = clusterID
        self.metadata = metadata
        self.logs = logs
        self.replicas = replicas
        self.producerIDs = producerIDs
        self.groups = groups
        self.quotas = quotas
        self.metrics = metrics
        self.log = log
        self.loggerLevels = loggerLevels
        fetchSessions = FetchSessionCache(slotCount: configuration.fetchSessionsMax, random: runtime.random)
    }
}
