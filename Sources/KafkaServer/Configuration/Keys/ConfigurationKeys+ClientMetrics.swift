// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// What a subscription to the metrics of clients can set (KIP-714).
    package static let clientMetricsKeys: [ConfigurationDefinition] = [
        .text(
            .list, "metrics", "", .distinctItems(mayBeEmpty: true), .dynamic, .later,
            "How the names of the metrics begin that clients are asked for; `*` is all."),
        .int(
            "interval.ms", 300_000, .between(100, 3_600_000), .dynamic, .later,
            "How often clients push their metrics."),
        .text(
            .list, "match", "", .distinctItems(mayBeEmpty: true), .dynamic, .later,
            "Which clients are asked, as `property=regular expression`; empty is all."),
    ]
}
