// SPDX-License-Identifier: Apache-2.0
import KafkaRecords
import KafkaRuntime
import KafkaSimulator
import Testing

/// The real broker, its disk, its clients and the network between them, in one thread and in virtual time.
@Suite struct BrokerSimulationTests {
    private struct Outcome: Equatable {
        let findings: [String]
        let complaints: [String]
        let hash: UInt64
        let events: Int
        let time: Int64
        let retries: Int
    }

    private struct World {
        let simulation: SimulatedRuntime
        let broker: SimulatedBroker
        let producer: SimulatedProducer
        let consumer: SimulatedConsumer

        init(
            seed: UInt64, options: SimulationOptions, settings: [String: String] = [:], records: Int64 = 400,
            partitions: Int32 = 3
        ) throws {
            simulation = SimulatedRuntime(seed: seed, options: options)
            broker = SimulatedBroker(on: simulation.host("broker"), settings: settings)
            var producing = ProducerWorkload()
            producing.partitions = partitions
            producing.recordsPerPartition = records
            producing.compression = [.none, .gzip, .snappy, .lz4, .zstd][Int(seed % 5)]
            var consuming = ConsumerWorkload()
            consuming.partitions = partitions
            consuming.recordsPerPartition = records
            consuming.usesSessions = seed % 2 == 0
            let bootstrap = [SocketAddress(host: "broker", port: 9092)]
            var clientOptions = KafkaClientOptions()
            clientOptions.requestTimeout = 10_000
            producer = SimulatedProducer(
                producing,
                client: KafkaClient(
                    runtime: simulation.host("producer").runtime, bootstrap: bootstrap, options: clientOptions))
            consumer = SimulatedConsumer(
                consuming,
                client: KafkaClient(
                    runtime: simulation.host("consumer").runtime, bootstrap: bootstrap, options: clientOptions))
            try broker.start()
            producer.start()
            consumer.start()
        }

        var isFinished: Bool {
            if case .failed = broker.state { return true }
            return !producer.failures.isEmpty || (producer.isFinished && consumer.isFinished)
        }

        func outcome() -> Outcome {
            var findings = WorkloadVerdict.findings(producer, consumer)
            if case .failed(let reason) = broker.state { findings.append("the broker failed: \(reason)") }
            if !producer.isFinished { findings.append("the producer is not finished") }
            if !consumer.isFinished { findings.append("the consumer is not finished") }
            return Outcome(
                findings: findings, complaints: broker.logLines, hash: simulation.trace.hash,
                events: simulation.trace.count, time: simulation.now, retries: producer.retries)
        }
    }

    private static func runCalm(seed: UInt64) throws -> Outcome {
        let world = try World(seed: seed, options: .drawn(seed: seed))
        _ = try world.simulation.run(within: 3_600_000) { world.isFinished }
        // The clean stop is part of what must repeat.
        world.broker.shutdown()
        _ = try world.simulation.run(within: 60_000) { world.broker.state == .stopped }
        return world.outcome()
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `broker and clients run the same twice with one seed, and without findings`(seed: UInt64) throws {
        let first = try Self.runCalm(seed: seed)
        #expect(first.findings == [])
        #expect(first.complaints == [])
        #expect(try Self.runCalm(seed: seed) == first)
    }

    @Test func `seeds differ`() throws {
        let hashes = try (1...5).map { try Self.runCalm(seed: $0).hash }
        #expect(Set(hashes).count == 5)
    }

    @Test func `broker and clients run the same in other processes, where hash tables are seeded otherwise`()
        async throws
    {
        var traces: [String] = []
        for _ in 0..<2 {
            let result = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
                let outcome = try BrokerSimulationTests.runCalm(seed: 4)
                print("trace \(outcome.hash) \(outcome.events)")
            }
            let output = String(decoding: result.standardOutputContent, as: UTF8.self)
            traces += output.split(separator: "\n").filter { $0.hasPrefix("trace ") }.map(String.init)
        }
        let here = try Self.runCalm(seed: 4)
        #expect(traces == Array(repeating: "trace \(here.hash) \(here.events)", count: 2))
    }

    /// Kills the broker at drawn moments and starts it again, until the workload is through.
    private static func runWithCrashes(
        seed: UInt64, kind: CrashKind, settings: [String: String]
    ) throws -> (outcome: Outcome, starts: Int) {
        var options = SimulationOptions.drawn(seed: seed)
        options.networkLatency = 20_000...2_000_000
        let world = try World(seed: seed, options: options, settings: settings, records: 1_500)
        var random = Xoshiro256(seed: ~seed)
        for _ in 0..<8 {
            let life = random.value(in: 20...1_500 as ClosedRange<Int64>)
            if try world.simulation.run(within: life, until: { world.isFinished }) { break }
            world.broker.crash(kind)
            try world.simulation.advance(by: random.value(in: 0...300 as ClosedRange<Int64>))
            try world.broker.start()
        }
        _ = try world.simulation.run(within: 3_600_000) { world.isFinished }
        return (world.outcome(), world.broker.starts)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `a killed broker loses no acknowledged record and doubles none`(seed: UInt64) throws {
        let (outcome, starts) = try Self.runWithCrashes(seed: seed, kind: .process, settings: [:])
        #expect(outcome.findings == [])
        #expect(starts > 1)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `without power a broker that syncs every message loses no acknowledged record`(seed: UInt64) throws {
        let (outcome, starts) = try Self.runWithCrashes(
            seed: seed, kind: .machine, settings: ["log.flush.interval.messages": "1"])
        #expect(outcome.findings == [])
        #expect(starts > 1)
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `cut links and resets cost time, not records`(seed: UInt64) throws {
        var options = SimulationOptions()
        options.resetsPerMillionPieces = 3_000
        let world = try World(seed: seed, options: options)
        var random = Xoshiro256(seed: ~seed)
        for _ in 0..<5 {
            if try world.simulation.run(within: random.value(in: 10...800), until: { world.isFinished }) { break }
            world.simulation.cut(random.chance(1, in: 2) ? "producer" : "consumer", "broker")
            try world.simulation.advance(by: random.value(in: 10...15_000 as ClosedRange<Int64>))
            world.simulation.healAll()
        }
        _ = try world.simulation.run(within: 3_600_000) { world.isFinished }
        #expect(world.outcome().findings == [])
    }
}
