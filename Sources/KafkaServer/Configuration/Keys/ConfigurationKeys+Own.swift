// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// Keys that Apache Kafka does not have.
    static let own: [ConfigurationDefinition] = [
        .boolean(
            "auto.format", true, .readOnly, .acts,
            "Whether empty log directories are set up at start. Otherwise `swiftkafka storage format` has to do it."),
        .boolean(
            "log.verify.on.read", false, .readOnly, .acts,
            """
            Whether every batch is checked before it is sent to a consumer or follower; damage is answered with \
            CORRUPT_MESSAGE and logged with its place. Recovery and compaction always check.
            """),
        .int(
            "log.write.padding.bytes", -1, .between(-1, 65_536), .readOnly, .acts,
            """
            Writes to a busy log go on with zeros up to a multiple of so many bytes, which the next writes replace; 0: \
            none, −1: 65536 on Linux 6.16 and later, 0 elsewhere (docs/decisions/0026-padding.md).
            """),
        .int(
            "log.write.piece.bytes", 98_304, .between(4096, 16_777_216), .readOnly, .acts,
            "The most bytes that one write call puts into a log; longer batches are written in pieces."),
        .text(
            .string, "metrics.listener", nil, .any, .readOnly, .acts,
            """
            Where metrics and health are served over HTTP (docs/metrics.md), for example `http://127.0.0.1:9404`; without \
            it nothing is measured. There is no authentication.
            """),
        .int(
            "metrics.topics.max", 1_000, .between(0, 1_000_000), .readOnly, .acts,
            "How many topics have metrics of their own, in the order of their names."),
        .int(
            "metrics.partitions.max", 10_000, .between(0, 1_000_000), .readOnly, .acts,
            "How many partitions have metrics of their own, in the order of their topics' names."),
        .int(
            "metrics.group.offsets.max", 20_000, .between(0, 1_000_000), .readOnly, .acts,
            "How many committed offsets have metrics of their own (offset and lag), in the order of their groups' names."
        ),
        .text(
            .string, "log.format", "text", .oneOf(["text", "json"]), .readOnly, .acts,
            "How the server's own log lines look: for people, or one JSON object a line."),
        .text(
            .string, "log.level", "info", .oneOf(LogLevel.names), .readOnly, .acts,
            """
            From which severity on the server's own log lines are written. `log.level.<component>` sets it for one \
            component, for example `log.level.storage=debug`.
            """),
    ]
}
