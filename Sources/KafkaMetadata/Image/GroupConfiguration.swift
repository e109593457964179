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

    private enum Member {
        case number(WritableKeyPath<GroupConfiguration, Int32?>)
        case text(WritableKeyPath<GroupConfiguration, String?>)
    }

    private static func member(_ key: String) -> Member? {
        switch key {
        case "consumer.session.timeout.ms": .number(\.consumerSessionTimeoutMilliseconds)
        case "consumer.heartbeat.interval.ms": .number(\.consumerHeartbeatIntervalMilliseconds)
        case "consumer.assignment.interval.ms": .number(\.consumerAssignmentIntervalMilliseconds)
        case "share.session.timeout.ms": .number(\.shareSessionTimeoutMilliseconds)
        case "share.heartbeat.interval.ms": .number(\.shareHeartbeatIntervalMilliseconds)
        case "share.record.lock.duration.ms": .number(\.shareRecordLockDurationMilliseconds)
        case "share.delivery.count.limit": .number(\.shareDeliveryCountLimit)
        case "share.partition.max.record.locks": .number(\.sharePartitionRecordLocksMax)
        case "share.auto.offset.reset": .text(\.shareAutoOffsetReset)
        case "share.isolation.level": .text(\.shareIsolationLevel)
        case "streams.session.timeout.ms": .number(\.streamsSessionTimeoutMilliseconds)
        case "streams.heartbeat.interval.ms": .number(\.streamsHeartbeatIntervalMilliseconds)
        case "streams.num.standby.replicas": .number(\.streamsStandbyReplicas)
        case "streams.initial.rebalance.delay.ms": .number(\.streamsInitialRebalanceDelayMilliseconds)
        default: nil
        }
    }

    /// Reads what is set; passes over keys that this release does not know and values that it cannot read.
    init(_ values: SortedMap<String, String>) {
        for (key, value) in values {
            switch Self.member(key) {
            case .number(let path): self[keyPath: path] = Int32(value)
            case .text(let path): self[keyPath: path] = value
            case nil: break
            }
        }
    }
}

extension MetadataImage {
    /// What the group has set for itself; nothing for groups that have not, and for such as do not exist.
    package func configuration(ofGroup group: String) -> GroupConfiguration {
        configs[ConfigResource(.group, group)].map(GroupConfiguration.init) ?? GroupConfiguration()
    }
}
