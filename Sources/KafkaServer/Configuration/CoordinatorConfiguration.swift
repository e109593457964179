// SPDX-License-Identifier: Apache-2.0
package import KafkaRecords

/// The group coordinators: their topic, their threads, and what they allow. Times are in milliseconds.
package struct CoordinatorConfiguration: Sendable {
    /// How a new group, or a member, may be balanced.
    package enum RebalanceProtocol: String, Sendable {
        case classic
        case consumer
    }

    /// The kinds of groups that are served, of those that this broker knows.
    package let protocols: Set<RebalanceProtocol>
    /// Coordinators that work side by side.
    package let threads: Int
    /// How long records are gathered into one batch; nil gathers what has come meanwhile.
    package let appendLinger: Int64?
    /// How long a commit may wait for the replicas.
    package let commitTimeout: Int64
    /// Bytes read at a time when a partition of the offsets topic is loaded.
    package let loadBufferBytes: Int
    package let offsetsTopicReplicationFactor: Int16
    package let offsetsTopicPartitions: Int32
    package let offsetsTopicSegmentBytes: Int64
    package let offsetsTopicCompression: CompressionType
    package let offsetMetadataBytesMax: Int
    package let offsetsRetention: Int64
    package let offsetsRetentionCheckInterval: Int64
    package let sessionTimeoutMin: Int64
    package let sessionTimeoutMax: Int64
    package let initialRebalanceDelay: Int64
    package let groupSizeMax: Int
    package let consumerGroups: ConsumerGroupSettings

    init(_ reader: inout ConfigurationReader) {
        protocols = Set(
            reader.list("group.coordinator.rebalance.protocols").compactMap {
                RebalanceProtocol(rawValue: $0.lowercased())
            })
        threads = reader.int("group.coordinator.threads")
        let linger = reader.integer("group.coordinator.append.linger.ms")
        appendLinger = linger < 0 ? nil : linger
        commitTimeout = reader.integer("offsets.commit.timeout.ms")
        loadBufferBytes = reader.int("offsets.load.buffer.size")
        offsetsTopicReplicationFactor = Int16(reader.integer("offsets.topic.replication.factor"))
        offsetsTopicPartitions = reader.int32("offsets.topic.num.partitions")
        offsetsTopicSegmentBytes = reader.integer("offsets.topic.segment.bytes")
        offsetsTopicCompression =
            CompressionType(rawValue: Int8(reader.integer("offsets.topic.compression.codec"))) ?? .none
        offsetMetadataBytesMax = reader.int("offset.metadata.max.bytes")
        offsetsRetention = reader.integer("offsets.retention.minutes") * 60_000
        offsetsRetentionCheckInterval = reader.integer("offsets.retention.check.interval.ms")
        sessionTimeoutMin = reader.integer("group.min.session.timeout.ms")
        sessionTimeoutMax = reader.integer("group.max.session.timeout.ms")
        initialRebalanceDelay = reader.integer("group.initial.rebalance.delay.ms")
        groupSizeMax = reader.int("group.max.size")
        consumerGroups = ConsumerGroupSettings(&reader)
        if sessionTimeoutMin > sessionTimeoutMax {
            reader.refuse("group.min.session.timeout.ms", "must not be above group.max.session.timeout.ms")
        }
        if !protocols.contains(.classic) {
            reader.refuse("group.coordinator.rebalance.protocols", "must contain classic")
        }
    }
}

/// What concerns groups of the consumer protocol (KIP-848). Times are in milliseconds.
package struct ConsumerGroupSettings: Sendable {
    package let sessionTimeout: Int32
    package let sessionTimeoutRange: ClosedRange<Int32>
    package let heartbeatInterval: Int32
    package let heartbeatIntervalRange: ClosedRange<Int32>
    package let sizeMax: Int32
    /// The first is the default.
    package let assignors: [String]
    package let migrationPolicy: String
    package let assignmentInterval: Int32
    package let assignmentIntervalRange: ClosedRange<Int32>
    package let regexRefreshInterval: Int64

    init(_ reader: inout ConfigurationReader) {
        (sessionTimeout, sessionTimeoutRange) = ConsumerGroupSettings.bounded("session.timeout.ms", &reader)
        (heartbeatInterval, heartbeatIntervalRange) = ConsumerGroupSettings.bounded("heartbeat.interval.ms", &reader)
        sizeMax = reader.int32("group.consumer.max.size")
        assignors = reader.list("group.consumer.assignors")
        migrationPolicy = reader.text("group.consumer.migration.policy").lowercased()
        (assignmentInterval, assignmentIntervalRange) = ConsumerGroupSettings.bounded(
            "assignment.interval.ms", &reader)
        regexRefreshInterval = reader.integer("group.consumer.regex.refresh.interval.ms")
        if assignors.contains(where: { $0 != "uniform" && $0 != "range" }) {
            reader.refuse("group.consumer.assignors", "must name uniform and range only")
        }
        if heartbeatInterval >= sessionTimeout {
            reader.refuse(
                "group.consumer.heartbeat.interval.ms", "must be below group.consumer.session.timeout.ms")
        }
    }

    /// A value with the bounds of what a group may set for itself.
    private static func bounded(
        _ name: String, _ reader: inout ConfigurationReader
    ) -> (value: Int32, range: ClosedRange<Int32>) {
        let value = reader.int32("group.consumer.\(name)")
        let least = reader.int32("group.consumer.min.\(name)")
        let most = reader.int32("group.consumer.max.\(name)")
        guard least <= most else {
            reader.refuse("group.consumer.max.\(name)", "must not be below group.consumer.min.\(name)")
            return (value, least...least)
        }
        if !(least...most).contains(value) {
            reader.refuse("group.consumer.\(name)", "must be in \(least)...\(most)")
        }
        return (value, least...most)
    }
}
