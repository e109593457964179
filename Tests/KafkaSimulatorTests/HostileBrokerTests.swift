// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaBase
import KafkaProtocol
import KafkaRecords
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Testing

/// The real broker under hostile input: it answers or closes, stays up, and takes no more memory than its clients'
/// data needs.
@Suite(.serialized) struct HostileBrokerTests {
    private struct Outcome {
        var tally = HostileClient.Tally()
        var diskBytes: Int64 = 0
        var findings: [String] = []
    }

    /// Bytes of this process in memory, now (`VmRSS`) or at the most so far (`VmHWM`).
    private static func memory(_ name: String) -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
        return (line?.split(separator: " ").dropLast().last.flatMap { Int($0) } ?? 0) << 10
    }

    /// Writes to the broker and reads it back, as any client would.
    private static func examine(
        _ simulation: SimulatedRuntime, topic: String, compression: CompressionType = .none
    ) throws -> (topicID: KafkaUUID, findings: [String]) {
        var producing = ProducerWorkload()
        producing.topic = topic
        producing.compression = compression
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
        for codec in CompressionType.allCases {
            outcome.findings += try examine(simulation, topic: "after-\(codec)", compression: codec).findings
        }
        if broker.state != .running { outcome.findings.append("the broker is \(broker.state)") }
        try simulation.advance(by: 5_000)
        if simulation.connectionCount > 0 {
            outcome.findings.append("\(simulation.connectionCount) ends of connections are left")
        }
        let space = try broker.host.files.space("/")
        outcome.diskBytes = space.total - space.usable
        return outcome
    }

    /// What a process that was attacked has to say, as one line.
    private static func report(seed: UInt64, frames: Int) throws -> String {
        // A short attack first fills caches and pools.
        _ = try attack(seed: ~seed, frames: 2_000)
        let before = memory("VmRSS")
        let outcome = try attack(seed: seed, frames: frames)
        let (resident, peak) = (memory("VmRSS") - before, memory("VmHWM") - before)
        let tally = outcome.tally
        return "hostile judged=\(tally.judged) answers=\(tally.answers) closed=\(tally.closedByBroker)"
            + " refused=\(tally.refused) sent=\(tally.frames) mutated=\(tally.mutated) disk=\(outcome.diskBytes >> 20)"
            + " resident=\(resident >> 20) peak=\(peak >> 20) findings=\(outcome.findings)"
    }

    private static func number(_ name: String, in report: String) -> Int? {
        report.split(separator: " ").first { $0.hasPrefix("\(name)=") }.flatMap { Int($0.dropFirst(name.count + 1)) }
    }

    // Processes of their own, so that memory is that of the attacked broker; two, since there may be two cores. The body of
    // an exit test cannot capture, hence one function a seed.

    private static func attackWithSeed2() async throws -> String {
        let result = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
            print(try HostileBrokerTests.report(seed: 2, frames: 536_000))
        }
        return String(decoding: result.standardOutputContent, as: UTF8.self)
    }

    private static func attackWithSeed3() async throws -> String {
        let result = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
            print(try HostileBrokerTests.report(seed: 3, frames: 536_000))
        }
        return String(decoding: result.standardOutputContent, as: UTF8.self)
    }

    @Test(.timeLimit(.minutes(15)))
    func `a broker survives a million mutated frames in bounded memory`() async throws {
        async let first = Self.attackWithSeed2()
        async let second = Self.attackWithSeed3()
        let outputs = try await [first, second]
        var judged = 0.0
        for output in outputs {
            let report = try #require(output.split(separator: "\n").first { $0.hasPrefix("hostile ") }.map(String.init))
            print(report)
            // Some frames are valid, and some are sent behind one for which the broker closes.
            let mutated = try #require(Self.number("mutated", in: report))
            let sent = try #require(Self.number("sent", in: report))
            judged += Double(try #require(Self.number("judged", in: report))) * Double(mutated) / Double(sent)
            #expect(report.hasSuffix("findings=[]"))
            #expect(try #require(Self.number("answers", in: report)) > 100_000)
            #expect(Self.number("refused", in: report) == 0)
            // Mebibytes. What clients stored lies in memory too, since the simulated disk does.
            let disk = try #require(Self.number("disk", in: report))
            #expect(try #require(Self.number("resident", in: report)) - disk < 64)
            #expect(try #require(Self.number("peak", in: report)) - disk < 192)
        }
        #expect(judged >= 1_000_000)
    }
}
