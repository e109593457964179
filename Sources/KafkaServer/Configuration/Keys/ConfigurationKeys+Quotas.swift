// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// Quotas and replication throttles.
    static let quotas: [ConfigurationDefinition] = [
        .int(
            "quota.window.num", 11, .atLeast(1), .readOnly, .acts,
            "Samples that client quotas are measured over."),
        .int(
            "replication.quota.window.num", 11, .atLeast(1), .readOnly, .later,
            "Samples that replication quotas are measured over."),
        .int(
            "alter.log.dirs.replication.quota.window.num", 11, .atLeast(1), .readOnly, .later,
            "Samples that the quota for moves between directories is measured over."),
        .int(
            "controller.quota.window.num", 11, .atLeast(1), .readOnly, .acts,
            "Samples that controller mutation quotas are measured over."),
        .int(
            "quota.window.size.seconds", 1, .atLeast(1), .readOnly, .acts,
            "Length of a sample of client quotas."),
        .int(
            "replication.quota.window.size.seconds", 1, .atLeast(1), .readOnly, .later,
            "Length of a sample of replication quotas."),
        .int(
            "alter.log.dirs.replication.quota.window.size.seconds", 1, .atLeast(1), .readOnly, .later,
            "Length of a sample of the quota for moves between directories."),
        .int(
            "controller.quota.window.size.seconds", 1, .atLeast(1), .readOnly, .acts,
            "Length of a sample of controller mutation quotas."),
        .text(
            .class, "client.quota.callback.class", nil, .any, .readOnly, .noEffect,
            "A Java class that decides quotas; this broker loads no Java classes."),
        .long(
            "leader.replication.throttled.rate", .max, .atLeast(0), .dynamicOnly, .later,
            "Bytes a second that a leader sends to throttled replicas."),
        .long(
            "follower.replication.throttled.rate", .max, .atLeast(0), .dynamicOnly, .later,
            "Bytes a second that a follower fetches for throttled replicas."),
        .long(
            "replica.alter.log.dirs.io.max.bytes.per.second", .max, .atLeast(0), .dynamicOnly, .acts,
            "Bytes a second that moves between log directories may take."),
    ]
}
