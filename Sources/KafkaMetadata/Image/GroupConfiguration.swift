// SPDX-License-Identifier: Apache-2.0

/// What a group has set for itself (resource type 32); nil for what it leaves to the broker's settings.
///
/// Values were checked when they were set, against the limits of the broker that then was the controller: those that use
/// them keep within the limits of their own configuration.
package struct GroupConfiguration: Equatable, Sendable {
    package internal(set) var consumerSessionTimeoutMilliseconds: Int32?
    package internal(set) var consumerHeartbeatIntervalMilliseconds: Int32?
    package internal(set) var consumerAssignmentIntervalMilliseconds: Int32?
    package internal(set) var shareSessionTimeoutMilliseconds: Int32?
    package internal(set) var shareHeartbeatIntervalMilliseconds: Int32?
    package internal(set) var shareRecordLockDurationMilliseconds: Int32?
    package internal(set) var shareDeliveryCountLimit: Int32?
    package internal(set) var sharePartitionRecordLocksMax: Int32?
    /// `earliest`, `latest` or `by_duration:` with an ISO-8601 duration.
    package internal(set) var shareAutoOffsetReset: String?
    /// `read_committed` or `read_uncommitted`.
    package internal(set) var shareIsolationLevel: String?
    package internal(set) var streamsSessionTimeoutMilliseconds: Int32?
    package internal(set) var streamsHeartbeatIntervalMilliseconds: Int32?
    package internal(set) var streamsStandbyReplicas: Int32?
    package internal(set) var streamsInitialRebalanceDelayMilliseconds: Int32?

    /// Nothing set.
    package init() {}

    /// Reads what is set; passes over keys that this release does not know and values that it cannot read.
    init(_ values: SortedMap<String, String>) {
        for (key, value) in values { set(key, value) }
    }

    private mutating func set(_ key: String, _ text: String) {
        let number = Int32(text)
        switch key {
        case "consumer.session.timeout.ms": consumerSessionTimeoutMilliseconds = number
        case "consumer.heartbeat.interval.ms": consumerHeartbeatIntervalMilliseconds = number
        case "consumer.assignment.interval.ms": consumerAssignmentIntervalMilliseconds = number
        case "share.session.timeout.ms": shareSessionTimeoutMilliseconds = number
        case "share.heartbeat.interval.ms": shareHeartbeatIntervalMilliseconds = number
        case "share.record.lock.duration.ms": shareRecordLockDurationMilliseconds = number
        case "share.delivery.count.limit": shareDeliveryCountLimit = number
        case "share.partition.max.record.locks": sharePartitionRecordLocksMax = number
        case "share.auto.offset.reset": shareAutoOffsetReset = text
        case "share.isolation.level": shareIsolationLevel = text
        case "streams.session.timeout.ms": streamsSessionTimeoutMilliseconds = number
        case "streams.heartbeat.interval.ms": streamsHeartbeatIntervalMilliseconds = number
        case "streams.num.standby.replicas": streamsStandbyReplicas = number
        case "streams.initial.rebalance.delay.ms": streamsInitialRebalanceDelayMilliseconds = number
        default: break
        }
    }
}

extension MetadataImage {
    /// What the group has set for itself; nothing for groups that have not, and for such as do not exist.
    package func configuration(ofGroup group: String) -> GroupConfiguration {
        configs[ConfigResource(.group, group)].map(GroupConfiguration.init) ?? GroupConfiguration()
    }
}
