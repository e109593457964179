// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// What belongs to no other section.
    static let server: [ConfigurationDefinition] = [
        .int(
            "broker.id", -1, .any, .readOnly, .acts,
            "The node's number under its ZooKeeper-era name; must agree with node.id."),
        .int(
            "message.max.bytes", 1_048_588, .atLeast(0), .clusterWide, .acts,
            "The largest record batch accepted, after compression. Default of a topic's `max.message.bytes`."),
        .int(
            "num.io.threads", 8, .atLeast(1), .clusterWide, .noEffect,
            "Threads that handle requests. Here the threads of num.network.threads do."),
        .int(
            "num.replica.alter.log.dirs.threads", nil, .any, .readOnly, .later,
            "Threads that move replicas between log directories."),
        .int(
            "background.threads", 10, .atLeast(1), .clusterWide, .acts,
            "Threads for blocking work: syncs, recovery, deletes, reads from disk."),
        .int(
            "request.timeout.ms", 30_000, .any, .readOnly, .later,
            """
            How long the broker waits for the answer to its own requests, and for replicas when a request names no \
            limit.
            """),
        .long(
            "socket.connection.setup.timeout.ms", 10_000, .any, .readOnly, .later,
            "How long the broker tries to connect to another node."),
        .long(
            "socket.connection.setup.timeout.max.ms", 30_000, .any, .readOnly, .later,
            "The limit to which the time for connecting grows with repeated failures."),
        .text(
            .list, "config.providers", "", .distinctItems(mayBeEmpty: true), .clusterWide, .later,
            "Sources that values of the form `${provider:path:key}` come from."),
        .text(
            .string, "authorizer.class.name", "", .any, .readOnly, .later,
            "What decides who may do what; empty lets everybody do everything."),
        .text(
            .list, "early.start.listeners", nil, .distinctItems(mayBeEmpty: true), .readOnly, .later,
            "Listeners opened before the authorizer is ready."),
        .text(
            .string, "broker.rack", nil, .any, .readOnly, .acts,
            "The rack or zone of this broker, told to clients and used to spread replicas."),
        .boolean(
            "controlled.shutdown.enable", true, .readOnly, .later,
            "Whether a stopping broker first hands its partitions to others."),
        .boolean(
            "delete.topic.enable", true, .readOnly, .acts,
            "Whether topics can be deleted."),
        .text(
            .string, "compression.type", "producer",
            .oneOf([
                "uncompressed", "zstd", "lz4", "snappy", "gzip",
                "producer",
            ]), .clusterWide, .acts,
            "Codec that batches are stored in; `producer` keeps what the producer chose. Default of the topic key."),
        .int(
            "compression.gzip.level", -1, .betweenOr(1, 9, other: -1), .clusterWide, .acts,
            "Level when batches are recompressed with gzip; -1 is the library's default."),
        .int(
            "compression.lz4.level", 9, .between(1, 17), .clusterWide, .acts,
            "Level when batches are recompressed with lz4."),
        .int(
            "compression.zstd.level", 3, .between(-131_072, 22), .clusterWide, .acts,
            "Level when batches are recompressed with zstd."),
        .int(
            "max.incremental.fetch.session.cache.slots", 1000, .atLeast(0), .readOnly, .acts,
            "How many fetch sessions are kept."),
        .int(
            "fetch.max.bytes", 57_671_680, .atLeast(1024), .readOnly, .acts,
            "The most bytes in the answer to one Fetch, whatever the client allows."),
        .int(
            "max.request.partition.size.limit", 2000, .atLeast(1), .readOnly, .acts,
            "The most partitions in one answer to DescribeTopicPartitions."),
        .boolean(
            "unstable.api.versions.enable", false, .readOnly, .acts, internal: true,
            "Whether API versions that are still in development are offered."),
        .boolean(
            "unstable.feature.versions.enable", false, .readOnly, .later, internal: true,
            "Whether feature levels that are still in development may be set."),
    ]
}
