// SPDX-License-Identifier: Apache-2.0
import KafkaRecords
package import KafkaStorage

/// The configuration of a topic: what it set for itself, and the broker's defaults for the rest.
package struct TopicConfiguration: Sendable, Equatable {
    /// What concerns the topic's logs.
    package var log = LogConfiguration()
    package var minInSyncReplicas: Int32 = 1
    package var uncleanLeaderElectionEnabled = false
    /// Replicas that are throttled as leaders, as `partition:broker`; `*` alone is all.
    package var throttledLeaders: [String] = []
    /// Replicas that are throttled as followers, as `partition:broker`; `*` alone is all.
    package var throttledFollowers: [String] = []

    /// Kafka's defaults.
    package init() {}

    /// Takes over a value that was read as the type of the topic key `name`. Keys of things that this broker does not
    /// have, and unknown ones, change nothing.
    mutating func set(_ name: String, to value: ConfigurationValue) {
        switch value {
        case .integer(let number): set(name, to: number)
        case .boolean(let flag): set(name, to: flag)
        case .real(let number): if name == "min.cleanable.dirty.ratio" { log.minCleanableDirtyRatio = number }
        case .text(let text): set(name, to: text)
        case .null: break
        }
    }

    private mutating func set(_ name: String, to number: Int64) {
        switch name {
        case "segment.bytes", "internal.segment.bytes": log.segmentBytes = Int32(clamping: number)
        case "segment.ms": log.segmentMs = number
        case "segment.jitter.ms": log.segmentJitterMs = number
        case "segment.index.bytes": log.segmentIndexBytes = Int32(clamping: number)
        case "index.interval.bytes": log.indexIntervalBytes = Int32(clamping: number)
        case "flush.messages": log.flushMessages = number
        case "flush.ms": log.flushMs = number
        case "retention.bytes": log.retentionBytes = max(-1, number)
        case "retention.ms": log.retentionMs = max(-1, number)
        case "file.delete.delay.ms": log.fileDeleteDelayMs = number
        case "max.message.bytes": log.maxMessageBytes = Int32(clamping: number)
        case "message.timestamp.before.max.ms": log.messageTimestampBeforeMaxMs = number
        case "message.timestamp.after.max.ms": log.messageTimestampAfterMaxMs = number
        case "compression.gzip.level": log.gzipLevel = Int32(clamping: number)
        case "compression.lz4.level": log.lz4Level = Int32(clamping: number)
        case "compression.zstd.level": log.zstdLevel = Int32(clamping: number)
        case "delete.retention.ms": log.deleteRetentionMs = number
        case "min.compaction.lag.ms": log.minCompactionLagMs = number
        case "max.compaction.lag.ms": log.maxCompactionLagMs = number
        case "min.insync.replicas": minInSyncReplicas = Int32(clamping: number)
        default: break
        }
    }

    private mutating func set(_ name: String, to flag: Bool) {
        switch name {
        case "preallocate": log.preallocate = flag
        case "unclean.leader.election.enable": uncleanLeaderElectionEnabled = flag
        default: break
        }
    }

    private mutating func set(_ name: String, to text: String) {
        switch name {
        case "cleanup.policy":
            let policies = ConfigurationValue.items(of: text)
            log.cleanupPolicy = []
            if policies.contains("delete") { log.cleanupPolicy.insert(.delete) }
            if policies.contains("compact") { log.cleanupPolicy.insert(.compact) }
        case "compression.type": log.compression = TopicConfiguration.compression(text)
        case "message.timestamp.type":
            log.messageTimestampType = text == "LogAppendTime" ? .logAppendTime : .createTime
        case "leader.replication.throttled.replicas": throttledLeaders = ConfigurationValue.items(of: text)
        case "follower.replication.throttled.replicas": throttledFollowers = ConfigurationValue.items(of: text)
        default: break
        }
    }

    private static func compression(_ text: String) -> LogConfiguration.Compression {
        switch text {
        case "uncompressed": .codec(.none)
        case "gzip": .codec(.gzip)
        case "snappy": .codec(.snappy)
        case "lz4": .codec(.lz4)
        case "zstd": .codec(.zstd)
        default: .producer
        }
    }
}
