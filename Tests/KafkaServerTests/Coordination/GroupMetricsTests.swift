// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaCoordination
import KafkaProtocol
import KafkaRuntime
import KafkaSimulator
import Testing

@testable import KafkaServer

/// How groups stand, in the metrics.
@Suite struct GroupMetricsTests {
    private func makeBroker(_ settings: [String: String] = [:]) throws -> TestBroker {
        let broker = try TestBroker(settings, measurement: Measurement())
        try broker.createTopic("t", partitions: 2)
        try broker.findCoordinator()
        return broker
    }

    private func values(_ metric: Metric, _ broker: TestBroker) throws -> [[String]: Int64] {
        let family = try broker.metrics().families.first { $0.metric == metric }
        return Dictionary(
            (family?.samples ?? []).map { sample in
                switch sample.value {
                case .integer(let value): (sample.labels, value)
                case .real(let value): (sample.labels, Int64(value))
                case .distribution(let distribution): (sample.labels, distribution.count)
                }
            }
        ) { first, _ in first }
    }

    private func value(_ metric: Metric, _ labels: [String], _ broker: TestBroker) throws -> Int64? {
        try values(metric, broker)[labels]
    }

    private func commit(_ offset: Int64, _ group: String, partition: Int32 = 0, _ broker: TestBroker) throws {
        let response = try broker.call(Requests.commit(offset, group: group, partition: partition), version: 9)
        #expect(response.topics.first?.partitions.first?.errorCode == 0)
    }

    // MARK: Lag

    @Test func `lag is the end of the partition without what was committed`() throws {
        let broker = try makeBroker()
        #expect(try values(MetricCatalog.groupLag, broker) == [:])
        for _ in 0..<3 { try broker.produce(["1", "2", "3"], to: "t") }
        try commit(2, "g", broker)
        #expect(try values(MetricCatalog.groupLag, broker) == [["g", "t", "0"]: 7])
        #expect(try values(MetricCatalog.groupOffset, broker) == [["g", "t", "0"]: 2])
        try commit(9, "g", broker)
        #expect(try values(MetricCatalog.groupLag, broker) == [["g", "t", "0"]: 0])
        try broker.produce(["4"], to: "t")
        try commit(0, "g", partition: 1, broker)
        try commit(1, "h", broker)
        let lags: [[String]: Int64] = [["g", "t", "0"]: 1, ["g", "t", "1"]: 0, ["h", "t", "0"]: 9]
        #expect(try values(MetricCatalog.groupLag, broker) == lags)
        #expect(try value(MetricCatalog.offsetCount, [], broker) == 3)
        #expect(try value(MetricCatalog.numOffsets, [], broker) == 3)
        try broker.restart()
        #expect(try broker.committed() == 9)
        #expect(try values(MetricCatalog.groupLag, broker) == lags)
    }

    @Test(arguments: [(Int64(50), Int64(0)), (.max, 0), (0, 3)])
    func `whatever a group commits, its lag is a number`(offset: Int64, lag: Int64) throws {
        let broker = try makeBroker()
        try broker.produce(["1", "2", "3"], to: "t")
        try commit(offset, "g", broker)
        #expect(try value(MetricCatalog.groupLag, ["g", "t", "0"], broker) == lag)
    }

    @Test func `a topic that is deleted takes its lag along`() throws {
        let broker = try makeBroker()
        try broker.createTopic("u")
        try commit(1, "g", broker)
        #expect(try broker.call(Requests.commit(1, topic: "u"), version: 9).topics[0].partitions[0].errorCode == 0)
        #expect(try values(MetricCatalog.groupLag, broker).count == 2)
        try broker.deleteTopic("u")
        try broker.world.advance(by: 100)
        #expect(try values(MetricCatalog.groupLag, broker).map(\.key) == [["g", "t", "0"]])
        #expect(try value(MetricCatalog.offsetDeletions, [], broker) == 1)
    }

    @Test func `so many offsets have series as the limit says, the first groups' by name`() throws {
        let broker = try makeBroker(["metrics.group.offsets.max": "3"])
        for group in ["d", "a", "c", "b"] {
            try commit(1, group, broker)
            try commit(1, group, partition: 1, broker)
        }
        let snapshot = try broker.metrics()
        func labels(_ metric: Metric) -> [[String]]? {
            snapshot.families.first { $0.metric == metric }?.samples.map(\.labels)
        }
        #expect(labels(MetricCatalog.groupOffset) == [["a", "t", "0"], ["a", "t", "1"], ["b", "t", "0"]])
        #expect(labels(MetricCatalog.groupLag) == labels(MetricCatalog.groupOffset))
        #expect(labels(MetricCatalog.groupMembers) == [["a"], ["b"], ["c"]])
        #expect(try value(MetricCatalog.offsetCount, [], broker) == 8)
    }

    // MARK: Groups

    @Test func `groups are counted by protocol and state`() throws {
        let broker = try makeBroker()
        try commit(1, "simple", broker)
        try GroupMember(broker, group: "stable").enter()
        let member = GroupMember(broker, group: "left")
        try member.enter()
        #expect(try member.leave() == .none)
        let waiting = GroupMember(broker, group: "waiting")
        try waiting.beginJoin()
        let joined = try broker.call(
            ConsumerGroupHeartbeatRequest(
                groupID: "modern", memberID: "m", memberEpoch: 0, rebalanceTimeoutMs: 10_000,
                subscribedTopicNames: ["t"], topicPartitions: []))
        #expect(joined.errorCode == 0)
        #expect(try values(MetricCatalog.groupCount, broker) == [["classic"]: 4, ["consumer"]: 1])
        #expect(
            try values(MetricCatalog.classicGroupCount, broker)
                == [["Empty"]: 2, ["PreparingRebalance"]: 1, ["CompletingRebalance"]: 0, ["Stable"]: 1])
        #expect(
            try values(MetricCatalog.consumerGroupCount, broker)
                == [["Empty"]: 0, ["Assigning"]: 0, ["Reconciling"]: 0, ["Stable"]: 1])
        #expect(
            try values(MetricCatalog.groupMembers, broker)
                == [["simple"]: 0, ["stable"]: 1, ["left"]: 0, ["waiting"]: 1, ["modern"]: 1])
        #expect(try value(MetricCatalog.numGroups, [], broker) == 4)
        let states = try MetricCatalog.numGroupsByState.map { try value($0.metric, [], broker) }
        #expect(states == [2, 1, 0, 1])
        #expect(try value(MetricCatalog.consumerRebalances, [], broker) == 1)
        #expect(try value(MetricCatalog.completedRebalances, [], broker) == 2)
    }

    @Test func `what the coordinators do is counted`() throws {
        let broker = try makeBroker(["offsets.retention.minutes": "1", "offsets.retention.check.interval.ms": "10000"])
        for offset in 1...5 as ClosedRange<Int64> { try commit(offset, "g", broker) }
        try commit(1, "h", broker)
        #expect(try value(MetricCatalog.offsetCommits, [], broker) == 6)
        let deleted = try broker.call(DeleteGroupsRequest(groupsNames: ["h"]))
        #expect(deleted.results.map(\.errorCode) == [0])
        #expect(try value(MetricCatalog.offsetDeletions, [], broker) == 1)
        #expect(try value(MetricCatalog.offsetExpirations, [], broker) == 0)
        try broker.world.advance(by: 90_000)
        #expect(try value(MetricCatalog.offsetExpirations, [], broker) == 1)
        #expect(try value(MetricCatalog.offsetDeletions, [], broker) == 1)
        #expect(try value(MetricCatalog.offsetCount, [], broker) == 0)
        #expect(try value(MetricCatalog.coordinatorPartitions, ["active"], broker) == 50)
        #expect(try value(MetricCatalog.partitionLoadTime, [], broker) == 0)
        try broker.restart()
        try broker.world.advance(by: 1_000)
        #expect(try value(MetricCatalog.partitionLoadTime, [], broker) == 2)
        #expect(try value(MetricCatalog.coordinatorPartitions, ["loading"], broker) == 0)
    }

    @Test func `a scrape while groups change shows one moment and changes nothing`() throws {
        let broker = try makeBroker()
        for group in 0..<20 { try commit(1, "g\(group)", broker) }
        nonisolated(unsafe) var snapshot: MetricSnapshot?
        let groups = try #require(broker.node.context?.groups)
        nonisolated(unsafe) var reports: [GroupShardReport] = []
        groups.reports { reports = $0 }
        _ = try broker.world.run(within: 1_000) { !reports.isEmpty }
        for group in 0..<20 { try commit(2, "g\(group)", broker) }
        let positions = reports.compactMap(\.snapshot).flatMap { shard in
            shard.groupsWithOffsets.flatMap { shard.positions(ofGroup: $0) }.map(\.offset)
        }
        #expect(positions == Array(repeating: 1, count: 20))
        try #require(broker.node.metrics).collect { snapshot = $0 }
        #expect(snapshot == nil, "nothing is collected inside the call")
        _ = try broker.world.run(within: 10_000) { snapshot != nil }
        for group in 0..<20 { #expect(try broker.committed(group: "g\(group)") == 2) }
    }

    @Test func `a result counts once`() {
        nonisolated(unsafe) var given: [Int] = []
        let first = FirstResult<Int> { given.append($0) }
        first.give(1)
        first.give(2)
        #expect(given == [1])
    }
}
