// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaSimulator
import Testing

@testable import KafkaServer

/// Starting and stopping a broker.
@Suite struct BrokerLifecycleTests {
    /// Starts without waiting and counts what is reported.
    private final class Reports: @unchecked Sendable {
        var starts: [String] = []
        var stops = 0

        func start(_ broker: TestBroker) {
            broker.node.start { result in
                switch result {
                case .success: self.starts.append("started")
                case .failure(let error): self.starts.append(error.description)
                }
            }
        }

        func stop(_ broker: TestBroker) { broker.node.shutdown { self.stops += 1 } }
    }

    // MARK: Start

    @Test func `connections before the start are held and served after it`() throws {
        let broker = try TestBroker()
        let context = try #require(broker.node.context)
        let configuration = try BrokerConfiguration(["listeners": "PLAINTEXT://:9999"])
        let listeners = ListenerGroup(
            configuration.network, configuration.quotas, RequestMemory(limit: nil), runtime: broker.host.runtime)
        try listeners.bind(
            configuration.network, interBroker: "PLAINTEXT", log: broker.log.loggers.logger("network"))
        let early = broker.connect(port: 9999)
        let silent = broker.connect(port: 9999)
        let id = try early.send(ApiVersionsRequest(), version: 0)
        try broker.world.advance(by: 1_000)
        #expect(early.frames.isEmpty && !early.isClosed)
        silent.close()
        try broker.world.advance(by: 10)
        listeners.open(context)
        #expect(try early.receive(ApiVersionsResponse.self, version: 0, correlationID: id).errorCode == 0)
        #expect(try broker.connect(port: 9999).call(ApiVersionsRequest(), version: 0).errorCode == 0)
    }

    @Test func `a second start is refused and harms nothing`() throws {
        let broker = try TestBroker()
        try broker.beginStart { outcome in
            guard case .failure(let error) = outcome else { return #expect(Bool(false), "started twice") }
            #expect(error.description == "the broker was started before")
        }
        #expect(try broker.call(ApiVersionsRequest(), version: 0).errorCode == 0)
        try broker.shutdown()
        try broker.beginStart { outcome in #expect(throws: StartError.self) { try outcome.get() } }
    }

    @Test func `a port that is taken stops the start with a reason`() throws {
        let broker = try TestBroker(starts: false)
        let squatter = try broker.host.runtime.network.listen(
            on: SocketAddress(host: "", port: 9092), options: ListenOptions()
        ) { _ in nil }
        try broker.beginStart { outcome in
            guard case .failure(let error) = outcome else { return #expect(Bool(false), "started") }
            #expect(error.description.contains("9092"))
        }
        #expect(broker.node.boundAddresses.isEmpty)
        // Nothing is left locked or bound.
        squatter.close()
        try broker.replaceNode()
        try broker.start()
        #expect(try broker.call(ApiVersionsRequest(), version: 0).errorCode == 0)
    }

    @Test func `when one of two ports is taken the other is given back`() throws {
        let settings = [
            "listeners": "A://:9092,B://:9093", "advertised.listeners": "A://broker:9092,B://broker:9093",
            "listener.security.protocol.map": "A:PLAINTEXT,B:PLAINTEXT", "inter.broker.listener.name": "A",
        ]
        let broker = try TestBroker(settings, starts: false)
        let squatter = try broker.host.runtime.network.listen(
            on: SocketAddress(host: "", port: 9093), options: ListenOptions()
        ) { _ in nil }
        let early = broker.connect()
        try broker.beginStart { outcome in #expect(throws: StartError.self) { try outcome.get() } }
        #expect(try early.waitForClose(within: 10_000))
        squatter.close()
        try broker.replaceNode()
        try broker.start()
        for (name, port) in [("A", 9092), ("B", 9093)] as [(String, UInt16)] {
            #expect(broker.node.boundAddresses[name]?.port == port)
            let metadata = try broker.connect(port: port).call(MetadataRequest(topics: []), version: 9)
            #expect(metadata.brokers.map(\.port) == [Int32(port)])
        }
    }

    @Test func `a directory in use stops the start with a reason`() throws {
        let broker = try TestBroker()
        let other = BrokerNode(
            configuration: try BrokerConfiguration([
                "listeners": "PLAINTEXT://:9999", "log.dirs": "/data",
                "advertised.listeners": "PLAINTEXT://broker:9999",
            ]), runtime: broker.host.runtime, loggers: broker.log.loggers)
        nonisolated(unsafe) var outcome: Result<Void, StartError>?
        other.start { outcome = $0 }
        _ = try broker.world.run { outcome != nil }
        guard case .failure(let error) = outcome else {
            Issue.record("two brokers share a directory")
            return
        }
        #expect(error.description.contains("held by another process"))
        #expect(try broker.call(ApiVersionsRequest(), version: 0).errorCode == 0)
    }

    @Test func `another node's directory stops the start with a reason`() throws {
        let broker = try TestBroker(["node.id": "3"])
        try broker.shutdown()
        try broker.replaceNode(["node.id": "4"])
        try broker.beginStart { outcome in
            guard case .failure(let error) = outcome else { return #expect(Bool(false), "started") }
            #expect(error.description.contains("belongs to node 3, but node.id is 4"))
        }
    }

    @Test func `without auto.format an empty directory stops the start`() throws {
        let broker = try TestBroker(["auto.format": "false"], starts: false)
        try broker.beginStart { outcome in
            guard case .failure(let error) = outcome else { return #expect(Bool(false), "started") }
            #expect(error.description.contains("not formatted"))
        }
    }

    @Test(arguments: [("meta.properties", false), ("__cluster_metadata-0/quorum-state", true)])
    func `a file that is lost or cannot be read stops the start with its path`(name: String, isKept: Bool) throws {
        let broker = try TestBroker(["log.dirs": "/data"])
        try broker.shutdown()
        let files = broker.host.runtime.files
        if isKept {
            try files.replaceFile("/data/\(name)", with: Array("garbage".utf8))
        } else {
            try files.remove("/data/\(name)")
        }
        try broker.replaceNode(["log.dirs": "/data"])
        try broker.beginStart { outcome in
            guard case .failure(let error) = outcome else { return #expect(Bool(false), "started") }
            #expect(error.description.contains("/data") && error.description.contains(name.split(separator: "/").last!))
        }
        #expect(try files.status("/data/meta.properties") == nil || isKept, "a new identity would lose the topics")
    }

    // MARK: Stop

    @Test func `fetches that wait are answered when the broker stops`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        try broker.produce(["a"], to: "t")
        let waiting = broker.connect()
        try waiting.send(Requests.fetch("t", maxWait: 60_000, minBytes: 1_000), version: 12)
        try broker.world.advance(by: 10)
        let began = broker.now
        try broker.shutdown()
        #expect(broker.now - began < 100)
        let answer = try waiting.receive(FetchResponse.self, version: 12, correlationID: 1)
        #expect(try Batches.values(in: answer.responses[0].partitions[0].records) == ["0=a"])
        #expect(try waiting.waitForClose(within: 10))
        #expect(broker.log.complaints == [])
    }

    @Test func `changes under way are finished when the broker stops`() throws {
        var options = SimulationOptions.immediate
        options.blockingDelay = 300_000_000...300_000_000
        let broker = try TestBroker(options: options)
        let creator = broker.connect()
        try creator.send(
            CreateTopicsRequest(topics: [.init(name: "t", numPartitions: 1, replicationFactor: 1)]), version: 7)
        try broker.world.advance(by: 10)
        #expect(creator.frames.isEmpty)
        try broker.shutdown()
        let answer = try creator.receive(CreateTopicsResponse.self, version: 7, correlationID: 1)
        #expect(answer.topics[0].errorCode == 0)
        try broker.replaceNode()
        try broker.start()
        #expect(try broker.call(MetadataRequest(topics: nil)).topics.map(\.name) == ["t"])
    }

    @Test func `a client that does not read is cut off in the end`() throws {
        var options = SimulationOptions.immediate
        options.windowBytes = 4_096...4_096
        let broker = try TestBroker(["socket.send.buffer.bytes": "-1"], options: options)
        try broker.createTopic("t")
        try broker.produce([String(repeating: "x", count: 300_000)], to: "t")
        let stuck = broker.connect()
        #expect(try stuck.call(ApiVersionsRequest(), version: 0).errorCode == 0)
        try stuck.pauseReading()
        try stuck.send(Requests.fetch("t"), version: 12)
        try broker.world.advance(by: 10)
        let began = broker.now
        try broker.shutdown()
        #expect((5_000...6_000).contains(broker.now - began))
    }

    @Test func `nobody is accepted once the broker stops`() throws {
        let broker = try TestBroker()
        let silent = broker.connect()
        try broker.world.advance(by: 5)
        try broker.shutdown()
        #expect(try silent.waitForClose(within: 10))
        let late = broker.connect()
        #expect(try late.waitForClose(within: 10_000))
        #expect(late.refusal != nil)
        #expect(broker.node.boundAddresses.isEmpty && broker.node.context == nil)
    }

    @Test func `stopping is reported to everybody who asked, when it is done`() throws {
        let broker = try TestBroker()
        let reports = Reports()
        for _ in 0..<3 { reports.stop(broker) }
        #expect(reports.stops == 0)
        _ = try broker.world.run(within: 10_000) { reports.stops == 3 }
        #expect(reports.stops == 3)
        #expect(broker.log.lines.filter { $0.contains("broker stopped") }.count == 1)
        reports.stop(broker)
        _ = try broker.world.run(within: 10_000) { reports.stops == 4 }
        #expect(reports.stops == 4)
    }

    @Test func `a broker that is stopped while it starts does not stay`() throws {
        var options = SimulationOptions.immediate
        options.blockingDelay = 50_000_000...50_000_000
        let broker = try TestBroker(options: options, starts: false)
        let reports = Reports()
        reports.start(broker)
        reports.stop(broker)
        _ = try broker.world.run(within: 60_000) { reports.stops == 1 }
        #expect(reports.starts == ["started"] && reports.stops == 1)
        #expect(broker.node.context == nil)
        try broker.replaceNode()
        try broker.start()
    }

    @Test func `stopping what never started is done at once`() throws {
        let broker = try TestBroker(starts: false)
        try broker.shutdown()
        try broker.start()
        #expect(try broker.call(ApiVersionsRequest(), version: 0).errorCode == 0)
    }

    // MARK: Restart

    @Test(arguments: [nil, CrashKind.process, .machine])
    func `a node serves again at once`(crash: CrashKind?) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        try broker.produce(["a"], to: "t")
        try broker.world.advance(by: 100)
        if crash == nil { try broker.shutdown() } else { broker.host.crash(crash!); broker.host.restart() }
        let began = broker.now
        try broker.replaceNode()
        try broker.start()
        #expect(try broker.call(MetadataRequest(topics: nil)).topics[0].partitions[0].leaderID == 1)
        #expect(try broker.produce(["b"], to: "t") >= 0)
        // Waiting for an old registration to expire would take nine seconds.
        #expect(broker.now - began < 100)
    }

    @Test func `acknowledged records survive the death of the process`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        for number in 0..<10 {
            try broker.produce(["\(number)"], to: "t")
            try broker.crash(.process)
            #expect(try broker.records(of: "t") == (0...number).map { "\($0)=\($0)" })
        }
    }

    @Test func `configured syncs make records survive the loss of power`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t", ["flush.messages": "1"])
        for number in 0..<10 {
            try broker.produce(["\(number)"], to: "t")
            try broker.crash(.machine)
            #expect(try broker.records(of: "t") == (0...number).map { "\($0)=\($0)" })
        }
    }

    @Test func `a broker without a directory in service gives up`() throws {
        let broker = try TestBroker([
            "log.dirs": "/a,/b", "metadata.log.dir": "/meta", "replica.high.watermark.checkpoint.interval.ms": "100",
        ])
        for name in ["t", "u"] {
            try broker.createTopic(name)
            try broker.produce(["x"], to: name)
        }
        func fail(_ directories: [String]) {
            broker.files.setFault { _, _, path in
                directories.contains { path.hasPrefix("/\($0)/replication-offset-checkpoint") } ? .inputOutput : nil
            }
        }
        fail(["a"])
        for name in ["t", "u"] { try broker.produce(["y"], to: name) }
        try broker.world.advance(by: 1_000)
        #expect(broker.fatal == [])
        let codes = try ["t", "u"].map { name in
            let answer = try broker.call(Requests.fetch(name), version: 12)
            return ErrorCode(answer.responses[0].partitions[0].errorCode)
        }
        #expect(Set(codes) == [.none, .kafkaStorageError])
        fail(["a", "b"])
        for name in ["t", "u"] {
            _ = try broker.produce(try Batches.batch(["z"], timestamp: broker.now), to: name, version: 9)
        }
        try broker.world.advance(by: 1_000)
        #expect(broker.fatal == ["all log directories have failed"])
    }
}
