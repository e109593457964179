// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Testing

/// Listeners that come and go while the broker runs.
@Suite struct DynamicListenersTests {
    private let protocols = "PLAINTEXT:PLAINTEXT,EXTRA:PLAINTEXT,OTHER:PLAINTEXT,SECURE:SSL"

    /// A broker that advertises where it listens.
    private func makeBroker(_ settings: [String: String] = [:]) throws -> TestBroker {
        var all = [
            "listeners": "PLAINTEXT://broker:9092", "advertised.listeners": "",
            "listener.security.protocol.map": protocols,
        ]
        all.merge(settings) { $1 }
        return try TestBroker(all)
    }

    private typealias Outcome = (code: ErrorCode, message: String?)

    @discardableResult
    private func set(
        _ broker: TestBroker, _ changes: [String: String?], name: String = "1", validateOnly: Bool = false
    ) throws -> Outcome {
        let configs = changes.sorted { $0.key < $1.key }.map { key, value in
            IncrementalAlterConfigsRequest.AlterableConfig(
                name: key, configOperation: value == nil ? 1 : 0, value: value)
        }
        let response = try broker.call(
            IncrementalAlterConfigsRequest(
                resources: [.init(resourceType: 4, resourceName: name, configs: configs)], validateOnly: validateOnly))
        let answer = try #require(response.responses.first)
        return (ErrorCode(answer.errorCode), answer.errorMessage)
    }

    /// Whether a new connection to `port` is served.
    private func isServed(_ broker: TestBroker, _ port: UInt16) throws -> Bool {
        let connection = broker.connect(port: port)
        defer { connection.close() }
        do {
            return try connection.call(ApiVersionsRequest(), version: 0, within: 1_000).errorCode == 0
        } catch is TestConnection.Failure {
            return false
        }
    }

    /// The ports of the brokers that a client is told of that asks at `port`.
    private func advertised(_ broker: TestBroker, at port: UInt16) throws -> [Int32] {
        try broker.world.advance(by: 100)
        let connection = broker.connect(port: port)
        defer { connection.close() }
        return try connection.call(DescribeClusterRequest(), version: 1).brokers.map(\.port)
    }

    // MARK: Coming and going

    @Test func `a listener is added and removed while the broker runs`() throws {
        let broker = try makeBroker()
        #expect(try !isServed(broker, 9093))
        #expect(try set(broker, ["listeners": "PLAINTEXT://broker:9092,EXTRA://broker:9093"]).code == .none)
        #expect(broker.node.boundAddresses.keys.sorted() == ["EXTRA", "PLAINTEXT"])
        #expect(try advertised(broker, at: 9093) == [9093])
        #expect(try advertised(broker, at: 9092) == [9092])
        let open = broker.connect(port: 9093)
        _ = try open.call(ApiVersionsRequest(), version: 0)
        #expect(try set(broker, ["listeners": "PLAINTEXT://broker:9092"]).code == .none)
        let isClosed = try broker.world.run(within: 1_000) { open.isClosed }
        #expect(isClosed)
        #expect(try !isServed(broker, 9093))
        #expect(broker.node.boundAddresses.keys.sorted() == ["PLAINTEXT"])
        #expect(try advertised(broker, at: 9092) == [9092])
        // And again, under the same name.
        #expect(try set(broker, ["listeners": "PLAINTEXT://broker:9092,EXTRA://broker:9093"]).code == .none)
        #expect(try advertised(broker, at: 9093) == [9093])
        #expect(try set(broker, ["listeners": nil]).code == .none)
        #expect(try !isServed(broker, 9093))
        #expect(broker.log.complaints == [])
    }

    @Test func `a listener that is not advertised is served and not told of`() throws {
        let broker = try makeBroker(["advertised.listeners": "PLAINTEXT://broker:9092"])
        #expect(try set(broker, ["listeners": "PLAINTEXT://broker:9092,EXTRA://broker:9093"]).code == .none)
        #expect(try isServed(broker, 9093))
        #expect(try advertised(broker, at: 9093) == [])
        #expect(try set(broker, ["listeners": "PLAINTEXT://broker:9092"]).code == .none)
        #expect(try !isServed(broker, 9093))
    }

    @Test func `a new name comes with its protocol, and another may take the port of one that goes`() throws {
        let broker = try makeBroker()
        let map = protocols + ",NEW:PLAINTEXT"
        #expect(
            try set(
                broker,
                ["listeners": "PLAINTEXT://broker:9092,NEW://broker:9093", "listener.security.protocol.map": map]
            ).code == .none)
        #expect(try advertised(broker, at: 9093) == [9093])
        #expect(try set(broker, ["listeners": "PLAINTEXT://broker:9092,EXTRA://broker:9093"]).code == .none)
        #expect(broker.node.boundAddresses.keys.sorted() == ["EXTRA", "PLAINTEXT"])
        #expect(try advertised(broker, at: 9093) == [9093])
    }

    @Test func `a listener that moves keeps its connections`() throws {
        let broker = try makeBroker()
        let connection = broker.connection
        #expect(try set(broker, ["listeners": "PLAINTEXT://broker:9099"]).code == .none)
        #expect(try !isServed(broker, 9092))
        #expect(try advertised(broker, at: 9099) == [9099])
        #expect(!connection.isClosed)
        #expect(try connection.call(ApiVersionsRequest(), version: 0).errorCode == 0)
        #expect(try set(broker, ["listeners": nil]).code == .none)
        #expect(try advertised(broker, at: 9092) == [9092])
        #expect(!connection.isClosed)
    }

    @Test func `a port that was chosen freely may be named`() throws {
        let broker = try makeBroker(["listeners": "PLAINTEXT://broker:9092,EXTRA://broker:0"])
        let port = try #require(broker.node.boundAddresses["EXTRA"]?.port)
        #expect(try set(broker, ["listeners": "PLAINTEXT://broker:9092,EXTRA://broker:\(port)"]).code == .none)
        #expect(broker.node.boundAddresses["EXTRA"]?.port == port)
        #expect(try advertised(broker, at: port) == [Int32(port)])
    }

    // MARK: Refusals

    @Test(
        arguments: [
            (["listeners": "EXTRA://broker:9092"], "inter-broker listener PLAINTEXT"),
            (["listeners": ""], "listeners"), (["listeners": "PLAINTEXT"], "NAME://host:port"),
            (["listeners": "PLAINTEXT://broker:9092,PLAINTEXT://broker:9093"], "twice"),
            (["listeners": "PLAINTEXT://broker:9092,EXTRA://broker:9092"], "9092"),
            (["listeners": "PLAINTEXT://broker:9092,WHO://broker:9093"], "listener.security.protocol.map; WHO is none"),
            (["listeners": "PLAINTEXT://broker:9092,SECURE://broker:9093"], "SECURE has SSL"),
            (["listeners": "PLAINTEXT://broker:9092,EXTRA://elsewhere:9093"], "no such address"),
            (["listeners": "PLAINTEXT://broker:9092,EXTRA://broker:9555"], "9555"),
            (["listener.security.protocol.map": "PLAINTEXT:SSL"], "PLAINTEXT has SSL"),
            (["listener.security.protocol.map": "EXTRA:PLAINTEXT"], "PLAINTEXT is none"),
            (["listener.security.protocol.map": "PLAINTEXT:NONSENSE"], "NAME:PROTOCOL"),
            (["advertised.listeners": "PLAINTEXT://broker:1"], "Cannot update these configs dynamically"),
            (["listener.name.plaintext.you.should.not.pass": "x"], "existing listener PLAINTEXT"),
            (["listener.name.plaintext.sasl.enabled.mechanisms": "PLAIN"], "existing listener PLAINTEXT"),
            (["listener.name.plaintext.max.connections": "0"], "Invalid max.connections 0"),
            (["max.connection.creation.rate": "0"], "Invalid max.connection.creation.rate 0"),
        ] as [([String: String], String)])
    func `what cannot be is refused and changes nothing`(changes: [String: String], reason: String) throws {
        let broker = try makeBroker()
        let squatter = try broker.host.runtime.network.listen(
            on: SocketAddress(host: "", port: 9555), options: ListenOptions()
        ) { _ in nil }
        defer { squatter.close() }
        for validateOnly in [true, false] {
            let outcome = try set(broker, changes.mapValues { Optional($0) }, validateOnly: validateOnly)
            #expect(outcome.code == .invalidRequest)
            #expect(outcome.message?.contains(reason) == true, "\(outcome.message ?? "")")
        }
        #expect(broker.node.boundAddresses.keys.sorted() == ["PLAINTEXT"])
        #expect(try isServed(broker, 9092))
        #expect(try set(broker, ["message.max.bytes": "5000"]).code == .none)
    }

    @Test func `an advertised listener stays`() throws {
        let broker = try makeBroker([
            "listeners": "PLAINTEXT://broker:9092,EXTRA://broker:9093",
            "advertised.listeners": "PLAINTEXT://broker:9092,EXTRA://broker:9093",
        ])
        let outcome = try set(broker, ["listeners": "PLAINTEXT://broker:9092"])
        #expect(outcome.code == .invalidRequest)
        #expect(outcome.message?.contains("advertised.listeners") == true)
        #expect(try isServed(broker, 9093))
    }

    @Test func `a check alone binds nothing`() throws {
        let broker = try makeBroker()
        let listeners = "PLAINTEXT://broker:9092,EXTRA://broker:9093"
        #expect(try set(broker, ["listeners": listeners], validateOnly: true).code == .none)
        #expect(try !isServed(broker, 9093))
    }

    // MARK: Restarts

    @Test func `what was set is there after a restart`() throws {
        let broker = try makeBroker()
        #expect(try set(broker, ["listeners": "PLAINTEXT://broker:9092,EXTRA://broker:9093"]).code == .none)
        try broker.restart()
        #expect(try advertised(broker, at: 9093) == [9093])
        #expect(broker.log.complaints == [])
        try broker.crash()
        #expect(try advertised(broker, at: 9093) == [9093])
        #expect(try set(broker, ["listeners": nil]).code == .none)
        try broker.restart()
        #expect(try !isServed(broker, 9093))
    }

    @Test func `a port that was set and is taken does not stop the start`() throws {
        let broker = try makeBroker()
        #expect(try set(broker, ["listeners": "PLAINTEXT://broker:9098,EXTRA://broker:9093"]).code == .none)
        try broker.shutdown()
        let squatters = try [9098, 9093].map { port in
            try broker.host.runtime.network.listen(
                on: SocketAddress(host: "", port: port), options: ListenOptions()
            ) { _ in nil }
        }
        try broker.replaceNode()
        try broker.start()
        #expect(broker.node.boundAddresses.keys.sorted() == ["PLAINTEXT"])
        #expect(try advertised(broker, at: 9092) == [9092])
        for squatter in squatters { squatter.close() }
        // Other changes are not refused, and bind what can be bound by now.
        #expect(try set(broker, ["message.max.bytes": "5000"]).code == .none)
        #expect(try advertised(broker, at: 9093) == [9093])
        #expect(try advertised(broker, at: 9098) == [9098])
    }

    @Test func `what was set and does not fit the file any more does not stop the start`() throws {
        let broker = try makeBroker()
        #expect(try set(broker, ["listeners": "PLAINTEXT://broker:9092,EXTRA://broker:9093"]).code == .none)
        try broker.restart(["listener.security.protocol.map": "PLAINTEXT:PLAINTEXT"])
        #expect(broker.node.boundAddresses.keys.sorted() == ["PLAINTEXT"])
        #expect(try isServed(broker, 9092))
        #expect(try set(broker, ["listeners": nil]).code == .none)
    }

    // MARK: Limits

    @Test func `limits of one listener change at once`() throws {
        let broker = try makeBroker(["listeners": "PLAINTEXT://broker:9092,EXTRA://broker:9093"])
        #expect(try set(broker, ["listener.name.extra.max.connections": "1"]).code == .none)
        let first = broker.connect(port: 9093)
        _ = try first.call(ApiVersionsRequest(), version: 0)
        #expect(try !isServed(broker, 9093))
        #expect(try isServed(broker, 9092))
        // For all brokers, where this one has none of its own.
        #expect(try set(broker, ["listener.name.extra.max.connections": "5"], name: "").code == .none)
        #expect(try !isServed(broker, 9093))
        #expect(try set(broker, ["listener.name.extra.max.connections": nil]).code == .none)
        #expect(try isServed(broker, 9093))
        try broker.restart()
        let connections = (0..<6).map { _ in broker.connect(port: 9093) }
        for connection in connections { try connection.send(ApiVersionsRequest(), version: 0) }
        try broker.world.advance(by: 1_000)
        #expect(connections.filter { !$0.frames.isEmpty }.count == 5)
    }

    @Test func `a listener that waits for a place and goes leaves its turn to another`() throws {
        let broker = try makeBroker(["max.connections": "2"])
        let client = broker.connection
        #expect(
            try set(
                broker, ["listeners": "PLAINTEXT://broker:9092,EXTRA://broker:9093,OTHER://broker:9094"]
            ).code == .none)
        let other = broker.connect(port: 9094)
        _ = try other.call(ApiVersionsRequest(), version: 0)
        let waiting = broker.connect(port: 9093)
        try waiting.send(ApiVersionsRequest(), version: 0)
        try broker.world.advance(by: 100)
        let last = broker.connect(port: 9094)
        let id = try last.send(ApiVersionsRequest(), version: 0)
        try broker.world.advance(by: 100)
        #expect(waiting.frames.isEmpty && last.frames.isEmpty)
        #expect(try set(broker, ["listeners": "PLAINTEXT://broker:9092,OTHER://broker:9094"]).code == .none)
        other.close()
        #expect(try last.receive(ApiVersionsResponse.self, version: 0, correlationID: id).errorCode == 0)
        #expect(!client.isClosed)
    }

    /// Connections to a port that were used one after the other.
    private func connect(_ count: Int, to port: UInt16, _ broker: TestBroker) throws -> [TestConnection] {
        let connections = (0..<count).map { _ in broker.connect(port: port) }
        for connection in connections {
            _ = try connection.call(ApiVersionsRequest(), version: 0)
            try broker.world.advance(by: 10)
        }
        return connections
    }

    @Test func `a lower limit closes the connections that were used least recently`() throws {
        let broker = try makeBroker()
        let connections = try connect(6, to: 9092, broker)
        _ = try connections[1].call(ApiVersionsRequest(), version: 0)
        _ = broker.connection
        #expect(try set(broker, ["max.connections": "4"]).code == .none)
        try broker.world.advance(by: 1_000)
        #expect(connections.map(\.isClosed) == [true, false, true, true, false, false])
        #expect(!broker.connection.isClosed)
        // Full, but not too full.
        #expect(try !isServed(broker, 9092))
        connections[5].close()
        #expect(try isServed(broker, 9092))
        #expect(!connections[1].isClosed && !connections[4].isClosed)
    }

    @Test func `the listener between brokers takes the places of clients`() throws {
        let broker = try makeBroker([
            "listeners": "PLAINTEXT://broker:9092,EXTRA://broker:9093", "max.connections": "5",
        ])
        let clients = try connect(3, to: 9093, broker)
        let brokers = try connect(4, to: 9092, broker)
        try broker.world.advance(by: 1_000)
        #expect(clients.map(\.isClosed) == [true, true, false])
        #expect(brokers.allSatisfy { !$0.isClosed })
        let more = try connect(4, to: 9092, broker)
        try broker.world.advance(by: 1_000)
        #expect(clients[2].isClosed)
        #expect((brokers + more).allSatisfy { !$0.isClosed })
    }

    // MARK: Threads

    @Test func `the number of network threads changes at once, by half to double`() throws {
        let broker = try makeBroker(["num.network.threads": "2"])
        func count() -> Int { broker.host.runtime.network.reactors.count }
        #expect(count() == 2)
        let outcome = try set(broker, ["num.network.threads": "5"])
        #expect(outcome.code == .invalidRequest)
        #expect(
            outcome.message
                == "Dynamic thread count update validation failed for num.network.threads=5, value should not be "
                + "greater than double the current value 2")
        #expect(try set(broker, ["num.network.threads": "4"]).code == .none)
        #expect(count() == 4)
        #expect(try set(broker, ["num.network.threads": "8"], validateOnly: true).code == .none)
        #expect(count() == 4)
        #expect(
            try set(broker, ["num.network.threads": "1"]).message?.hasSuffix(
                "value should be at least half the current value 4") == true)
        #expect(try set(broker, ["num.network.threads": nil]).code == .none)
        #expect(count() == 2)
        #expect(try set(broker, ["num.network.threads": "3"], name: "").code == .none)
        try broker.crash()
        #expect(count() == 3)
        #expect(try isServed(broker, 9092))
    }

    @Test(arguments: [
        ("num.io.threads", 8), ("background.threads", 10), ("num.replica.fetchers", 1),
        ("num.recovery.threads.per.data.dir", 2),
    ])
    func `other numbers of threads change by half to double, too`(key: String, count: Int) throws {
        let broker = try makeBroker()
        for value in [0, count * 2 + 1] { #expect(try set(broker, [key: "\(value)"]).code == .invalidRequest) }
        if count > 2 { #expect(try set(broker, [key: "\(count / 2 - 1)"]).code == .invalidRequest) }
        #expect(try set(broker, [key: "\(count * 2)"]).code == .none)
        #expect(try set(broker, [key: "\(count * 4)"], name: "").code == .none)
        #expect(try set(broker, [key: nil]).code == .none)
    }
}
