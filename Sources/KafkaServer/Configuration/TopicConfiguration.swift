// SPDX-License-Identifier: Apache-2.0

/// The configuration of a topic: what it set for itself, and the broker's defaults for the rest. Times are in
/// milliseconds, `Int64.max` is never.
package struct TopicConfiguration: Sendable, Equatable {
    package enum Compression: String, Sendable {
        /// Batches keep the codec that the producer chose.
        case producer
        case uncompressed
        case gzip
        case snappy
        case lz4
        case zstd
    }

    package enum TimestampType: String, Sendable {
        case createTime = "CreateTime"
        case logAppendTime = "LogAppendTime"
    }

    /// Whether old segments are deleted.
    package var isDeleted = true
    /// Whether only the last record of each key is kept.
    package var isCompacted = false
    package var segmentBytes = 1_073_741_824
    package var segmentAge: Int64 = 604_800_000
    package var segmentJitter: Int64 = 0
    package var indexBytes = 10_485_760
    package var indexIntervalBytes = 4096
    package var preallocatesSegments = false
    package var flushRecords: Int64 = .max
    package var flushInterval: Int64 = .max
    /// -1 is no limit.
    package var retentionBytes: Int64 = -1
    /// -1 is for ever.
    package var retentionTime: Int64 = 604_800_000
    package var fileDeleteDelay: Int64 = 60_000
    /// The largest record batch accepted, after compression.
    package var messageBytesMax = 1_048_588
    package var timestampType = TimestampType.createTime
    package var timestampBeforeMax: Int64 = .max
    package var timestampAfterMax: Int64 = 3_600_000
    package var compression = Compression.producer
    package var gzipLevel: Int32 = -1
    package var lz4Level: Int32 = 9
    package var zstdLevel: Int32 = 3
    package var tombstoneRetention: Int64 = 86_400_000
    package var compactionLagMin: Int64 = 0
    package var compactionLagMax: Int64 = .max
    /// The part of a log that must be uncompacted before it is compacted, from 0 to 1.
    package var cleanableRatioMin = 0.5
    package var inSyncReplicasMin: Int32 = 1
    package var uncleanLeaderElectionEnabled = false
    /// `partition:broker` each; `*` alone is all.
    package var throttledLeaders: [String] = []
    /// `partition:broker` each; `*` alone is all.
    package var throttledFollowers: [String] = []

    /// Kafka's defaults.
    package init() {}

    /// Takes over a value that was read as the type of the topic key `name`. Keys of things that this broker does not
    /// have, and unknown ones, change nothing.
    mutating func set(_ name: String, to value: ConfigurationValue) {
        switch value {
        case .integer(let number): set(name, to: number)
        case .boolean(let flag): set(name, to: flag)
        case .real(let number): if name == "min.cleanable.dirty.ratio" { cleanableRatioMin = number }
        case .text(let text): set(name, to: text)
        case .null: break
        }
    }

    private mutating func set(_ name: String, to number: Int64) {
        switch name {
        case "segment.bytes", "internal.segment.bytes": segmentBytes = Int(number)
        case "segment.ms": segmentAge = number
        case "segment.jitter.ms": segmentJitter = number
        case "segment.index.bytes": indexBytes = Int(number)
        case "index.interval.bytes": indexIntervalBytes = Int(number)
        case "flush.messages": flushRecords = number
        case "flush.ms": flushInterval = number
        case "retention.bytes": retentionBytes = number
        case "retention.ms": retentionTime = number
        case "file.delete.delay.ms": fileDeleteDelay = number
        case "max.message.bytes": messageBytesMax = Int(number)
        case "message.timestamp.before.max.ms": timestampBeforeMax = number
        case "message.timestamp.after.max.ms": timestampAfterMax = number
        case "compression.gzip.level": gzipLevel = Int32(number)
        case "compression.lz4.level": lz4Level = Int32(number)
        case "compression.zstd.level": zstdLevel = Int32(number)
        case "delete.retention.ms": tombstoneRetention = number
        case "min.compaction.lag.ms": compactionLagMin = number
        case "max.compaction.lag.ms": compactionLagMax = number
        case "min.insync.replicas": inSyncReplicasMin = Int32(number)
        default: break
        }
    }

    private mutating func set(_ name: String, to flag: Bool) {
        switch name {
        case "preallocate": preallocatesSegments = flag
        case "unclean.leader.election.enable": uncleanLeaderElectionEnabled = flag
        default: break
        }
    }

    private mutating func set(_ name: String, to text: String) {
        switch name {
        case "cleanup.policy":
            let policies = ConfigurationValue.items(of: text)
            isDeleted = policies.contains("delete")
            isCompacted = policies.contains("compact")
        case "compression.type": compression = Compression(rawValue: text) ?? compression
        case "message.timestamp.type": timestampType = TimestampType(rawValue: text) ?? timestampType
        case "leader.replication.throttled.replicas": throttledLeaders = ConfigurationValue.items(of: text)
        case "follower.replication.throttled.replicas": throttledFollowers = ConfigurationValue.items(of: text)
        default: break
        }
    }
}
