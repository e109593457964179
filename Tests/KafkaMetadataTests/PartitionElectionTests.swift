// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import Testing

/// What becomes of a partition on brokers 1, 2 and 3 when they come and go, as text.
@Suite struct PartitionElectionTests {
    private struct Scenario {
        var cluster: TestCluster
        private var incarnations: [Int32: UInt64] = [:]

        init(keepsEligible: Bool, minInSync: Int32 = 1, unclean: Bool = false) throws {
            cluster = try TestCluster(
                brokers: [1, 2, 3],
                features: keepsEligible ? [(name: "eligible.leader.replicas.version", level: 1)] : []
            ) {
                $0.minInSyncReplicas = minInSync
                $0.isUncleanLeaderElectionEnabled = unclean
            }
            let topic = CreateTopicsRequest.CreatableTopic(
                name: "t", numPartitions: -1, replicationFactor: -1,
                assignments: [.init(partitionIndex: 0, brokerIDs: [1, 2, 3])])
            try cluster.createTopics([topic])
        }

        /// `fence n`, `unfence n`, `restart n` (clean), `crash n` (unclean).
        mutating func perform(_ step: String) throws -> String {
            let words = step.split(separator: " ")
            let broker = try #require(Int32(words[1]))
            switch words[0] {
            case "fence": try cluster.heartbeat(broker, fence: true)
            case "unfence": try cluster.heartbeat(broker)
            default:
                incarnations[broker, default: 1] += 1
                var request = cluster.registration(broker, incarnation: incarnations[broker] ?? 2)
                if words[0] == "restart" {
                    request.previousBrokerEpoch = cluster.image.cluster.broker(broker)?.epoch ?? -1
                }
                cluster.now += 10_000
                try cluster.register(request)
            }
            let partition = try cluster.partition("t")
            var text = "leader \(partition.leader) isr \(partition.inSyncReplicas)"
            if !partition.eligibleLeaderReplicas.isEmpty { text += " elr \(partition.eligibleLeaderReplicas)" }
            if !partition.lastKnownEligibleLeaderReplicas.isEmpty {
                text += " last \(partition.lastKnownEligibleLeaderReplicas)"
            }
            if partition.leaderRecoveryState == .recovering { text += " recovering" }
            return text
        }
    }

    private func check(
        _ scenario: Scenario, _ expected: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var scenario = scenario
        var lines: [String] = []
        for line in expected.split(separator: "\n") {
            let step = line.prefix { $0 != ">" }.dropLast()
            let input = String(step.reversed().drop { $0 == " " }.reversed())
            lines.append("\(input) -> \(try scenario.perform(input))")
        }
        let normalized = expected.split(separator: "\n").map { line in
            line.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
        }
        #expect(lines == normalized, sourceLocation: sourceLocation)
    }

    @Test func `the last in-sync replica stays when its broker goes`() throws {
        try check(
            Scenario(keepsEligible: false),
            """
            fence 1   -> leader 2 isr [2, 3]
            fence 2   -> leader 3 isr [3]
            fence 3   -> leader -1 isr [3]
            unfence 1 -> leader -1 isr [3]
            unfence 3 -> leader 3 isr [3]
            """)
    }

    @Test func `an unclean election takes who is there`() throws {
        try check(
            Scenario(keepsEligible: false, unclean: true),
            """
            fence 1   -> leader 2 isr [2, 3]
            fence 2   -> leader 3 isr [3]
            fence 3   -> leader -1 isr [3]
            unfence 1 -> leader 1 isr [1] recovering
            """)
    }

    @Test func `below the minimum those who leave stay eligible`() throws {
        try check(
            Scenario(keepsEligible: true, minInSync: 2),
            """
            fence 1   -> leader 2 isr [2, 3]
            fence 2   -> leader 3 isr [3] elr [2]
            fence 3   -> leader -1 isr [] elr [2, 3] last [3]
            unfence 1 -> leader -1 isr [] elr [2, 3] last [3]
            unfence 2 -> leader 2 isr [2] elr [3]
            """)
    }

    @Test func `a crash takes eligibility, a clean restart does not`() throws {
        try check(
            Scenario(keepsEligible: true, minInSync: 2),
            """
            fence 1   -> leader 2 isr [2, 3]
            fence 2   -> leader 3 isr [3] elr [2]
            crash 2   -> leader 3 isr [3]
            fence 3   -> leader -1 isr [] elr [3] last [3]
            restart 3 -> leader -1 isr [] elr [3] last [3]
            unfence 3 -> leader 3 isr [3]
            """)
    }

    @Test func `when all have crashed the last leader leads again`() throws {
        try check(
            Scenario(keepsEligible: true, minInSync: 2),
            """
            fence 1   -> leader 2 isr [2, 3]
            fence 2   -> leader 3 isr [3] elr [2]
            crash 2   -> leader 3 isr [3]
            crash 3   -> leader -1 isr [] last [3]
            unfence 2 -> leader -1 isr [] last [3]
            unfence 3 -> leader 3 isr [3] recovering
            """)
    }

    @Test func `brokers before 3.6-IV0 see a new leader epoch when the in-sync replicas shrink`() throws {
        for (level, epoch) in [(11, 1), (12, 0)] as [(Int16, Int32)] {
            var cluster = try TestCluster(brokers: [1, 2], metadataVersion: MetadataVersion(rawValue: level))
            let topic = CreateTopicsRequest.CreatableTopic(
                name: "t", numPartitions: -1, replicationFactor: -1,
                assignments: [.init(partitionIndex: 0, brokerIDs: [1, 2])])
            try cluster.createTopics([topic])
            try cluster.heartbeat(2, fence: true)
            #expect(try cluster.partition("t").leader == 1)
            #expect(try cluster.partition("t").leaderEpoch == epoch)
            #expect(try cluster.partition("t").partitionEpoch == 1)
        }
    }

    @Test func `topic, node and cluster settings decide, in this order`() throws {
        var cluster = try TestCluster(brokers: [1, 2])
        let topic = CreateTopicsRequest.CreatableTopic(
            name: "t", numPartitions: -1, replicationFactor: -1,
            assignments: [.init(partitionIndex: 0, brokerIDs: [1, 2])])
        try cluster.createTopics([topic])
        let key = "unclean.leader.election.enable"
        try cluster.commit([
            .config(ConfigRecord(resourceType: 4, resourceName: "", name: key, value: "true")),
            .config(ConfigRecord(resourceType: 4, resourceName: "1", name: key, value: "false")),
            .config(ConfigRecord(resourceType: 2, resourceName: "t", name: key, value: "true")),
        ])
        try cluster.heartbeat(2, fence: true)
        try cluster.heartbeat(1, fence: true)
        try cluster.heartbeat(2)
        #expect(try cluster.partition("t").leader == 2)
        try cluster.commit([
            .config(ConfigRecord(resourceType: 2, resourceName: "t", name: key, value: nil))
        ])
        try cluster.heartbeat(2, fence: true)
        try cluster.heartbeat(1)
        #expect(try cluster.partition("t").leader == PartitionRegistration.noLeader)
    }
}
