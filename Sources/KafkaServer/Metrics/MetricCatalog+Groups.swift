// SPDX-License-Identifier: Apache-2.0
internal import KafkaCoordination

extension MetricCatalog {
    // MARK: Groups

    /// Named as kafka_exporter names it; Apache Kafka leaves it to its clients and to such programs.
    static let groupLag = Metric(
        "kafka_consumergroup_lag", .gauge, "records", ["consumergroup", "topic", "partition"],
        "Offsets between the position that a group has committed and the partition's high watermark.")
    static let groupOffset = Metric(
        "kafka_consumergroup_current_offset", .gauge, "offset", ["consumergroup", "topic", "partition"],
        "The position that a group has committed.")
    static let groupMembers = Metric(
        "kafka_consumergroup_members", .gauge, "members", ["consumergroup"], "Members of a group.")

    static let groupCount = coordinator(
        "group_count", .gauge, "groups", ["protocol"], "Groups by the protocol of their members.")
    static let classicGroupCount = coordinator(
        "classic_group_count", .gauge, "groups", ["state"], "Groups of the classic protocol by state.")
    static let consumerGroupCount = coordinator(
        "consumer_group_count", .gauge, "groups", ["state"], "Groups of the consumer protocol (KIP-848) by state.")
    static let offsetCount = coordinator("offset_count", .gauge, "offsets", [], "Committed offsets that are kept.")
    static let offsetCommits = coordinator(
        "offset_commit_count_total", .counter, "offsets", [], "Offsets that were committed.")
    static let offsetExpirations = coordinator(
        "offset_expiration_count_total", .counter, "offsets", [],
        "Offsets that went because nobody had used them for offsets.retention.minutes.")
    static let offsetDeletions = coordinator(
        "offset_deletion_count_total", .counter, "offsets", [],
        "Offsets that were deleted by request, or along with their group or topic.")
    static let completedRebalances = coordinator(
        "group_completed_rebalance_count_total", .counter, "rebalances", [],
        "Rebalances of classic groups that have come to assignments.")
    static let consumerRebalances = coordinator(
        "consumer_group_rebalance_count_total", .counter, "rebalances", [],
        "Rebalances of groups of the consumer protocol: new group epochs.")
    static let coordinatorPartitions = coordinator(
        "num_partitions", .gauge, "partitions", ["state"],
        "Partitions of __consumer_offsets led here, by the state of their coordinator.")
    static let partitionLoadTime = coordinator(
        "partition_load_time", .summary, "ms", [], "Reading a partition of __consumer_offsets that has records.")
    static let partitionLoadTimeMax = coordinator(
        "partition_load_time_max", .gauge, "ms", [], "The longest of these times since the start.")

    private static func coordinator(
        _ name: String, _ kind: Metric.Kind, _ unit: String, _ labels: [String], _ help: String
    ) -> Metric {
        Metric("kafka_server_group_coordinator_metrics_\(name)", kind, unit, labels, help)
    }

    /// The names of these before Kafka 4, which dashboards know.
    static let numGroups = groupManager("numgroups", "groups", "Groups of the classic protocol.")
    static let numOffsets = groupManager("numoffsets", "offsets", "Committed offsets that are kept.")
    static let numGroupsByState: [(state: String, metric: Metric)] = ClassicGroup.State.allCases.map { state in
        (
            state.rawValue,
            groupManager(
                "numgroups\(state.rawValue.lowercased())", "groups",
                "Groups of the classic protocol in the state \(state.rawValue).")
        )
    }

    private static func groupManager(_ name: String, _ unit: String, _ help: String) -> Metric {
        Metric("kafka_coordinator_group_groupmetadatamanager_\(name)", .gauge, unit, help)
    }

    static let groupMetrics =
        [
            groupLag, groupOffset, groupMembers, groupCount, classicGroupCount, consumerGroupCount, offsetCount,
            offsetCommits, offsetExpirations, offsetDeletions, completedRebalances, consumerRebalances,
            coordinatorPartitions, partitionLoadTime, partitionLoadTimeMax, numGroups, numOffsets,
        ] + numGroupsByState.map(\.metric)
}
