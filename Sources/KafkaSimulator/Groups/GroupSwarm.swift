// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime

/// One run of a group whose members come and go while the broker is killed, also in the middle of a rebalance, and links
/// break. The members speak the classic protocol, the consumer protocol, or now one and now the other, so that the group is
/// converted back and forth; some are static. In the end all must be stable: every partition is owned, and what was
/// acknowledged is there.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
package final class GroupSwarm: @unchecked Sendable {
    private static let partitionCount = 6

    package struct Report: Sendable {
        package let findings: [String]
        package let commits: Int
        package let assignments: Int
        package let starts: Int
    }

    private let simulation: SimulatedRuntime
    private let broker: SimulatedBroker
    private let model: GroupModel
    private var members: [SimulatedGroupMember] = []
    private var random: Xoshiro256
    private let admin: KafkaClient
    private let memberCount: Int

    /// - Parameter note: told what happens, with the time in milliseconds.
    package init(seed: UInt64, note: ((String) -> Void)? = nil) {
        random = Xoshiro256(seed: ~seed)
        var options = SimulationOptions()
        // A disk may be slow: then much happens between a record's being written and its being synced.
        if random.chance(1, in: 2) { options.blockingDelay = 1_000_000...150_000_000 }
        let simulation = SimulatedRuntime(seed: seed, options: options)
        model = GroupModel(
            partitionCount: Self.partitionCount,
            tell: note.map { note in { note("\(simulation.now / 1_000_000) \($0)") } })
        self.simulation = simulation
        broker = SimulatedBroker(
            on: simulation.host("broker"),
            settings: [
                "offsets.topic.num.partitions": "3", "group.initial.rebalance.delay.ms": "200",
                "group.consumer.min.session.timeout.ms": "\(SimulatedGroupMember.sessionTimeout)",
                "group.consumer.session.timeout.ms": "\(SimulatedGroupMember.sessionTimeout)",
                "group.consumer.min.heartbeat.interval.ms": "500", "group.consumer.heartbeat.interval.ms": "500",
                "group.consumer.migration.policy": "bidirectional",
                // Often, and never of a group that has only been empty for as long as members rest.
                "offsets.retention.minutes": "5", "offsets.retention.check.interval.ms": "1000",
                // A loss of power must not lose what was acknowledged.
                "log.flush.interval.messages": "1",
            ])
        func client(_ name: String) -> KafkaClient {
            var options = KafkaClientOptions()
            options.requestTimeout = 20_000
            return KafkaClient(
                runtime: simulation.host(name).runtime, bootstrap: [SocketAddress(host: "broker", port: 9092)],
                options: options)
        }
        admin = client("admin")
        memberCount = random.value(in: 2...6)
        let worlds: [[SimulatedGroupMember.Rules]] = [[.classic], [.consumer], [.classic, .consumer]]
        let rules = worlds[random.value(in: 0...2)]
        for number in 0..<memberCount {
            members.append(
                SimulatedGroupMember(
                    number, model: model, client: client("member\(number)"), seed: random.next(), allowed: rules,
                    instanceID: random.chance(1, in: 3) ? "i\(number)" : nil))
        }
    }

    package func run() throws -> Report {
        try start()
        try prepare()
        for member in members { member.start() }
        for _ in 0..<random.value(in: 3...8) where model.isFine {
            try simulation.advance(by: random.value(in: 200...8_000))
            try disturb()
        }
        simulation.healAll()
        for member in members { member.isRestless = false }
        // One dies without a word; the others come to have what it had.
        let dead = random.chance(1, in: 2) ? random.value(in: 0...(memberCount - 1)) : nil
        if let dead {
            model.note("member \(dead) dies")
            members[dead].stop()
        }
        // Sessions run out, and two rebalances fit.
        try simulation.advance(by: 60_000)
        if let dead { model.takes(Array(0..<Self.partitionCount), from: dead) }
        try checkCommitted()
        for member in members { member.stop() }
        for (number, member) in members.enumerated() where member.assignmentsSeen == 0 && number != dead {
            model.find("member \(number) never got into the group")
        }
        if !model.unowned.isEmpty { model.find("nobody has the partitions \(model.unowned)") }
        return Report(
            findings: model.findings, commits: model.commits, assignments: model.assignments, starts: broker.starts)
    }

    private func disturb() throws {
        switch random.value(in: 0...5) {
        case 0: try crash(.process)
        case 1: try crash(.machine)
        case 2:
            let host = "member\(random.value(in: 0...Int64(memberCount - 1)))"
            model.note("\(host) is cut off")
            simulation.cut(host, "broker")
            try simulation.advance(by: random.value(in: 10...9_000))
            simulation.heal(host, "broker")
            model.note("\(host) is back")
        case 3, 4:
            // In the middle of the rebalance that follows.
            members[random.value(in: 0...(memberCount - 1))].mustLeave = true
            try simulation.advance(by: random.value(in: 50...600))
            try crash(random.chance(1, in: 2) ? .process : .machine)
        default: simulation.resetConnections(between: "member0", and: "broker")
        }
    }

    private func crash(_ kind: CrashKind) throws {
        model.note("the broker stops: \(kind)")
        model.crashes += 1
        broker.crash(kind)
        try simulation.advance(by: random.value(in: 0...500))
        try start()
        // Members ask only when they have to.
        if model.isFine, random.chance(1, in: 2) { try checkCommitted() }
    }

    private func start() throws {
        try broker.start()
        _ = try simulation.run(within: 60_000) { [self] in broker.state != .starting }
        model.blindUntil = simulation.now / 1_000_000 + 5_000
        if broker.state != .running { model.find("the broker does not start: \(broker.state)") }
    }

    private func prepare() throws {
        try ask(
            CreateTopicsRequest(topics: [
                .init(
                    name: SimulatedGroupMember.topic, numPartitions: Int32(Self.partitionCount), replicationFactor: 1)
            ])
        ) { $0.topics.allSatisfy { $0.errorCode == 0 } }
        try ask(FindCoordinatorRequest(coordinatorKeys: [SimulatedGroupMember.group])) {
            $0.coordinators.allSatisfy { $0.errorCode == 0 }
        }
    }

    /// Whoever asks in the end finds everything that was acknowledged before.
    private func checkCommitted() throws {
        let known = model.acknowledged
        let all = (0..<Self.partitionCount).map { Int32($0) }
        try ask(
            OffsetFetchRequest(groups: [
                .init(
                    groupID: SimulatedGroupMember.group, memberID: nil, memberEpoch: -1,
                    topics: [.init(name: SimulatedGroupMember.topic, partitionIndexes: all)])
            ])
        ) { [model] response in
            guard let group = response.groups.first, group.errorCode == 0 else { return false }
            for partition in group.topics.flatMap(\.partitions) {
                let index = Int(partition.partitionIndex)
                model.found(partition.committedOffset, of: index, known: known[index])
            }
            return true
        }
    }

    /// Asks again for a while: a connection may have gone with an earlier life of the broker, a group may be loading.
    private func ask<Request: RequestMessage>(
        _ request: Request, _ isFine: @escaping (Request.Response) -> Bool
    ) throws {
        for _ in 0..<20 {
            if try askOnce(request, isFine) { return }
            try simulation.advance(by: 200)
        }
        model.find("\(Request.apiKey) of the administrator was not answered well")
    }

    private func askOnce<Request: RequestMessage>(
        _ request: Request, _ isFine: @escaping (Request.Response) -> Bool
    ) throws -> Bool {
        nonisolated(unsafe) var outcome: Bool?
        nonisolated(unsafe) let isFine = isFine
        let admin = admin
        admin.queue.async {
            admin.connection(to: KafkaClient.anyBroker) { connected in
                guard case .success(let connection) = connected else { return outcome = false }
                // Topics by name, which versions 9 of the offsets' requests are the last to take.
                let version: Int16? = Request.apiKey == .offsetFetch ? 9 : nil
                connection.send(request, version: version) { result in
                    outcome = (try? result.get()).map(isFine) ?? false
                }
            }
        }
        _ = try simulation.run(within: 60_000) { outcome != nil }
        return outcome == true
    }
}
