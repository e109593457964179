// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRecords
import KafkaRuntime
import KafkaSimulator
import Testing

@Suite struct KafkaClientTests {
    private struct World {
        let simulation: SimulatedRuntime
        let broker: ScriptedBroker

        init(seed: UInt64, partitions: Int32 = 1, options: SimulationOptions = SimulationOptions()) throws {
            simulation = SimulatedRuntime(seed: seed, options: options)
            broker = try ScriptedBroker(
                host: "broker", port: 9092, runtime: simulation.host("broker").runtime, partitions: partitions)
        }

        func client(_ name: String, _ options: KafkaClientOptions = KafkaClientOptions()) -> KafkaClient {
            KafkaClient(
                runtime: simulation.host(name).runtime, bootstrap: [SocketAddress(host: "broker", port: 9092)],
                options: options)
        }

        /// The outcome of asking for metadata.
        func ask(_ client: KafkaClient) throws -> Result<MetadataResponse, KafkaClientError> {
            let outcome = Journal<Result<MetadataResponse, KafkaClientError>>()
            client.queue.async { client.refresh(["workload"]) { outcome.add($0) } }
            _ = try simulation.run { outcome.count == 1 }
            return outcome.entries[0]
        }
    }

    private func error<T>(of result: Result<T, KafkaClientError>) -> KafkaClientError? {
        if case .failure(let error) = result { error } else { nil }
    }

    @Test func `the newest common version is used, below a ceiling where one is set`() throws {
        let world = try World(seed: 1)
        world.broker.offered = [(.produce, 3...9), (.fetch, 19...30), (.metadata, 0...99), (.apiVersions, 0...2)]
        var options = KafkaClientOptions()
        options.versionCeilings[.metadata] = 4
        let client = world.client("client", options)
        let seen = Journal<[Int16?]>()
        client.queue.async {
            client.connection(to: KafkaClient.anyBroker) { result in
                guard case .success(let connection) = result else { return }
                seen.add([
                    connection.version(of: ProduceRequest.self), connection.version(of: FetchRequest.self),
                    connection.version(of: MetadataRequest.self), connection.version(of: ListOffsetsRequest.self),
                ])
            }
        }
        try world.simulation.runUntilIdle()
        #expect(seen.entries == [[9, nil, 4, nil]])
        // The broker knows ApiVersions only up to 2: asked in its own newest version first, then in theirs.
        #expect(world.broker.requests[.apiVersions] == 2)
    }

    @Test func `an API that is not offered fails without a request`() throws {
        let world = try World(seed: 1)
        world.broker.offered = [(.apiVersions, 0...3)]
        #expect(error(of: try world.ask(world.client("client"))) == .notOffered(.metadata))
        #expect(world.broker.requests[.metadata] == nil)
    }

    @Test func `nobody listening is reported as unreachable`() throws {
        let simulation = SimulatedRuntime(seed: 1)
        _ = simulation.host("broker")
        let client = KafkaClient(
            runtime: simulation.host("client").runtime, bootstrap: [SocketAddress(host: "broker", port: 9092)])
        let outcome = Journal<String>()
        client.queue.async { client.refresh([]) { outcome.add("\($0)") } }
        try simulation.runUntilIdle()
        #expect(outcome.entries.count == 1 && outcome.entries[0].contains("refused"))
    }

    @Test func `every way a broker can fail to answer ends the request with its reason`() throws {
        let cases: [(ScriptedBroker.Misbehaviour, (KafkaClientError) -> Bool)] = [
            (.closeBefore, { $0 == .closed(.peer) }),
            (.closeAfter, { $0 == .closed(.peer) }),
            (.stayMute, { $0 == .timedOut(.metadata) }),
            (.answerTo(correlationID: 77), { if case .violation = $0 { true } else { false } }),
            (.garbage, { if case .violation = $0 { true } else { false } }),
        ]
        for (misbehaviour, isExpected) in cases {
            let world = try World(seed: 3)
            world.broker.misbehave = { $0 == .metadata ? misbehaviour : nil }
            let client = world.client("client")
            let failure = try #require(error(of: try world.ask(client)))
            #expect(isExpected(failure), "\(misbehaviour): \(failure)")
            try world.simulation.runUntilIdle()
            #expect(world.simulation.connectionCount == 0)
            // The next request connects again.
            world.broker.misbehave = { _ in nil }
            #expect(try world.ask(client).get().topics.count == 1)
        }
    }

    @Test func `requests sent together are answered each with its own response`() throws {
        let world = try World(seed: 4)
        let client = world.client("client")
        let seen = Journal<String>()
        client.queue.async {
            client.connection(to: KafkaClient.anyBroker) { result in
                guard case .success(let connection) = result else { return }
                for number in 0..<50 {
                    if number % 2 == 0 {
                        connection.send(MetadataRequest(topics: nil)) {
                            seen.add("\(number) \((try? $0.get())?.clusterID ?? "-")")
                        }
                    } else {
                        connection.send(InitProducerIdRequest()) {
                            seen.add("\(number) \((try? $0.get())?.producerID ?? -1)")
                        }
                    }
                }
            }
        }
        try world.simulation.runUntilIdle()
        #expect(seen.entries == (0..<50).map { $0 % 2 == 0 ? "\($0) c" : "\($0) \(1_001 + $0 / 2)" })
    }

    @Test func `no more requests than allowed are outstanding`() throws {
        let world = try World(seed: 4)
        world.broker.misbehave = { $0 == .metadata ? .stayMute : nil }
        var options = KafkaClientOptions()
        options.maximumOutstanding = 3
        let client = world.client("client", options)
        let seen = Journal<KafkaClientError?>()
        client.queue.async {
            for _ in 0..<5 { client.send(MetadataRequest(), to: KafkaClient.anyBroker) { seen.add(error(of: $0)) } }
        }
        try world.simulation.advance(by: 31_000)
        #expect(seen.entries.prefix(2) == [.tooManyRequests, .tooManyRequests])
        #expect(seen.entries.suffix(3) == [.timedOut(.metadata), .timedOut(.metadata), .timedOut(.metadata)])
    }

    // MARK: Workloads

    /// Produces and consumes with `disturb` deciding how the broker behaves; returns what is wrong at the end.
    private func runWorkload(
        seed: UInt64, options: SimulationOptions = SimulationOptions(),
        disturb: (World) -> Void = { _ in }
    ) throws -> (producer: SimulatedProducer, findings: [String], hash: UInt64, broker: ScriptedBroker) {
        let world = try World(seed: seed, partitions: 3, options: options)
        disturb(world)
        var producing = ProducerWorkload()
        producing.partitions = 3
        producing.recordsPerPartition = 205
        var consuming = ConsumerWorkload()
        consuming.partitions = 3
        consuming.recordsPerPartition = 205
        consuming.usesSessions = false
        let producer = SimulatedProducer(producing, client: world.client("producer"))
        let consumer = SimulatedConsumer(consuming, client: world.client("consumer"))
        producer.start()
        consumer.start()
        let isFinished = try world.simulation.run(within: 600_000) {
            !producer.failures.isEmpty || (producer.isFinished && consumer.isFinished)
        }
        #expect(isFinished)
        return (producer, WorkloadVerdict.findings(producer, consumer), world.simulation.trace.hash, world.broker)
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `a calm broker is written to and read from without findings`(seed: UInt64) throws {
        let (producer, findings, hash, broker) = try runWorkload(seed: seed, options: .drawn(seed: seed))
        #expect(findings == [])
        #expect(producer.retries == 0)
        #expect(broker.partitions.values.allSatisfy { $0.last?.nextOffset == 205 })
        #expect(try runWorkload(seed: seed, options: .drawn(seed: seed)).hash == hash)
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `a producer gets everything written once through lost answers, errors and resets`(seed: UInt64) throws {
        var options = SimulationOptions()
        options.resetsPerMillionPieces = 5_000
        let (producer, findings, _, broker) = try runWorkload(seed: seed, options: options) { world in
            var random = Xoshiro256(seed: seed)
            world.broker.misbehave = { api in
                guard api == .produce || api == .fetch else { return random.chance(1, in: 10) ? .closeBefore : nil }
                switch random.value(in: 0...14) {
                case 0: return .closeBefore
                case 1: return .closeAfter
                case 2: return .fail(.notLeaderOrFollower)
                default: return nil
                }
            }
        }
        #expect(findings == [])
        #expect(producer.retries > 0)
        #expect(broker.duplicates > 0)
        #expect(broker.partitions.values.allSatisfy { $0.last?.nextOffset == 205 })
    }

    @Test func `an error that will not pass stops the producer with its name`() throws {
        let (_, findings, _, _) = try runWorkload(seed: 1) { world in
            world.broker.misbehave = { $0 == .produce ? .fail(.topicAuthorizationFailed) : nil }
        }
        #expect(findings.contains { $0.contains("TOPIC_AUTHORIZATION_FAILED") })
    }

    @Test(arguments: [
        ("altered", "altered"), ("dropped", "are there"), ("doubled", "stands in place"), ("gap", "follows"),
        ("corrupt", "checksum"),
    ])
    func `a broker that loses or alters records is found out`(damage: String, expected: String) throws {
        let world = try World(seed: 6)
        var producing = ProducerWorkload()
        producing.recordsPerPartition = 100
        let producer = SimulatedProducer(producing, client: world.client("producer"))
        producer.start()
        _ = try world.simulation.run { producer.isFinished }
        var log = try #require(world.broker.partitions[0])
        var consuming = ConsumerWorkload()
        consuming.recordsPerPartition = 100
        consuming.usesSessions = false
        switch damage {
        case "altered":
            var bytes = log[4].bytes
            bytes[bytes.count - 3] ^= 1
            bytes.withUnsafeMutableBytes { BatchPatch.recomputeChecksum($0) }
            log[4] = .init(baseOffset: 40, nextOffset: 50, bytes: bytes)
        case "dropped":
            log.removeLast()
            consuming.recordsPerPartition = 90
        case "doubled":
            var bytes = log[3].bytes
            bytes.withUnsafeMutableBytes { BatchPatch.setOffsets($0, baseOffset: 40, leaderEpoch: 0) }
            log[4] = .init(baseOffset: 40, nextOffset: 50, bytes: bytes)
        case "gap":
            log.remove(at: 4)
            consuming.recordsPerPartition = 90
        default:
            var bytes = log[4].bytes
            bytes[bytes.count - 3] ^= 1
            log[4] = .init(baseOffset: 40, nextOffset: 50, bytes: bytes)
        }
        world.broker.partitions[0] = log
        let consumer = SimulatedConsumer(consuming, client: world.client("consumer"))
        consumer.start()
        _ = try world.simulation.run(within: 10_000) { consumer.isFinished || !consumer.findings.isEmpty }
        let findings = WorkloadVerdict.findings(producer, consumer)
        #expect(findings.contains { $0.contains(expected) }, "\(findings)")
    }
}
