// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// Groups of all kinds and their coordinators.
    static let groups: [ConfigurationDefinition] = [
        .text(
            .list, "group.coordinator.rebalance.protocols", "classic,consumer,streams",
            .itemsOf(
                [
                    "classic",
                    "consumer", "streams", "share",
                ], mayBeEmpty: false), .readOnly, .acts,
            "The kinds of groups that are served. Of these, `streams` and `share` are not served yet; `classic` always is."
        ),
        .int(
            "group.coordinator.threads", 4, .atLeast(1), .readOnly, .acts,
            "How many group coordinators work side by side."),
        .int(
            "group.coordinator.background.threads", 2, .atLeast(1), .readOnly, .later,
            "Threads for the costly work of groups, such as computing assignments."),
        .int(
            "group.coordinator.append.linger.ms", -1, .atLeast(-1), .readOnly, .acts,
            "How long group records are gathered into one batch; -1 adapts to the load."),
        .int(
            "offsets.commit.timeout.ms", 5000, .atLeast(1), .readOnly, .acts,
            "How long an offset commit waits for the replicas."),
        .int(
            "offsets.load.buffer.size", 5_242_880, .atLeast(1), .readOnly, .acts,
            "Bytes read at a time when a coordinator loads its partition."),
        .short(
            "offsets.topic.replication.factor", 3, .atLeast(1), .readOnly, .acts,
            "Replicas of `__consumer_offsets`; fewer where there are fewer brokers when it is created."),
        .int(
            "offsets.topic.num.partitions", 50, .atLeast(1), .readOnly, .acts,
            "Partitions of `__consumer_offsets`; must not change once the topic exists."),
        .int(
            "offsets.topic.segment.bytes", 104_857_600, .atLeast(1), .readOnly, .acts,
            "Segment size of `__consumer_offsets`."),
        .int(
            "offsets.topic.compression.codec", 0, .between(0, 4), .readOnly, .acts,
            "Codec of `__consumer_offsets`: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."),
        .int(
            "group.coordinator.cached.buffer.max.bytes", 1_048_588, .atLeast(524_288), .clusterWide, .later,
            "The largest write buffer that a group coordinator keeps for reuse."),
        .int(
            "offset.metadata.max.bytes", 4096, .any, .readOnly, .acts,
            "The longest text that may go with a committed offset."),
        .int(
            "offsets.retention.minutes", 10_080, .atLeast(1), .readOnly, .acts,
            "How long offsets of an empty group are kept."),
        .long(
            "offsets.retention.check.interval.ms", 600_000, .atLeast(1), .readOnly, .acts,
            "How often offsets are checked for their age."),
        .int(
            "group.min.session.timeout.ms", 6000, .any, .readOnly, .acts,
            "The shortest session timeout a member may ask for."),
        .int(
            "group.max.session.timeout.ms", 1_800_000, .any, .readOnly, .acts,
            "The longest session timeout a member may ask for."),
        .int(
            "group.initial.rebalance.delay.ms", 3000, .any, .readOnly, .acts,
            "How long a new group waits for more members."),
        .int(
            "group.max.size", Int64(Int32.max), .atLeast(1), .readOnly, .acts,
            "The most members of a classic group."),
        .int(
            "group.consumer.session.timeout.ms", 45_000, .atLeast(1), .readOnly, .acts,
            "A member of a consumer group without a heartbeat for this long is removed."),
        .int(
            "group.consumer.min.session.timeout.ms", 45_000, .atLeast(1), .readOnly, .acts,
            "Lower bound of a group's `consumer.session.timeout.ms`."),
        .int(
            "group.consumer.max.session.timeout.ms", 60_000, .atLeast(1), .readOnly, .acts,
            "Upper bound of a group's `consumer.session.timeout.ms`."),
        .int(
            "group.consumer.heartbeat.interval.ms", 5000, .atLeast(1), .readOnly, .acts,
            "How often members of consumer groups are told to send a heartbeat."),
        .int(
            "group.consumer.min.heartbeat.interval.ms", 5000, .atLeast(1), .readOnly, .acts,
            "Lower bound of a group's `consumer.heartbeat.interval.ms`."),
        .int(
            "group.consumer.max.heartbeat.interval.ms", 15_000, .atLeast(1), .readOnly, .acts,
            "Upper bound of a group's `consumer.heartbeat.interval.ms`."),
        .int(
            "group.consumer.max.size", Int64(Int32.max), .atLeast(1), .readOnly, .acts,
            "The most members of a consumer group."),
        .text(
            .list, "group.consumer.assignors", "uniform,range", .distinctItems(mayBeEmpty: false), .readOnly, .acts,
            "Assignors of consumer groups; the first is the default."),
        .text(
            .string, "group.consumer.migration.policy", "bidirectional",
            .oneOfIgnoringCase([
                "disabled",
                "downgrade", "upgrade", "bidirectional",
            ]), .readOnly, .acts,
            "Which way groups may change between the classic and the consumer protocol."),
        .int(
            "group.consumer.assignment.interval.ms", 1000, .atLeast(0), .clusterWide, .acts,
            "The shortest time between two assignments of a consumer group."),
        .int(
            "group.consumer.min.assignment.interval.ms", 0, .atLeast(0), .readOnly, .acts,
            "Lower bound of a group's `consumer.assignment.interval.ms`."),
        .int(
            "group.consumer.max.assignment.interval.ms", 15_000, .atLeast(0), .readOnly, .acts,
            "Upper bound of a group's `consumer.assignment.interval.ms`."),
        .boolean(
            "group.consumer.assignor.offload.enable", true, .clusterWide, .later, internal: true,
            "Whether assignments of consumer groups are computed in the background."),
        .int(
            "group.consumer.regex.refresh.interval.ms", 600_000, .atLeast(10_000), .readOnly, .acts, internal: true,
            "How often regular expressions of subscriptions are evaluated again."),
        .int(
            "group.share.session.timeout.ms", 45_000, .atLeast(1), .readOnly, .later,
            "A member of a share group without a heartbeat for this long is removed."),
        .int(
            "group.share.min.session.timeout.ms", 45_000, .atLeast(1), .readOnly, .later,
            "Lower bound of a group's `share.session.timeout.ms`."),
        .int(
            "group.share.max.session.timeout.ms", 60_000, .atLeast(1), .readOnly, .later,
            "Upper bound of a group's `share.session.timeout.ms`."),
        .int(
            "group.share.heartbeat.interval.ms", 5000, .atLeast(1), .readOnly, .later,
            "How often members of share groups are told to send a heartbeat."),
        .int(
            "group.share.min.heartbeat.interval.ms", 5000, .atLeast(1), .readOnly, .later,
            "Lower bound of a group's `share.heartbeat.interval.ms`."),
        .int(
            "group.share.max.heartbeat.interval.ms", 15_000, .atLeast(1), .readOnly, .later,
            "Upper bound of a group's `share.heartbeat.interval.ms`."),
        .int(
            "group.share.max.size", 200, .between(1, 1000), .readOnly, .later,
            "The most members of a share group."),
        .text(
            .list, "group.share.assignors", "simple", .distinctItems(mayBeEmpty: false), .readOnly, .later,
            "Assignors of share groups."),
        .int(
            "group.share.assignment.interval.ms", 1000, .atLeast(0), .clusterWide, .later,
            "The shortest time between two assignments of a share group."),
        .int(
            "group.share.min.assignment.interval.ms", 0, .atLeast(0), .readOnly, .later,
            "Lower bound of a group's `share.assignment.interval.ms`."),
        .int(
            "group.share.max.assignment.interval.ms", 15_000, .atLeast(0), .readOnly, .later,
            "Upper bound of a group's `share.assignment.interval.ms`."),
        .boolean(
            "group.share.assignor.offload.enable", true, .clusterWide, .later, internal: true,
            "Whether assignments of share groups are computed in the background."),
        .int(
            "group.share.initialize.retry.interval.ms", 30_000, .atLeast(1), .readOnly, .later, internal: true,
            "The pause before the state of a share partition is set up again after a failure."),
        .boolean(
            "errors.deadletterqueue.auto.create.topics.enable", false, .clusterWide, .later,
            "Whether a missing dead-letter topic is made."),
        .text(
            .string, "errors.deadletterqueue.topic.name.prefix", "dlq.", .any, .clusterWide, .later,
            "How the names of dead-letter topics must begin."),
        .int(
            "group.streams.session.timeout.ms", 45_000, .atLeast(1), .readOnly, .later,
            "A member of a streams group without a heartbeat for this long is removed."),
        .int(
            "group.streams.min.session.timeout.ms", 45_000, .atLeast(1), .readOnly, .later,
            "Lower bound of a group's `streams.session.timeout.ms`."),
        .int(
            "group.streams.max.session.timeout.ms", 60_000, .atLeast(1), .readOnly, .later,
            "Upper bound of a group's `streams.session.timeout.ms`."),
        .int(
            "group.streams.heartbeat.interval.ms", 5000, .atLeast(1), .readOnly, .later,
            "How often members of streams groups are told to send a heartbeat."),
        .int(
            "group.streams.min.heartbeat.interval.ms", 5000, .atLeast(1), .readOnly, .later,
            "Lower bound of a group's `streams.heartbeat.interval.ms`."),
        .int(
            "group.streams.max.heartbeat.interval.ms", 15_000, .atLeast(1), .readOnly, .later,
            "Upper bound of a group's `streams.heartbeat.interval.ms`."),
        .int(
            "group.streams.max.size", Int64(Int32.max), .atLeast(1), .readOnly, .later,
            "The most members of a streams group."),
        .int(
            "group.streams.num.standby.replicas", 0, .atLeast(0), .readOnly, .later,
            "Standby copies of each stateful task."),
        .int(
            "group.streams.max.standby.replicas", 2, .atLeast(0), .readOnly, .later,
            "Upper bound of a group's `streams.num.standby.replicas`."),
        .int(
            "group.streams.initial.rebalance.delay.ms", 3000, .atLeast(0), .readOnly, .later,
            "How long a new streams group waits for more members."),
        .int(
            "group.streams.assignment.interval.ms", 1000, .atLeast(0), .clusterWide, .later,
            "The shortest time between two assignments of a streams group."),
        .int(
            "group.streams.min.assignment.interval.ms", 0, .atLeast(0), .readOnly, .later,
            "Lower bound of a group's `streams.assignment.interval.ms`."),
        .int(
            "group.streams.max.assignment.interval.ms", 15_000, .atLeast(0), .readOnly, .later,
            "Upper bound of a group's `streams.assignment.interval.ms`."),
        .text(
            .list, "group.streams.assignors", "sticky", .distinctItems(mayBeEmpty: false), .readOnly, .later,
            "Assignors of streams groups; the first is the default."),
        .boolean(
            "group.streams.assignor.offload.enable", true, .clusterWide, .later, internal: true,
            "Whether assignments of streams groups are computed in the background."),
        .int(
            "group.streams.task.offset.interval.ms", 60_000, .atLeast(1), .readOnly, .later, internal: true,
            "How often members of streams groups report how far their tasks have come."),
        .int(
            "group.streams.min.task.offset.interval.ms", 15_000, .atLeast(1), .readOnly, .later, internal: true,
            "Lower bound of a group's `streams.task.offset.interval.ms`."),
        .int(
            "group.streams.num.warmup.replicas", 2, .atLeast(0), .readOnly, .later, internal: true,
            "Copies of tasks that may warm up at the same time."),
        .int(
            "group.streams.max.warmup.replicas", 20, .atLeast(0), .readOnly, .later, internal: true,
            "Upper bound of a group's `streams.num.warmup.replicas`."),
        .text(
            .list, "group.streams.rack.aware.assignment.tags", "", .distinctItems(mayBeEmpty: true), .readOnly, .later,
            "Client tags over which standby copies are spread."),
        .text(
            .class, "group.streams.topology.description.plugin.class", nil, .any, .readOnly, .noEffect,
            "A Java class that receives topology descriptions; this broker loads no Java classes."),
        .long(
            "group.streams.acceptable.recovery.lag", 10_000, .atLeast(0), .readOnly, .later, internal: true,
            "The lag at which a copy of a task counts as caught up."),
        .int(
            "group.share.delivery.count.limit", 5, .between(2, 10), .readOnly, .later,
            "How often a record is handed out before it is archived."),
        .int(
            "group.share.max.delivery.count.limit", 10, .between(5, 25), .readOnly, .later,
            "Upper bound of a group's `share.delivery.count.limit`."),
        .int(
            "group.share.min.delivery.count.limit", 2, .between(2, 5), .readOnly, .later,
            "Lower bound of a group's `share.delivery.count.limit`."),
        .int(
            "group.share.record.lock.duration.ms", 30_000, .between(1000, 3_600_000), .readOnly, .later,
            "How long a consumer of a share group holds a record."),
        .int(
            "group.share.min.record.lock.duration.ms", 15_000, .between(1000, 30_000), .readOnly, .later,
            "Lower bound of a group's `share.record.lock.duration.ms`."),
        .int(
            "group.share.max.record.lock.duration.ms", 60_000, .between(30_000, 3_600_000), .readOnly, .later,
            "Upper bound of a group's `share.record.lock.duration.ms`."),
        .int(
            "group.share.partition.max.record.locks", 2000, .between(100, 10_000), .readOnly, .later,
            "The most records of a share partition that are held at the same time."),
        .int(
            "group.share.max.partition.max.record.locks", 4000, .between(2000, 10_000), .readOnly, .later,
            "Upper bound of a group's `share.partition.max.record.locks`."),
        .int(
            "group.share.min.partition.max.record.locks", 100, .between(100, 2000), .readOnly, .later,
            "Lower bound of a group's `share.partition.max.record.locks`."),
        .int(
            "share.fetch.purgatory.purge.interval.requests", 1000, .any, .readOnly, .noEffect,
            "Housekeeping of Apache Kafka's waiting share fetches; here finished ones leave at once."),
        .int(
            "group.share.max.share.sessions", 2000, .atLeast(1), .readOnly, .later,
            "The most share sessions of this broker."),
        .text(
            .string, "group.share.persister.class.name",
            "org.apache.kafka.server.share.persister.DefaultStatePersister", .any, .readOnly, .noEffect, internal: true,
            "The Java class that keeps the state of share groups; this broker loads no Java classes."),
        .text(
            .string, "group.share.dlq.manager.class.name",
            "org.apache.kafka.server.share.dlq.DefaultShareGroupDLQManager", .any, .readOnly, .noEffect, internal: true,
            "The Java class that writes dead letters; this broker loads no Java classes."),
        .int(
            "share.coordinator.state.topic.num.partitions", 50, .atLeast(1), .readOnly, .later,
            "Partitions of `__share_group_state`; must not change once the topic exists."),
        .short(
            "share.coordinator.state.topic.replication.factor", 3, .atLeast(1), .readOnly, .later,
            "Replicas of `__share_group_state`."),
        .short(
            "share.coordinator.state.topic.min.isr", 2, .atLeast(1), .readOnly, .later,
            "`min.insync.replicas` of `__share_group_state`."),
        .int(
            "share.coordinator.state.topic.segment.bytes", 104_857_600, .atLeast(1), .readOnly, .later,
            "Segment size of `__share_group_state`."),
        .int(
            "share.coordinator.threads", 1, .atLeast(1), .readOnly, .later,
            "How many share coordinators work side by side."),
        .int(
            "share.coordinator.snapshot.update.records.per.snapshot", 500, .between(0, 500), .readOnly, .later,
            "Updates of a share partition's state between two snapshots of it."),
        .int(
            "share.coordinator.load.buffer.size", 5_242_880, .atLeast(1), .readOnly, .later,
            "Bytes read at a time when a share coordinator loads its partition."),
        .int(
            "share.coordinator.state.topic.compression.codec", 0, .between(0, 4), .readOnly, .later,
            "Codec of `__share_group_state`: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."),
        .int(
            "share.coordinator.append.linger.ms", -1, .atLeast(-1), .readOnly, .later,
            "How long share state records are gathered into one batch; -1 adapts to the load."),
        .int(
            "share.coordinator.write.timeout.ms", 5000, .atLeast(1), .readOnly, .later,
            "How long a write of share state waits for the replicas."),
        .int(
            "share.coordinator.state.topic.prune.interval.ms", 300_000, .atLeast(1), .readOnly, .later, internal: true,
            "How often outdated records of `__share_group_state` are deleted."),
        .int(
            "share.coordinator.cold.partition.snapshot.interval.ms", 300_000, .atLeast(1), .readOnly, .later,
            internal: true,
            "How often a snapshot is written for share partitions without updates."),
        .int(
            "share.coordinator.cached.buffer.max.bytes", 1_048_588, .atLeast(524_288), .clusterWide, .later,
            "The largest write buffer that a share coordinator keeps for reuse."),
    ]
}
