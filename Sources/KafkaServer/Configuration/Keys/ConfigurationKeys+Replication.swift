// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// Replication and leadership.
    static let replication: [ConfigurationDefinition] = [
        .int(
            "controller.socket.timeout.ms", 30_000, .any, .readOnly, .later,
            "How long the broker waits for the controller's answer."),
        .int(
            "default.replication.factor", 1, .any, .readOnly, .acts,
            "Replicas of a topic that is made without a count."),
        .long(
            "replica.lag.time.max.ms", 30_000, .any, .readOnly, .later,
            "A follower that has not caught up for this long leaves the in-sync replicas."),
        .int(
            "replica.socket.timeout.ms", 30_000, .any, .readOnly, .later,
            "How long a follower waits for the leader's answer."),
        .int(
            "replica.socket.receive.buffer.bytes", 65_536, .any, .readOnly, .later,
            "SO_RCVBUF of a follower's socket in bytes."),
        .int(
            "replica.fetch.max.bytes", 1_048_576, .atLeast(0), .readOnly, .later,
            "Bytes that a follower asks for per partition."),
        .int(
            "replica.fetch.wait.max.ms", 500, .any, .readOnly, .later,
            "How long a leader may hold a follower's fetch when there is nothing new."),
        .int(
            "replica.fetch.backoff.ms", 1000, .atLeast(0), .readOnly, .later,
            "How long a follower pauses after a failed fetch."),
        .int(
            "replica.fetch.min.bytes", 1, .any, .readOnly, .later,
            "Bytes that a leader waits for before it answers a follower."),
        .int(
            "replica.fetch.response.max.bytes", 10_485_760, .atLeast(0), .readOnly, .later,
            "Bytes that a follower asks for in one fetch."),
        .int(
            "num.replica.fetchers", 1, .atLeast(1), .clusterWide, .later,
            "How many connections a follower fetches with from each leader."),
        .long(
            "replica.high.watermark.checkpoint.interval.ms", 5000, .any, .readOnly, .acts,
            "How often the high watermarks are written down."),
        .int(
            "fetch.purgatory.purge.interval.requests", 1000, .any, .readOnly, .noEffect,
            "Housekeeping of Apache Kafka's waiting fetches; here finished ones leave at once."),
        .int(
            "producer.purgatory.purge.interval.requests", 1000, .any, .readOnly, .noEffect,
            "Housekeeping of Apache Kafka's waiting produces; here finished ones leave at once."),
        .int(
            "delete.records.purgatory.purge.interval.requests", 1, .any, .readOnly, .noEffect,
            "Housekeeping of Apache Kafka's waiting deletions; here finished ones leave at once."),
        .boolean(
            "auto.leader.rebalance.enable", true, .readOnly, .later,
            "Whether leadership moves back to preferred replicas by itself."),
        .long(
            "leader.imbalance.check.interval.seconds", 300, .atLeast(1), .readOnly, .later,
            "How often the controller looks for leaders to move back."),
        .long(
            "unclean.leader.election.interval.ms", 300_000, .atLeast(1), .readOnly, .later, internal: true,
            "How often the controller looks for partitions that may elect a replica that is not in sync."),
        .boolean(
            "unclean.leader.election.enable", false, .clusterWide, .later,
            """
            Whether a replica that is not in sync may become leader, at the price of lost records. Default of the \
            topic key.
            """),
        .text(
            .string, "security.inter.broker.protocol", "PLAINTEXT",
            .oneOf([
                "PLAINTEXT", "SSL", "SASL_PLAINTEXT",
                "SASL_SSL",
            ]), .readOnly, .later,
            "Security protocol between brokers, when inter.broker.listener.name is not set."),
        .text(
            .string, "inter.broker.listener.name", nil, .any, .readOnly, .acts,
            "The listener that brokers use among themselves."),
        .text(
            .string, "replica.selector.class", nil, .any, .readOnly, .later,
            "What chooses the replica that a consumer reads from."),
        .boolean(
            "follower.fetch.last.tiered.offset.enable", false, .clusterWide, .later,
            "Whether a new follower starts behind what is in tiered storage."),
    ]
}
