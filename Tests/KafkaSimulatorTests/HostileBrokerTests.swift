// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Testing

/// The real broker under hostile input: it answers or closes, stays up, and takes no more memory than its clients'
/// data needs.
@Suite(.serialized) struct HostileBrokerTests {
    private struct Outcome: Sendable {
        var tally = HostileClient.Tally()
        var diskBytes: Int64 = 0
        var findings: [String] = []
    }

    /// Bytes of this process in memory.
    private static var residentBytes: Int64 {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        return (Int64(text.split(separator: " ")[1]) ?? 0) * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Writes to the broker and reads it back, as any client would.
    private static func examine(
        _ simulation: SimulatedRuntime, topic: String
    ) throws -> (topicID: KafkaUUID, findings: [String]) {
        var producing = ProducerWorkload()
        producing.topic = topic
        producing.recordsPerPartition = 100
        var consuming = ConsumerWorkload()
        consuming.topic = topic
        consuming.recordsPerPartition = 100
        let bootstrap = [SocketAddress(host: "broker", port: 9092)]
        let client = simulation.host("client").runtime
        let producer = SimulatedProducer(producing, client: KafkaClient(runtime: client, bootstrap: bootstrap))
        let consumer = SimulatedConsumer(consuming, client: KafkaClient(runtime: client, bootstrap: bootstrap))
        producer.start()
        consumer.start()
        _ = try simulation.run(within: 600_000) {
            !producer.failures.isEmpty || (producer.isFinished && consumer.isFinished)
        }
        let isFinished = producer.isFinished && consumer.isFinished
        let topicID = producer.client.topic(topic)?.id ?? .zero
        producer.stop()
        consumer.stop()
        try simulation.advance(by: 2_000)
        let verdict = WorkloadVerdict.findings(producer, consumer)
        return (topicID, verdict + (isFinished ? [] : ["\(topic) was not written and read"]))
    }

    /// One broker, with clients that throw `frames` at it.
    private static func attack(seed: UInt64, frames: Int) throws -> Outcome {
        var options = SimulationOptions.immediate
        options.traceCapacity = 0
        options.maximumSteps = .max
        options.maximumStepsPerMillisecond = .max
        let simulation = SimulatedRuntime(seed: seed, options: options)
        let broker = SimulatedBroker(on: simulation.host("broker"), settings: ["num.partitions": "1"])
        try broker.start()
        #expect(try simulation.run(within: 60_000) { broker.state == .running })
        var outcome = Outcome()
        let before = try examine(simulation, topic: "before")
        outcome.findings = before.findings
        var corpus = RequestCorpus(seed: seed, attempts: 8, topic: "before", topicID: before.topicID)
        let served = RequestRouter.served(unstable: false)
        corpus.prefer { api, version in served.contains { $0.key.rawValue == api && $0.versions.contains(version) } }
        var clients: [HostileClient] = []
        for number in 0..<4 {
            let runtime = simulation.host("attacker-\(number)").runtime
            let client = HostileClient(
                runtime: runtime, address: SocketAddress(host: "broker", port: 9092),
                reactor: runtime.network.reactors[0], corpus: corpus, seed: seed &* 31 &+ UInt64(number),
                total: frames / 4)
            client.start()
            clients.append(client)
        }
        let isDone = try simulation.run(within: .max / 2_000_000) { clients.allSatisfy(\.isFinished) }
        if !isDone { outcome.findings.append("the attack did not end") }
        for client in clients { outcome.tally.add(client.tally) }
        outcome.findings += try examine(simulation, topic: "after").findings
        if broker.state != .running { outcome.findings.append("the broker is \(broker.state)") }
        try simulation.advance(by: 5_000)
        if simulation.connectionCount > 0 {
            outcome.findings.append("\(simulation.connectionCount) ends of connections are left")
        }
        let space = try broker.host.files.space("/")
        outcome.diskBytes = space.total - space.usable
        return outcome
    }

    @Test(.timeLimit(.minutes(5)))
    func `a broker survives a million mutated frames`() async throws {
        // The first, short attack fills caches and pools.
        _ = try Self.attack(seed: 1, frames: 2_000)
        let before = Self.residentBytes
        let outcomes = try await withThrowingTaskGroup(of: Outcome.self) { group in
            for seed in 2...3 as ClosedRange<UInt64> {
                group.addTask { try Self.attack(seed: seed, frames: 500_000) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let growth = Self.residentBytes - before
        var tally = HostileClient.Tally()
        for outcome in outcomes {
            #expect(outcome.findings == [])
            tally.add(outcome.tally)
        }
        let disk = outcomes.reduce(0) { $0 + $1.diskBytes }
        print("hostile: \(tally), resident +\(growth >> 20) MiB, on the simulated disks \(disk >> 20) MiB")
        #expect(tally.judged >= 1_000_000)
        #expect(tally.answers > 100_000)
        #expect(tally.refused == 0)
        #expect(growth - disk < 128 << 20)
    }
}
