// SPDX-License-Identifier: Apache-2.0
internal import KafkaCoordination
internal import KafkaRuntime
internal import Logging

/// What all shards of group coordinators share.
final class GroupShardEnvironment: Sendable {
    let settings: CoordinatorConfiguration
    let runtime: Runtime
    let replicas: ReplicaManager
    let log: Logger
    let statistics = GroupStatistics()

    init(_ settings: CoordinatorConfiguration, runtime: Runtime, replicas: ReplicaManager, log: Logger) {
        self.settings = settings
        self.runtime = runtime
        self.replicas = replicas
        self.log = log
    }
}

extension GroupCoordinatorConfiguration {
    init(_ settings: CoordinatorConfiguration) {
        self.init()
        minSessionTimeoutMilliseconds = Int32(clamping: settings.sessionTimeoutMin)
        maxSessionTimeoutMilliseconds = Int32(clamping: settings.sessionTimeoutMax)
        initialRebalanceDelayMilliseconds = Int32(clamping: settings.initialRebalanceDelay)
        groupMaxSize = Int32(clamping: settings.groupSizeMax)
        offsetMetadataMaxBytes = Int32(clamping: settings.offsetMetadataBytesMax)
        offsetsRetentionMilliseconds = settings.offsetsRetention
        consumer = ConsumerGroupConfiguration(settings.consumerGroups)
    }
}

extension ConsumerGroupConfiguration {
    init(_ settings: ConsumerGroupSettings) {
        self.init()
        sessionTimeoutMilliseconds = settings.sessionTimeout
        sessionTimeoutRange = settings.sessionTimeoutRange
        heartbeatIntervalMilliseconds = settings.heartbeatInterval
        heartbeatIntervalRange = settings.heartbeatIntervalRange
        maxSize = settings.sizeMax
        let known = settings.assignors.compactMap { ServerAssignor(rawValue: $0) }
        if !known.isEmpty { assignors = known }
        migrationPolicy = MigrationPolicy(rawValue: settings.migrationPolicy) ?? .bidirectional
        regexRefreshIntervalMilliseconds = settings.regexRefreshInterval
        assignmentIntervalMilliseconds = settings.assignmentInterval
        assignmentIntervalRange = settings.assignmentIntervalRange
    }
}
