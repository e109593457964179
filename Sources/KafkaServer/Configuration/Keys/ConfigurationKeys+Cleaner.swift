// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// Compaction.
    static let cleaner: [ConfigurationDefinition] = [
        .int(
            "log.cleaner.threads", 1, .atLeast(0), .clusterWide, .acts,
            "How many threads compact logs; 0 is none."),
        .double(
            "log.cleaner.io.max.bytes.per.second", Double.greatestFiniteMagnitude, .any, .clusterWide, .acts,
            "The most bytes a second that compaction reads and writes together."),
        .long(
            "log.cleaner.dedupe.buffer.size", 134_217_728, .any, .clusterWide, .acts,
            "Memory for the keys of the logs being compacted, over all threads."),
        .int(
            "log.cleaner.io.buffer.size", 524_288, .atLeast(0), .clusterWide, .acts,
            "Memory for reading and writing during compaction, over all threads."),
        .double(
            "log.cleaner.io.buffer.load.factor", 0.9, .any, .clusterWide, .acts,
            "How full the table of keys may get, as a fraction."),
        .long(
            "log.cleaner.backoff.ms", 15_000, .atLeast(0), .clusterWide, .acts,
            "How long the cleaner rests when there is nothing to compact."),
        .double(
            "log.cleaner.min.cleanable.ratio", 0.5, .fraction(0, 1), .clusterWide, .acts,
            """
            The part of a log that must be uncompacted before it is compacted. Default of a topic's \
            `min.cleanable.dirty.ratio`.
            """),
        .boolean(
            "log.cleaner.enable", true, .readOnly, .acts,
            "Whether logs are compacted."),
        .long(
            "log.cleaner.delete.retention.ms", 86_400_000, .atLeast(0), .clusterWide, .acts,
            "How long deletion markers outlive compaction. Default of a topic's `delete.retention.ms`."),
        .long(
            "log.cleaner.min.compaction.lag.ms", 0, .atLeast(0), .clusterWide, .acts,
            "How long a record is safe from compaction. Default of the topic key."),
        .long(
            "log.cleaner.max.compaction.lag.ms", .max, .atLeast(1), .clusterWide, .acts,
            "The longest a record waits for compaction. Default of the topic key."),
    ]
}
