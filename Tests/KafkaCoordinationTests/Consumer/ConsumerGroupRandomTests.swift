// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import Testing

@testable import KafkaCoordination

/// Random lives of a consumer group: members join, stall, lose answers, leave and die, topics change, brokers fail over.
@Suite struct ConsumerGroupRandomTests {
    /// A consumer as it sees itself.
    struct Client {
        var memberID: String
        var instanceID: String?
        var epoch: Int32 = 0
        /// What it is using.
        var owned = TopicPartitionSet()
        /// What it was last told to have.
        var told = TopicPartitionSet()
        /// Whether the last answer was lost: then it says everything again.
        var isUnsure = true
        var isRegex = false
    }

    struct Life {
        var world = ConsumerWorld()
        var clients: [Client] = []
        var random: TestRandom
        private var born = 0

        init(seed: UInt64) {
            random = TestRandom(seed: seed)
            world.shard.configuration.consumer.assignmentIntervalMilliseconds = seed % 2 == 0 ? 5_000 : 0
            world.topics.partitions = ["a": 3, "b": 4]
        }

        mutating func step() throws {
            world.now += Int64(random.below(4_000))
            switch random.below(100) {
            case 0..<12: try join()
            case 12..<18: try leave()
            case 18..<22: try die()
            case 22..<27: changeTopics()
            case 27..<30: try world.fail(over: random.chance(50) ? .whole : .compacted)
            case 30..<34: try fireRebalanceTimer()
            default: try beat()
            }
            check()
            if random.chance(5) { try checkLog() }
        }

        // MARK: What happens

        private mutating func join() throws {
            guard clients.count < 7 else { return }
            born += 1
            let isStatic = random.chance(30)
            clients.append(
                Client(
                    memberID: "m\(born)", instanceID: isStatic ? "i\(born)" : nil, isRegex: random.chance(20)))
            try heartbeat(clients.count - 1)
        }

        private mutating func beat() throws {
            guard !clients.isEmpty else { return }
            let index = random.below(clients.count)
            // A slow client takes its time to let go.
            if random.chance(75) { clients[index].owned = clients[index].told }
            try heartbeat(index)
        }

        mutating func heartbeat(_ index: Int) throws {
            let client = clients[index]
            var request = ConsumerGroupHeartbeatRequest()
            request.groupID = ConsumerWorld.groupID
            request.memberID = client.memberID
            request.instanceID = client.instanceID
            request.memberEpoch = client.epoch
            if client.isUnsure || client.epoch == 0 || random.chance(50) {
                request.topicPartitions = client.owned.topics.map { .init(topicID: $0.id, partitions: $0.partitions) }
                request.rebalanceTimeoutMs = 60_000
                if client.isRegex { request.subscribedTopicRegex = "[a-c]" }
                if !client.isRegex { request.subscribedTopicNames = ["a", "b"] }
            }
            world.failsNextAppend = random.chance(5)
            let answer = try world.heartbeat(request)
            world.failsNextAppend = false
            guard let answer, !random.chance(10) else {
                clients[index].isUnsure = true
                return
            }
            take(answer, index)
        }

        private mutating func take(_ answer: ConsumerGroupHeartbeatResponse, _ index: Int) {
            switch ErrorCode(rawValue: answer.errorCode) {
            case .some(.none):
                clients[index].epoch = answer.memberEpoch
                clients[index].isUnsure = false
                guard let assignment = answer.assignment else { return }
                let told = TopicPartitionSet(assignment.topicPartitions.map { ($0.topicID, $0.partitions) })
                clients[index].told = told
                // What is new may be used at once; what is not its own any more takes until it lets go.
                clients[index].owned = clients[index].owned.union(told)
            case .fencedMemberEpoch, .unknownMemberID, .groupIDNotFound:
                clients[index].epoch = 0
                clients[index].owned = TopicPartitionSet()
                clients[index].told = TopicPartitionSet()
                clients[index].isUnsure = true
            default: Issue.record("unexpected answer \(answer.errorCode): \(answer.errorMessage ?? "")")
            }
        }

        private mutating func leave() throws {
            guard !clients.isEmpty else { return }
            let client = clients.remove(at: random.below(clients.count))
            var request = ConsumerGroupHeartbeatRequest()
            request.groupID = ConsumerWorld.groupID
            request.memberID = client.memberID
            request.instanceID = client.instanceID
            let isForAWhile = client.instanceID != nil && random.chance(60)
            request.memberEpoch = isForAWhile ? -2 : -1
            let answer = try world.heartbeat(request)
            guard isForAWhile, answer?.errorCode == 0, random.chance(70) else { return }
            born += 1
            clients.append(Client(memberID: "m\(born)", instanceID: client.instanceID))
            try heartbeat(clients.count - 1)
        }

        /// A client is gone without a word; its session ends later.
        private mutating func die() throws {
            guard !clients.isEmpty else { return }
            let client = clients.remove(at: random.below(clients.count))
            try world.fire(.consumerSession(groupID: ConsumerWorld.groupID, memberID: client.memberID))
        }

        /// Who is out because it was too slow knows it, since it counts the same time itself.
        private mutating func fireRebalanceTimer() throws {
            guard !clients.isEmpty else { return }
            let index = random.below(clients.count)
            let timer = GroupTimer.consumerRebalance(
                groupID: ConsumerWorld.groupID, memberID: clients[index].memberID)
            guard world.timers[timer] != nil else { return }
            clients[index].owned = TopicPartitionSet()
            clients[index].told = TopicPartitionSet()
            clients[index].epoch = 0
            clients[index].isUnsure = true
            try world.fire(timer)
        }

        private mutating func changeTopics() {
            world.topics.version += 1
            switch random.below(4) {
            case 0: world.topics.partitions["a", default: 0] += 1
            case 1: world.topics.partitions["b"] = world.topics.partitions["b"] == nil ? 4 : nil
            case 2: world.topics.partitions["c"] = world.topics.partitions["c"] == nil ? 2 : nil
            default: world.topics.racks["a"] = ["r\(random.below(3))"]
            }
        }

        // MARK: What must hold

        private func check() {
            var all = TopicPartitionSet()
            for client in clients {
                #expect(all.isDisjoint(with: client.owned), "two members own the same")
                all = all.union(client.owned)
            }
        }

        private func checkLog() throws {
            for view in [ConsumerWorld.LogView.whole, .compacted] {
                let reloaded = try world.reloaded(view).consumerGroups[ConsumerWorld.groupID]
                #expect(reloaded?.summary == world.group?.summary)
                #expect(reloaded?.metadataHash == world.group?.metadataHash)
                #expect(reloaded?.subscribedTopics == world.group?.subscribedTopics)
            }
        }

        /// Everybody behaves: after a few rounds, all have what they shall have.
        mutating func settle() throws {
            for timer in world.timers.keys.sorted(by: { "\($0)" < "\($1)" }) {
                guard case .consumerSession(_, let memberID) = timer else { continue }
                if !clients.contains(where: { $0.memberID == memberID }) { try world.fire(timer) }
            }
            for _ in 0..<12 {
                world.now += 10_000
                for index in clients.indices {
                    clients[index].owned = clients[index].told
                    clients[index].isUnsure = true
                    try heartbeat(index)
                    check()
                }
            }
        }

        func checkSettled() throws {
            try checkLog()
            guard !clients.isEmpty else { return }
            #expect(world.group?.state == .stable, "\(world.group?.summary ?? "no group")")
            let owned = clients.reduce(TopicPartitionSet()) { $0.union($1.told) }
            let isWanted = Set(clients.flatMap { $0.isRegex ? ["a", "b", "c"] : ["a", "b"] })
            let expected = world.topics.partitions.filter { isWanted.contains($0.key) }.values.reduce(0, +)
            #expect(owned.count == expected, "\(world.group?.summary ?? "no group")")
            #expect(clients.reduce(0) { $0 + $1.told.count } == expected)
        }
    }

    @Test(arguments: 1...8)
    func `no partition has two owners, logs tell all, and everybody comes to rest`(seed: UInt64) throws {
        var life = Life(seed: seed)
        for _ in 0..<3 {
            for _ in 0..<60 { try life.step() }
            try life.settle()
            // Answers may be lost in the last round, too.
            for _ in 0..<20 where life.clients.contains(where: { $0.epoch == 0 || $0.isUnsure }) { try life.settle() }
            try life.checkSettled()
        }
    }
}
