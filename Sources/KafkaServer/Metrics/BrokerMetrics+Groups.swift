// SPDX-License-Identifier: Apache-2.0
internal import KafkaCoordination
internal import KafkaReplication
internal import KafkaStorage
internal import Synchronization

extension BrokerMetrics {
    /// What the group coordinators have done.
    func collectGroupCounters(_ statistics: GroupStatistics, into snapshot: inout MetricSnapshot) {
        snapshot.add(MetricCatalog.offsetCommits, statistics.committedOffsets.load(ordering: .relaxed))
        snapshot.add(MetricCatalog.offsetExpirations, statistics.expiredOffsets.load(ordering: .relaxed))
        snapshot.add(MetricCatalog.offsetDeletions, statistics.deletedOffsets.load(ordering: .relaxed))
        snapshot.add(MetricCatalog.completedRebalances, statistics.completedRebalances.load(ordering: .relaxed))
        snapshot.add(MetricCatalog.consumerRebalances, statistics.consumerRebalances.load(ordering: .relaxed))
        let loads = statistics.loadTimes
        snapshot.add(
            MetricCatalog.partitionLoadTime,
            [
                MetricSample(
                    labels: [], value: .distribution(.init(count: loads.count, sum: Double(loads.sum), buckets: [])))
            ])
        snapshot.add(MetricCatalog.partitionLoadTimeMax, loads.longest)
    }

    /// How the groups stand.
    func collectGroups(_ reports: [GroupShardReport], _ replicas: ReplicaManager, into snapshot: inout MetricSnapshot) {
        snapshot.add(
            MetricCatalog.coordinatorPartitions,
            GroupShardReport.State.allCases.map { state in
                Self.sample(state.rawValue, reports.count { $0.state == state })
            })
        let shards = reports.compactMap(\.snapshot)
        collectGroupStates(shards.flatMap(\.groups), into: &snapshot)
        let offsets = shards.reduce(0) { $0 + $1.offsetCount }
        snapshot.add(MetricCatalog.offsetCount, offsets)
        snapshot.add(MetricCatalog.numOffsets, offsets)
        collectLag(shards, replicas, into: &snapshot)
    }

    private func collectGroupStates(_ groups: [GroupShardSnapshot.Group], into snapshot: inout MetricSnapshot) {
        var counts: [String: [String: Int]] = [:]
        for group in groups { counts[group.protocolName, default: [:]][group.stateName, default: 0] += 1 }
        let classic = counts[ClassicGroup.typeName] ?? [:]
        let consumer = counts[ConsumerGroup.typeName] ?? [:]
        func all(_ states: [String: Int]) -> Int { states.values.reduce(0, +) }
        snapshot.add(
            MetricCatalog.groupCount,
            [Self.sample(ClassicGroup.typeName, all(classic)), Self.sample(ConsumerGroup.typeName, all(consumer))])
        snapshot.add(
            MetricCatalog.classicGroupCount,
            ClassicGroup.State.allCases.map { Self.sample($0.rawValue, classic[$0.rawValue] ?? 0) })
        snapshot.add(
            MetricCatalog.consumerGroupCount,
            ConsumerGroup.State.allCases.map { Self.sample($0.rawValue, consumer[$0.rawValue] ?? 0) })
        snapshot.add(MetricCatalog.numGroups, all(classic))
        for (state, metric) in MetricCatalog.numGroupsByState { snapshot.add(metric, classic[state] ?? 0) }
        snapshot.add(
            MetricCatalog.groupMembers,
            groups.sorted { $0.groupID < $1.groupID }.prefix(limits.groupOffsetsMax).map {
                Self.sample($0.groupID, $0.memberCount)
            })
    }

    private static func sample(_ label: String, _ value: Int) -> MetricSample {
        MetricSample(labels: [label], value: .integer(Int64(value)))
    }

    /// How far the groups are behind. A partition that this broker has no log of has a position only.
    private func collectLag(
        _ shards: [GroupShardSnapshot], _ replicas: ReplicaManager, into snapshot: inout MetricSnapshot
    ) {
        let groups = shards.enumerated().flatMap { place, shard in
            shard.groupsWithOffsets.map { (name: $0, shard: place) }
        }
        var lags: [MetricSample] = []
        var offsets: [MetricSample] = []
        for group in groups.sorted(by: { $0.name < $1.name }) {
            guard offsets.count < limits.groupOffsetsMax else { break }
            let positions = shards[group.shard].positions(ofGroup: group.name)
            for position in positions.prefix(limits.groupOffsetsMax - offsets.count) {
                let labels = [group.name, position.topic, "\(position.partition)"]
                offsets.append(MetricSample(labels: labels, value: .integer(position.offset)))
                guard let log = replicas.topic(name: position.topic)?.partition(position.partition)?.log else {
                    continue
                }
                // A group may have committed anything, and a log may have lost its end.
                let (lag, overflow) = log.highWatermark.subtractingReportingOverflow(position.offset)
                lags.append(MetricSample(labels: labels, value: .integer(overflow ? .max : max(0, lag))))
            }
        }
        snapshot.add(MetricCatalog.groupLag, lags)
        snapshot.add(MetricCatalog.groupOffset, offsets)
    }
}
