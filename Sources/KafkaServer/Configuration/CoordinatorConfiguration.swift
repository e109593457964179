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
        if sessionTimeoutMin > sessionTimeoutMax {
            reader.refuse("group.min.session.timeout.ms", "must not be above group.max.session.timeout.ms")
        }
        if !protocols.contains(.classic) {
            reader.refuse("group.coordinator.rebalance.protocols", "must contain classic")
        }
    }
}
