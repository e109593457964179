// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// The node, its quorum and the metadata log.
    static let quorum: [ConfigurationDefinition] = [
        .text(
            .list, "process.roles", "broker,controller", .itemsOf(["broker", "controller"], mayBeEmpty: false),
            .readOnly, .acts,
            "What this node is: `broker`, `controller` or both. Only both together is supported so far."),
        .int(
            "node.id", 1, .atLeast(0), .readOnly, .acts,
            "The node's number, unique in the cluster; it names the broker and the controller voter."),
        .int(
            "initial.broker.registration.timeout.ms", 60_000, .any, .readOnly, .later,
            "How long a starting broker tries to register with the controller before it gives up."),
        .int(
            "broker.heartbeat.interval.ms", 2000, .any, .readOnly, .later,
            "How often the broker tells the controller that it is alive."),
        .int(
            "broker.session.timeout.ms", 9000, .any, .readOnly, .later,
            "After this long without a heartbeat the controller fences the broker."),
        .text(
            .list, "controller.listener.names", "", .distinctItems(mayBeEmpty: true), .readOnly, .acts,
            "Names of the listeners that serve the controller. A single node needs none."),
        .text(
            .string, "sasl.mechanism.controller.protocol", "GSSAPI", .any, .readOnly, .later,
            "SASL mechanism for connections to controllers."),
        .long(
            "controller.performance.sample.period.ms", 60_000, .atLeast(100), .readOnly, .later, internal: true,
            "How often the controller logs its slowest events."),
        .long(
            "controller.performance.always.log.threshold.ms", 2000, .atLeast(0), .readOnly, .later, internal: true,
            "A controller event that takes at least this long is logged at once."),
        .long(
            "server.max.startup.time.ms", .max, .atLeast(0), .readOnly, .later, internal: true,
            "The start fails when it takes longer than this."),
        .text(
            .list, "controller.quorum.voters", "", .any, .readOnly, .acts,
            "The voters of the quorum, as `id@host:port`. May name this node only."),
        .text(
            .list, "controller.quorum.bootstrap.servers", "", .any, .readOnly, .acts,
            "Where to find the quorum, as `host:port`. May name this node only."),
        .int(
            "controller.quorum.election.timeout.ms", 1000, .atLeast(0), .readOnly, .later,
            "How long a voter waits for votes before it starts another election."),
        .int(
            "controller.quorum.fetch.timeout.ms", 2000, .atLeast(0), .readOnly, .later,
            """
            How long a voter goes without a successful fetch from the leader before it stands for election, and a \
            leader without fetches from a majority before it resigns.
            """),
        .int(
            "controller.quorum.election.backoff.max.ms", 1000, .atLeast(0), .readOnly, .later,
            "The longest random pause between elections that end without a winner."),
        .int(
            "controller.quorum.append.linger.ms", 25, .atLeast(0), .readOnly, .later,
            "How long the leader gathers metadata records before it writes and syncs them as one batch."),
        .int(
            "controller.quorum.request.timeout.ms", 2000, .atLeast(0), .readOnly, .later,
            "How long a quorum request may wait for its answer."),
        .int(
            "controller.quorum.retry.backoff.ms", 20, .atLeast(0), .readOnly, .later,
            "The pause before a failed quorum request is sent again."),
        .boolean(
            "controller.quorum.auto.join.enable", false, .readOnly, .later,
            "Whether a controller that is not a voter asks to become one."),
        .int(
            "controller.quorum.fetch.snapshot.max.bytes", 1_048_576, .atLeast(1), .readOnly, .later,
            "The largest piece of a metadata snapshot sent in one answer."),
        .int(
            "controller.quorum.fetch.max.bytes", 1_048_576, .atLeast(1), .readOnly, .later,
            "The most metadata log bytes sent in one answer."),
        .long(
            "metadata.log.max.record.bytes.between.snapshots", 20_971_520, .atLeast(1), .readOnly, .acts,
            "A new metadata snapshot is due after this many bytes of records."),
        .long(
            "metadata.log.max.snapshot.interval.ms", 3_600_000, .atLeast(0), .readOnly, .acts,
            "A new metadata snapshot is due after this time when there are new records; 0 turns the time limit off."),
        .text(
            .string, "metadata.log.dir", nil, .any, .readOnly, .acts,
            "Directory of the metadata log; without it the first of log.dirs."),
        .int(
            "metadata.log.segment.bytes", 1_073_741_824, .atLeast(8_388_608), .readOnly, .acts,
            "Size at which a segment of the metadata log is rolled."),
        .long(
            "metadata.log.segment.ms", 604_800_000, .any, .readOnly, .acts,
            "Age at which a segment of the metadata log is rolled."),
        .long(
            "metadata.max.retention.bytes", 104_857_600, .any, .readOnly, .acts,
            "Old metadata snapshots go when they and the log exceed this together; the newest stays. -1 keeps all."),
        .long(
            "metadata.max.retention.ms", 604_800_000, .any, .readOnly, .acts,
            "Metadata snapshots older than this go, except for the newest; -1 keeps all."),
        .int(
            "metadata.max.idle.interval.ms", 500, .atLeast(0), .readOnly, .later,
            "How often an idle active controller writes a record without content; 0 is never."),
        .int(
            "internal.metadata.log.segment.bytes", nil, .any, .readOnly, .acts, internal: true,
            "Metadata segment size without the usual lower bound, for tests."),
        .int(
            "internal.metadata.max.batch.size.in.bytes", 8_388_608, .any, .readOnly, .later, internal: true,
            "The largest batch the metadata log accepts, for tests."),
        .long(
            "internal.metadata.delete.delay.millis", 60_000, .any, .readOnly, .later, internal: true,
            "How long a removed metadata file stays on disk, for tests."),
    ]
}
