// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// What a topic can set for itself.
    package static let topicKeys: [ConfigurationDefinition] = [
        .int(
            "segment.bytes", 1_073_741_824, .atLeast(1_048_576), .dynamic, .acts,
            "Size at which a segment is rolled."),
        .long(
            "segment.ms", 604_800_000, .atLeast(1), .dynamic, .acts,
            "Age at which a segment is rolled."),
        .long(
            "segment.jitter.ms", 0, .atLeast(0), .dynamic, .acts,
            "The most that is randomly subtracted from the age for rolling."),
        .int(
            "segment.index.bytes", 10_485_760, .atLeast(4), .dynamic, .acts,
            "The size reserved for an index; the segment is rolled when it is full."),
        .long(
            "flush.messages", .max, .atLeast(1), .dynamic, .acts,
            "The log is synced after this many records."),
        .long(
            "flush.ms", .max, .atLeast(0), .dynamic, .acts,
            "The longest that a record waits for a sync."),
        .long(
            "retention.bytes", -1, .any, .dynamic, .acts,
            "The size a partition may reach before its oldest segments go; -1 is no limit."),
        .long(
            "retention.ms", 604_800_000, .atLeast(-1), .dynamic, .acts,
            "How long records are kept; -1 is for ever."),
        .int(
            "max.message.bytes", 1_048_588, .atLeast(0), .dynamic, .acts,
            "The largest record batch accepted, after compression."),
        .int(
            "index.interval.bytes", 4096, .atLeast(0), .dynamic, .acts,
            "An index entry is added after this many bytes of records."),
        .long(
            "delete.retention.ms", 86_400_000, .atLeast(0), .dynamic, .acts,
            "How long deletion markers outlive compaction."),
        .long(
            "min.compaction.lag.ms", 0, .atLeast(0), .dynamic, .acts,
            "How long a record is safe from compaction."),
        .long(
            "max.compaction.lag.ms", .max, .atLeast(1), .dynamic, .acts,
            "The longest a record waits for compaction."),
        .long(
            "file.delete.delay.ms", 60_000, .atLeast(0), .dynamic, .acts,
            "How long a deleted file stays on disk."),
        .double(
            "min.cleanable.dirty.ratio", 0.5, .fraction(0, 1), .dynamic, .acts,
            "The part of a log that must be uncompacted before it is compacted."),
        .text(
            .list, "cleanup.policy", "delete", .itemsOf(["compact", "delete"], mayBeEmpty: true), .dynamic, .acts,
            """
            What happens to old records: `delete`, `compact`, or both; empty keeps everything. With `compact` records \
            must have keys.
            """),
        .boolean(
            "unclean.leader.election.enable", false, .dynamic, .later,
            "Whether a replica that is not in sync may become leader, at the price of lost records."),
        .int(
            "min.insync.replicas", 1, .atLeast(1), .dynamic, .acts,
            "The replicas that must have a batch with acks=all."),
        .text(
            .string, "compression.type", "producer",
            .oneOf([
                "uncompressed", "zstd", "lz4", "snappy", "gzip",
                "producer",
            ]), .dynamic, .acts,
            "Codec that batches are stored in; `producer` keeps what the producer chose."),
        .int(
            "compression.gzip.level", -1, .betweenOr(1, 9, other: -1), .dynamic, .acts,
            "Level when batches are recompressed with gzip; -1 is the library's default."),
        .int(
            "compression.lz4.level", 9, .between(1, 17), .dynamic, .acts,
            "Level when batches are recompressed with lz4."),
        .int(
            "compression.zstd.level", 3, .between(-131_072, 22), .dynamic, .acts,
            "Level when batches are recompressed with zstd."),
        .boolean(
            "preallocate", false, .dynamic, .acts,
            "Whether a segment's whole file is reserved when it is made."),
        .text(
            .string, "message.timestamp.type", "CreateTime", .oneOf(["CreateTime", "LogAppendTime"]), .dynamic, .acts,
            "Whether records keep the producer's time or get the broker's."),
        .long(
            "message.timestamp.before.max.ms", .max, .atLeast(0), .dynamic, .acts,
            "How far a record's time may lie before the broker's."),
        .long(
            "message.timestamp.after.max.ms", 3_600_000, .atLeast(0), .dynamic, .acts,
            "How far a record's time may lie after the broker's."),
        .text(
            .list, "leader.replication.throttled.replicas", "", .throttledReplicas, .dynamic, .later,
            "Replicas whose leaders are throttled, as `partition:broker`; `*` is all."),
        .text(
            .list, "follower.replication.throttled.replicas", "", .throttledReplicas, .dynamic, .later,
            "Replicas that are throttled as followers, as `partition:broker`; `*` is all."),
        .boolean(
            "remote.storage.enable", false, .dynamic, .later,
            "Whether the topic uses tiered storage."),
        .long(
            "local.retention.ms", -2, .atLeast(-2), .dynamic, .later,
            "How long records stay on local disk when they are also remote; -2 is `retention.ms`."),
        .long(
            "local.retention.bytes", -2, .atLeast(-2), .dynamic, .later,
            "How many bytes stay on local disk when they are also remote; -2 is `retention.bytes`."),
        .boolean(
            "remote.log.copy.disable", false, .dynamic, .later,
            "Whether nothing more is copied to remote storage."),
        .long(
            "remote.copy.lag.ms", 0, .atLeast(-1), .dynamic, .later,
            "How long a closed segment may wait before it must be copied; -1 is `local.retention.ms`."),
        .long(
            "remote.copy.lag.bytes", -1, .atLeast(-1), .dynamic, .later,
            "How many bytes of closed segments may wait before they must be copied; -1 is `local.retention.bytes`."),
        .boolean(
            "remote.log.delete.on.disable", false, .dynamic, .later,
            "Whether turning tiered storage off deletes what is remote."),
        .boolean(
            "errors.deadletterqueue.group.enable", false, .dynamic, .later,
            "Whether share groups may use the topic for dead letters."),
        .int(
            "internal.segment.bytes", nil, .any, .dynamic, .acts, internal: true,
            "Outweighs `segment.bytes` and has no lower bound, for tests."),
    ]
}
