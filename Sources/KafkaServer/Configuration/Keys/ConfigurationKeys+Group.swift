// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// What a group can set for itself.
    package static let groupKeys: [ConfigurationDefinition] = [
        .int(
            "consumer.session.timeout.ms", 45_000, .atLeast(1), .dynamic, .acts,
            "A member of a consumer group without a heartbeat for this long is removed."),
        .int(
            "consumer.heartbeat.interval.ms", 5000, .atLeast(1), .dynamic, .acts,
            "How often members are told to send a heartbeat."),
        .int(
            "consumer.assignment.interval.ms", 1000, .atLeast(0), .dynamic, .acts,
            "The shortest time between two assignments."),
        .boolean(
            "consumer.assignor.offload.enable", true, .dynamic, .later,
            "Whether assignments are computed in the background."),
        .int(
            "share.session.timeout.ms", 45_000, .atLeast(1), .dynamic, .later,
            "A member of a share group without a heartbeat for this long is removed."),
        .int(
            "share.heartbeat.interval.ms", 5000, .atLeast(1), .dynamic, .later,
            "How often members are told to send a heartbeat."),
        .int(
            "share.record.lock.duration.ms", 30_000, .atLeast(1000), .dynamic, .later,
            "How long a consumer holds a record."),
        .int(
            "share.delivery.count.limit", 5, .atLeast(2), .dynamic, .later,
            "How often a record is handed out before it is archived."),
        .int(
            "share.partition.max.record.locks", 2000, .atLeast(100), .dynamic, .later,
            "The most records of a share partition that are held at the same time."),
        .text(
            .string, "share.auto.offset.reset", "latest", .any, .dynamic, .later,
            "Where a share group starts: `earliest`, `latest` or `by_duration:` with an ISO-8601 duration."),
        .text(
            .string, "share.isolation.level", "read_uncommitted", .oneOf(["read_committed", "read_uncommitted"]),
            .dynamic, .later,
            "Whether records of open and aborted transactions are handed out."),
        .boolean(
            "share.renew.acknowledge.enable", true, .dynamic, .later,
            "Whether consumers may hold records for longer by renewing them."),
        .int(
            "share.assignment.interval.ms", 1000, .atLeast(0), .dynamic, .later,
            "The shortest time between two assignments."),
        .boolean(
            "share.assignor.offload.enable", true, .dynamic, .later,
            "Whether assignments are computed in the background."),
        .int(
            "streams.session.timeout.ms", 45_000, .atLeast(1), .dynamic, .later,
            "A member of a streams group without a heartbeat for this long is removed."),
        .int(
            "streams.heartbeat.interval.ms", 5000, .atLeast(1), .dynamic, .later,
            "How often members are told to send a heartbeat."),
        .int(
            "streams.num.standby.replicas", 0, .atLeast(0), .dynamic, .later,
            "Standby copies of each stateful task."),
        .int(
            "streams.initial.rebalance.delay.ms", 3000, .atLeast(0), .dynamic, .later,
            "How long a new streams group waits for more members."),
        .int(
            "streams.assignment.interval.ms", 1000, .atLeast(0), .dynamic, .later,
            "The shortest time between two assignments."),
        .boolean(
            "streams.assignor.offload.enable", true, .dynamic, .later,
            "Whether assignments are computed in the background."),
        .int(
            "streams.task.offset.interval.ms", 60_000, .atLeast(1), .dynamic, .later,
            "How often members report how far their tasks have come."),
        .int(
            "streams.num.warmup.replicas", 2, .atLeast(0), .dynamic, .later,
            "Copies of tasks that may warm up at the same time."),
        .text(
            .list, "streams.rack.aware.assignment.tags", "", .distinctItems(mayBeEmpty: true), .dynamic, .later,
            "Client tags over which standby copies are spread."),
        .long(
            "streams.acceptable.recovery.lag", 10_000, .atLeast(0), .dynamic, .later,
            "The lag at which a copy of a task counts as caught up."),
        .text(
            .string, "streams.assignor.name", nil, .any, .dynamic, .later,
            "The assignor; without it the broker's first."),
        .text(
            .string, "errors.deadletterqueue.topic.name", "", .any, .dynamic, .later,
            "Topic that a share group's archived records go to; empty is none."),
        .boolean(
            "errors.deadletterqueue.copy.record.enable", false, .dynamic, .later,
            "Whether dead letters carry the whole record."),
    ]
}
