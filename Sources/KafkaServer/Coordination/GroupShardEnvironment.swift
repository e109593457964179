// SPDX-License-Identifier: Apache-2.0
internal import KafkaCoordination
internal import KafkaRuntime
internal import Logging

/// What all shards of group coordinators share.
final class GroupShardEnvironment: Sendable {
    let settings: CoordinatorConfiguration
    let groups: GroupCoordinatorConfiguration
    let runtime: Runtime
    let replicas: ReplicaManager
    let log: Logger

    init(_ settings: CoordinatorConfiguration, runtime: Runtime, replicas: ReplicaManager, log: Logger) {
        self.settings = settings
        self.runtime = runtime
        self.replicas = replicas
        self.log = log
        groups = GroupCoordinatorConfiguration(settings)
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
    }
}
