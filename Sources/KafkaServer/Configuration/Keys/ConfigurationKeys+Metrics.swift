// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// Metrics.
    static let metrics: [ConfigurationDefinition] = [
        .int(
            "metrics.num.samples", 2, .atLeast(1), .readOnly, .noEffect,
            "Samples of Apache Kafka's Java metrics."),
        .long(
            "metrics.sample.window.ms", 30_000, .atLeast(1), .readOnly, .noEffect,
            "Length of a sample of Apache Kafka's Java metrics."),
        .text(
            .list, "metric.reporters", "org.apache.kafka.common.metrics.JmxReporter",
            .distinctItems(mayBeEmpty: true), .clusterWide, .noEffect,
            "Java classes that publish metrics; this broker loads no Java classes."),
        .text(
            .string, "metrics.recording.level", "INFO", .any, .readOnly, .noEffect,
            "How much Apache Kafka's Java metrics record."),
        .text(
            .list, "kafka.metrics.reporters", "", .distinctItems(mayBeEmpty: true), .readOnly, .noEffect,
            "Java classes that publish metrics; this broker loads no Java classes."),
        .int(
            "kafka.metrics.polling.interval.secs", 10, .atLeast(1), .readOnly, .noEffect,
            "How often those Java classes are run."),
        .int(
            "telemetry.max.bytes", 1_048_576, .atLeast(1), .readOnly, .later,
            "The largest batch of metrics a client may push."),
    ]
}
