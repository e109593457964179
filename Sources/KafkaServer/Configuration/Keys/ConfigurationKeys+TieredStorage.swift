// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// Tiered storage.
    static let tieredStorage: [ConfigurationDefinition] = [
        .boolean(
            "remote.log.storage.system.enable", false, .readOnly, .later,
            "Whether tiered storage is on."),
        .text(
            .string, "remote.log.storage.manager.impl.prefix", "rsm.config.", .notEmpty, .readOnly, .later,
            "How the keys handed to the remote storage begin."),
        .text(
            .string, "remote.log.metadata.manager.impl.prefix", "rlmm.config.", .notEmpty, .readOnly, .later,
            "How the keys handed to the remote metadata store begin."),
        .text(
            .string, "remote.log.storage.manager.class.name", nil, .notEmpty, .readOnly, .later,
            "The remote storage implementation."),
        .text(
            .string, "remote.log.storage.manager.class.path", nil, .any, .readOnly, .later,
            "Where the remote storage implementation is loaded from."),
        .text(
            .string, "remote.log.metadata.manager.class.name",
            "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager", .notEmpty,
            .readOnly, .later,
            "The remote metadata implementation."),
        .text(
            .string, "remote.log.metadata.manager.class.path", nil, .any, .readOnly, .later,
            "Where the remote metadata implementation is loaded from."),
        .text(
            .string, "remote.log.metadata.manager.listener.name", nil, .notEmpty, .readOnly, .later,
            "The listener over which remote metadata is reached."),
        .int(
            "remote.log.metadata.custom.metadata.max.bytes", 128, .atLeast(0), .readOnly, .later,
            "The most bytes that a remote storage may attach to a segment."),
        .long(
            "remote.log.index.file.cache.total.size.bytes", 1_073_741_824, .atLeast(1), .clusterWide, .later,
            "Disk space for the indexes of remote segments."),
        .long(
            "remote.log.index.file.cache.ttl.ms", 900_000, .atLeast(-1), .readOnly, .later, internal: true,
            "How long an unused index of a remote segment stays on disk; -1 is no limit."),
        .int(
            "remote.log.manager.thread.pool.size", 2, .atLeast(1), .readOnly, .later,
            "Threads that schedule the work of tiered storage."),
        .int(
            "remote.log.manager.copier.thread.pool.size", 10, .atLeast(1), .clusterWide, .later,
            "Threads that copy segments to remote storage."),
        .int(
            "remote.log.manager.expiration.thread.pool.size", 10, .atLeast(1), .clusterWide, .later,
            "Threads that delete remote segments."),
        .int(
            "remote.log.manager.follower.thread.pool.size", 2, .atLeast(1), .clusterWide, .later,
            "Threads that follow remote metadata for follower replicas."),
        .long(
            "remote.log.manager.task.interval.ms", 30_000, .atLeast(1), .readOnly, .later,
            "How often work for tiered storage is looked for."),
        .long(
            "remote.log.manager.task.retry.backoff.ms", 500, .atLeast(1), .readOnly, .later, internal: true,
            "The first pause after a failed piece of work for tiered storage."),
        .long(
            "remote.log.manager.task.retry.backoff.max.ms", 30_000, .atLeast(1), .readOnly, .later, internal: true,
            "The longest pause after failed work for tiered storage."),
        .double(
            "remote.log.manager.task.retry.jitter", 0.2, .fraction(0, 0.5), .readOnly, .later, internal: true,
            "The random part of those pauses, as a fraction."),
        .int(
            "remote.log.reader.threads", 10, .atLeast(1), .clusterWide, .later,
            "Threads that read from remote storage."),
        .int(
            "remote.log.reader.max.pending.tasks", 100, .atLeast(1), .readOnly, .later,
            "The most reads from remote storage that wait."),
        .long(
            "log.local.retention.ms", -2, .atLeast(-2), .clusterWide, .later,
            "How long records stay on local disk when they are also remote; -2 is as long as records are kept."),
        .long(
            "log.local.retention.bytes", -2, .atLeast(-2), .clusterWide, .later,
            "How many bytes stay on local disk when they are also remote; -2 is the retention size."),
        .long(
            "log.remote.copy.lag.ms", 0, .atLeast(-1), .clusterWide, .later,
            "How long a closed segment may wait before it must be copied; -1 is the local retention time."),
        .long(
            "log.remote.copy.lag.bytes", -1, .atLeast(-1), .clusterWide, .later,
            "How many bytes of closed segments may wait before they must be copied; -1 is the local retention size."),
        .long(
            "remote.log.manager.copy.max.bytes.per.second", .max, .atLeast(1), .clusterWide, .later,
            "Bytes a second copied to remote storage."),
        .int(
            "remote.log.manager.copy.quota.window.num", 11, .atLeast(1), .readOnly, .later,
            "Samples that the copy rate is measured over."),
        .int(
            "remote.log.manager.copy.quota.window.size.seconds", 1, .atLeast(1), .readOnly, .later,
            "Length of a sample of the copy rate."),
        .long(
            "remote.log.manager.fetch.max.bytes.per.second", .max, .atLeast(1), .clusterWide, .later,
            "Bytes a second fetched from remote storage."),
        .int(
            "remote.log.manager.fetch.quota.window.num", 11, .atLeast(1), .readOnly, .later,
            "Samples that the fetch rate is measured over."),
        .int(
            "remote.log.manager.fetch.quota.window.size.seconds", 1, .atLeast(1), .readOnly, .later,
            "Length of a sample of the fetch rate."),
        .int(
            "remote.fetch.max.wait.ms", 500, .atLeast(1), .clusterWide, .later,
            "How long a fetch waits for remote storage."),
        .long(
            "remote.list.offsets.request.timeout.ms", 30_000, .atLeast(1), .clusterWide, .later,
            "How long looking up an offset in remote storage may take."),
    ]
}
