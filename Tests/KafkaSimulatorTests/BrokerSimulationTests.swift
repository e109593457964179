// SPDX-License-Identifier: Apache-2.0
import KafkaProtocol
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
        /// Segments of the first partition.
        let segments: Int
    }

    private struct World {
        let simulation: SimulatedRuntime
        let broker: SimulatedBroker
        let producer: SimulatedProducer
        let consumer: SimulatedConsumer

        init(
            seed: UInt64, options: SimulationOptions, records: Int64 = 300, partitions: Int32 = 3
        ) throws {
            simulation = SimulatedRuntime(seed: seed, options: options)
            broker = SimulatedBroker(on: simulation.host("broker"))
            var producing = ProducerWorkload()
            producing.partitions = partitions
            producing.recordsPerPartition = records
            producing.topicConfigs = Self.topicConfigs(seed: seed)
            producing.compression = [.none, .gzip, .snappy, .lz4, .zstd][Int(seed % 5)]
            var consuming = ConsumerWorkload()
            consuming.partitions = partitions
            consuming.recordsPerPartition = records
            consuming.usesSessions = seed % 2 == 0
            producer = SimulatedProducer(producing, client: Self.makeClient(simulation, "producer"))
            consumer = SimulatedConsumer(consuming, client: Self.makeClient(simulation, "consumer"))
            try broker.start()
            producer.start()
            consumer.start()
        }

        /// Every other seed has segments so small that they roll all the time, indexes with an entry a batch, and little
        /// room for them.
        private static func topicConfigs(seed: UInt64) -> [(name: String, value: String)] {
            guard seed % 2 == 1 else { return [] }
            var random = Xoshiro256(seed: seed)
            return [
                ("internal.segment.bytes", "\(random.value(in: 2_000...20_000 as ClosedRange<Int>))"),
                ("index.interval.bytes", "\(random.value(in: 0...2_000 as ClosedRange<Int>))"),
                ("segment.index.bytes", "\(random.value(in: 4...400 as ClosedRange<Int>) * 24)"),
            ]
        }

        private static func makeClient(_ simulation: SimulatedRuntime, _ host: String) -> KafkaClient {
            var options = KafkaClientOptions()
            options.requestTimeout = 10_000
            return KafkaClient(
                runtime: simulation.host(host).runtime, bootstrap: [SocketAddress(host: "broker", port: 9092)],
                options: options)
        }

        func makeClient(_ host: String) -> KafkaClient { Self.makeClient(simulation, host) }

        /// Another consumer of the same topic.
        func makeConsumer(_ host: String) -> SimulatedConsumer {
            SimulatedConsumer(consumer.workload, client: makeClient(host))
        }

        var isFinished: Bool {
            if case .failed = broker.state { return true }
            return !producer.failures.isEmpty || (producer.isFinished && consumer.isFinished)
        }

        var acknowledged: Int64 {
            (0..<producer.workload.partitions).reduce(0) { $0 + producer.acknowledgedCount($1) }
        }

        func outcome() -> Outcome {
            var findings = WorkloadVerdict.findings(producer, consumer)
            if case .failed(let reason) = broker.state { findings.append("the broker failed: \(reason)") }
            if !producer.isFinished { findings.append("the producer is not finished") }
            if !consumer.isFinished { findings.append("the consumer is not finished") }
            let names = (try? broker.host.files.list("/data/\(producer.workload.topic)-0")) ?? []
            return Outcome(
                findings: findings, complaints: broker.logLines, hash: simulation.trace.hash,
                events: simulation.trace.count, time: simulation.now, retries: producer.retries,
                segments: names.count { $0.hasSuffix(".log") })
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
        #expect(seed % 2 == 1 ? first.segments > 1 : first.segments == 1)
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
        seed: UInt64
    ) throws -> (outcome: Outcome, starts: Int) {
        var options = SimulationOptions.drawn(seed: seed)
        options.networkLatency = 20_000...2_000_000
        let world = try World(seed: seed, options: options, records: 300)
        var random = Xoshiro256(seed: ~seed)
        while !world.isFinished, world.broker.starts < 8 {
            // Some lives end while the broker starts or recovers, the others after some records more.
            let goal = world.acknowledged + random.value(in: 1...250 as ClosedRange<Int64>)
            let life = random.chance(1, in: 4) ? random.value(in: 0...20 as ClosedRange<Int64>) : 30_000
            _ = try world.simulation.run(within: life) { world.isFinished || world.acknowledged >= goal }
            world.broker.crash(.process)
            try world.simulation.advance(by: random.value(in: 0...300 as ClosedRange<Int64>))
            try world.broker.start()
        }
        _ = try world.simulation.run(within: 300_000) { world.isFinished }
        return (world.outcome(), world.broker.starts)
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `a killed broker loses no acknowledged record and doubles none`(seed: UInt64) throws {
        let (outcome, starts) = try Self.runWithCrashes(seed: seed)
        #expect(outcome.findings == [])
        #expect(starts > 1)
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `after a clean stop a loss of power costs nothing`(seed: UInt64) throws {
        let world = try World(seed: seed, options: .drawn(seed: seed), records: 200)
        _ = try world.simulation.run(within: 600_000) { world.isFinished }
        world.broker.shutdown()
        _ = try world.simulation.run(within: 60_000) { world.broker.state == .stopped }
        world.broker.crash(.machine)
        try world.broker.start()
        let reader = world.makeConsumer("reader")
        reader.start()
        _ = try world.simulation.run(within: 600_000) { reader.isFinished }
        #expect(WorkloadVerdict.findings(world.producer, reader) == [])
        #expect(reader.isFinished)
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `after a loss of power the broker serves, and what it kept is a beginning of what was written`(
        seed: UInt64
    ) throws {
        let world = try World(seed: seed, options: .drawn(seed: seed))
        var random = Xoshiro256(seed: ~seed)
        let goal = random.value(in: 0...900 as ClosedRange<Int64>)
        _ = try world.simulation.run(within: 120_000) { world.isFinished || world.acknowledged >= goal }
        world.producer.stop()
        world.broker.crash(.machine)
        try world.broker.start()
        _ = try world.simulation.run(within: 60_000) { world.broker.state != .starting }
        #expect(world.broker.state == .running)
        let reader = world.makeConsumer("reader")
        reader.start()
        try world.simulation.advance(by: 20_000)
        #expect(reader.findings == [])
        for partition in 0..<reader.workload.partitions {
            #expect(reader.numbers(partition) == Array(0..<reader.count(partition)))
        }
        // New work goes on as on the first day.
        var producing = ProducerWorkload()
        producing.topic = "later"
        producing.recordsPerPartition = 50
        let producer = SimulatedProducer(producing, client: world.makeClient("later"))
        producer.start()
        #expect(try world.simulation.run(within: 120_000) { producer.isFinished })
        #expect(producer.failures == [])
    }

    @Test func `fetches of connections that went away are not waited for`() throws {
        let world = try World(seed: 2, options: .immediate, records: 10)
        _ = try world.simulation.run(within: 60_000) { world.isFinished }
        world.consumer.stop()
        try world.simulation.advance(by: 1_000)
        let pending = world.simulation.pendingCount
        let client = world.makeClient("impatient")
        for _ in 0..<100 {
            KafkaClientConnection.connect(
                to: SocketAddress(host: "broker", port: 9092), network: client.runtime.network, reactor: client.queue,
                options: client.options
            ) { result in
                guard case .success(let connection) = result else { return }
                let partition = FetchRequest.FetchPartition(partition: 0, fetchOffset: 10, partitionMaxBytes: 100)
                let topic = FetchRequest.FetchTopic(topic: "workload", partitions: [partition])
                let request = FetchRequest(maxWaitMs: .max, minBytes: 1, maxBytes: 100, topics: [topic])
                connection.send(request, version: 11) { _ in }
                connection.queue.schedule(after: 10) { connection.close() }
            }
        }
        try world.simulation.advance(by: 5)
        #expect(world.simulation.pendingCount > pending + 100)
        try world.simulation.advance(by: 3_000)
        #expect(world.simulation.pendingCount <= pending)
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
