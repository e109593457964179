// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// Partition logs: directories, segments, retention, syncs and record times.
    static let log: [ConfigurationDefinition] = [
        .int(
            "num.partitions", 1, .atLeast(1), .readOnly, .acts,
            "Partitions of a topic that is made without a count."),
        .text(
            .list, "log.dir", "/tmp/kafka-logs", .distinctItems(mayBeEmpty: false), .readOnly, .acts,
            "Directory of the data; used when log.dirs is not set."),
        .text(
            .list, "log.dirs", nil, .distinctItems(mayBeEmpty: false), .readOnly, .acts,
            "Directories of the data, usually one per disk."),
        .text(
            .list, "cordoned.log.dirs", "", .distinctItems(mayBeEmpty: true), .perBroker, .later,
            "Log directories that get no new partitions; `*` is all."),
        .int(
            "log.segment.bytes", 1_073_741_824, .atLeast(1_048_576), .clusterWide, .acts,
            "Size at which a log's segment is rolled. Default of a topic's `segment.bytes`."),
        .long(
            "log.roll.ms", nil, .atLeast(1), .clusterWide, .acts,
            "Age at which a segment is rolled; outweighs log.roll.hours."),
        .int(
            "log.roll.hours", 168, .atLeast(1), .readOnly, .acts,
            "Age in hours at which a segment is rolled."),
        .long(
            "log.roll.jitter.ms", nil, .atLeast(0), .clusterWide, .acts,
            "The most that is randomly subtracted from the age for rolling; outweighs log.roll.jitter.hours."),
        .int(
            "log.roll.jitter.hours", 0, .atLeast(0), .readOnly, .acts,
            "The most hours that are randomly subtracted from the age for rolling."),
        .long(
            "log.retention.ms", nil, .any, .clusterWide, .acts,
            "How long records are kept; -1 is for ever. Outweighs log.retention.minutes and log.retention.hours."),
        .int(
            "log.retention.minutes", nil, .any, .readOnly, .acts,
            "How many minutes records are kept; outweighs log.retention.hours."),
        .int(
            "log.retention.hours", 168, .any, .readOnly, .acts,
            "How many hours records are kept."),
        .long(
            "log.retention.bytes", -1, .any, .clusterWide, .acts,
            "The size a partition may reach before its oldest segments go; -1 is no limit."),
        .long(
            "log.retention.check.interval.ms", 300_000, .atLeast(1), .readOnly, .acts,
            "How often the logs are searched for segments to delete."),
        .text(
            .list, "log.cleanup.policy", "delete", .itemsOf(["compact", "delete"], mayBeEmpty: true), .clusterWide,
            .acts,
            """
            What happens to old records: `delete`, `compact`, or both; empty keeps everything. Default of the topic \
            key. With `compact` records must have keys.
            """),
        .int(
            "log.index.size.max.bytes", 10_485_760, .atLeast(4), .clusterWide, .acts,
            "The size reserved for an index; the segment is rolled when it is full."),
        .int(
            "log.index.interval.bytes", 4096, .atLeast(0), .clusterWide, .acts,
            "An index entry is added after this many bytes of records."),
        .long(
            "log.flush.interval.messages", .max, .atLeast(1), .clusterWide, .acts,
            "A log is synced after this many records."),
        .long(
            "log.segment.delete.delay.ms", 60_000, .atLeast(0), .clusterWide, .acts,
            "How long a deleted file stays on disk."),
        .long(
            "log.flush.scheduler.interval.ms", .max, .any, .readOnly, .acts,
            """
            How often the logs are searched for one that is due for a sync; also the default of \
            log.flush.interval.ms.
            """),
        .long(
            "log.flush.interval.ms", nil, .any, .clusterWide, .acts,
            "The longest that a record waits for a sync."),
        .int(
            "log.flush.offset.checkpoint.interval.ms", 60_000, .atLeast(0), .readOnly, .acts,
            "How often the recovery points are written down."),
        .int(
            "log.flush.start.offset.checkpoint.interval.ms", 60_000, .atLeast(0), .readOnly, .acts,
            "How often the log start offsets are written down."),
        .boolean(
            "log.preallocate", false, .clusterWide, .acts,
            "Whether a segment's whole file is reserved when it is made."),
        .int(
            "num.recovery.threads.per.data.dir", 2, .atLeast(1), .clusterWide, .acts,
            "How many logs of one directory are opened and recovered at the same time."),
        .boolean(
            "auto.create.topics.enable", true, .readOnly, .acts,
            "Whether asking for a topic's metadata makes the topic."),
        .int(
            "min.insync.replicas", 1, .atLeast(1), .clusterWide, .acts,
            "The replicas that must have a batch with acks=all. Default of the topic key."),
        .text(
            .string, "log.message.timestamp.type", "CreateTime", .oneOf(["CreateTime", "LogAppendTime"]),
            .clusterWide, .acts,
            "Whether records keep the producer's time or get the broker's. Default of the topic key."),
        .long(
            "log.message.timestamp.before.max.ms", .max, .atLeast(0), .clusterWide, .acts,
            "How far a record's time may lie before the broker's."),
        .long(
            "log.message.timestamp.after.max.ms", 3_600_000, .atLeast(0), .clusterWide, .acts,
            "How far a record's time may lie after the broker's."),
        .text(
            .class, "create.topic.policy.class.name", nil, .any, .readOnly, .noEffect,
            "A Java class that vets new topics; this broker loads no Java classes."),
        .text(
            .class, "alter.config.policy.class.name", nil, .any, .readOnly, .noEffect,
            "A Java class that vets changes of configuration; this broker loads no Java classes."),
        .long(
            "log.dir.failure.timeout.ms", 30_000, .atLeast(1), .readOnly, .acts,
            "A broker that cannot report a failed directory to the controller for this long stops."),
        .long(
            "log.initial.task.delay.ms", 30_000, .atLeast(0), .readOnly, .acts, internal: true,
            "How long after the start the periodic work on logs begins."),
    ]
}
