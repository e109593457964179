// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Testing

/// `max.connections`, `max.connections.per.ip` and `queued.max.request.bytes`.
@Suite struct ConnectionLimitsTests {
    private func isServed(_ connection: TestConnection, within milliseconds: Int64 = 1_000) throws -> Bool {
        do {
            return try connection.call(ApiVersionsRequest(), version: 0, within: milliseconds).errorCode == 0
        } catch is TestConnection.Failure {
            return false
        }
    }

    // MARK: In all

    @Test func `connections beyond the limit wait until one closes`() throws {
        let broker = try TestBroker(["max.connections": "2"])
        let first = broker.connect()
        let second = broker.connect()
        #expect(try isServed(first) && isServed(second))
        let third = broker.connect()
        let fourth = broker.connect()
        let asked = try third.send(ApiVersionsRequest(), version: 0)
        try broker.world.advance(by: 5_000)
        #expect(third.frames.isEmpty && !third.isClosed && !fourth.isClosed)
        first.close()
        #expect(try third.receive(ApiVersionsResponse.self, version: 0, correlationID: asked).errorCode == 0)
        #expect(try isServed(second))
        #expect(try !isServed(fourth))
        second.close()
        third.close()
        #expect(try fourth.receive(ApiVersionsResponse.self, version: 0, correlationID: 1).errorCode == 0)
        #expect(broker.log.complaints == [])
    }

    @Test func `those that gave up waiting take no place`() throws {
        let broker = try TestBroker(["max.connections": "1"])
        let first = broker.connect()
        #expect(try isServed(first))
        for _ in 0..<10 {
            let impatient = broker.connect()
            try impatient.send(ApiVersionsRequest(), version: 0)
            try broker.world.advance(by: 10)
            impatient.close()
        }
        try broker.world.advance(by: 2_000)
        first.close()
        try broker.world.advance(by: 2_000)
        for _ in 0..<3 {
            let next = broker.connect()
            #expect(try isServed(next))
            next.close()
            try broker.world.advance(by: 10)
        }
    }

    @Test func `a limit of 0 lets nobody in`() throws {
        let broker = try TestBroker(["max.connections": "0"])
        #expect(try !isServed(broker.connect()))
        try broker.shutdown()
    }

    @Test func `listeners share the limit, but brokers always come in`() throws {
        let broker = try TestBroker([
            "listeners": "A://:9092,B://:9093", "advertised.listeners": "A://broker:9092,B://broker:9093",
            "listener.security.protocol.map": "A:PLAINTEXT,B:PLAINTEXT", "inter.broker.listener.name": "B",
            "max.connections": "2",
        ])
        let clients = [broker.connect(port: 9092), broker.connect(port: 9092), broker.connect(port: 9092)]
        #expect(try isServed(clients[0]) && isServed(clients[1]))
        #expect(try !isServed(clients[2]))
        let brokers = [broker.connect(port: 9093), broker.connect(port: 9093)]
        #expect(try isServed(brokers[0]) && isServed(brokers[1]))
        clients[0].close()
        clients[1].close()
        try broker.world.advance(by: 1_000)
        #expect(clients[2].frames.isEmpty)
        brokers[0].close()
        #expect(try clients[2].receive(ApiVersionsResponse.self, version: 0, correlationID: 1).errorCode == 0)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func `everybody gets a turn, and never more than allowed at once`(seed: UInt64) throws {
        let broker = try TestBroker(["max.connections": "3"], seed: seed, options: .drawn(seed: seed))
        var waiting = (0..<20).map { _ in broker.connect() }
        for connection in waiting { try connection.send(ApiVersionsRequest(), version: 0) }
        var served = 0
        while !waiting.isEmpty {
            _ = try broker.world.run(within: 120_000) { waiting.contains { !$0.frames.isEmpty } }
            let done = waiting.filter { !$0.frames.isEmpty }
            #expect(!done.isEmpty && done.count <= 3)
            if done.isEmpty { return }
            served += done.count
            for connection in done { connection.close() }
            waiting.removeAll { connection in done.contains { $0 === connection } }
        }
        #expect(served == 20)
    }

    // MARK: By address

    @Test func `connections beyond the limit of an address are closed`() throws {
        let broker = try TestBroker(["max.connections.per.ip": "2"])
        let mine = [broker.connect(from: "one"), broker.connect(from: "one")]
        #expect(try isServed(mine[0]) && isServed(mine[1]))
        let surplus = broker.connect(from: "one")
        #expect(try surplus.waitForClose(within: 1_000))
        #expect(broker.log.contains("max.connections.per.ip 2 reached"))
        #expect(try isServed(broker.connect(from: "two")))
        mine[0].close()
        try broker.world.advance(by: 10)
        #expect(try isServed(broker.connect(from: "one")))
    }

    @Test func `addresses may have limits of their own`() throws {
        let one = try TestBroker().world.host("x").address
        let broker = try TestBroker([
            "max.connections.per.ip": "1", "max.connections.per.ip.overrides": "10.0.0.3:2, 10.0.0.4:0",
        ])
        // Addresses are given in the order of names: the broker has 10.0.0.2.
        #expect(one == "10.0.0.3")
        let hosts = ["b", "c", "d"].map { broker.world.host($0) }
        #expect(hosts.map(\.address) == ["10.0.0.3", "10.0.0.4", "10.0.0.5"])
        for (host, limit) in [("b", 2), ("c", 0), ("d", 1)] {
            let connections = (0..<3).map { _ in broker.connect(from: host) }
            try broker.world.advance(by: 100)
            #expect(connections.filter { !$0.isClosed }.count == limit, "\(host)")
        }
    }

    @Test func `refused connections give their place back`() throws {
        let broker = try TestBroker(["max.connections": "2", "max.connections.per.ip": "1"])
        let first = broker.connect(from: "one")
        #expect(try isServed(first))
        for _ in 0..<5 { #expect(try broker.connect(from: "one").waitForClose(within: 1_000)) }
        #expect(try isServed(broker.connect(from: "two")))
    }

    // MARK: Memory

    /// A produce request of about `size` bytes.
    private func large(_ size: Int, _ broker: TestBroker, id: Int32 = 1) throws -> [UInt8] {
        let batch = try Batches.batch([String(repeating: "x", count: size)], timestamp: broker.now)
        return try TestConnection.frame(Requests.produce(batch, to: "t"), version: 9, correlationID: id)
    }

    private func makeBroker(limit: Int = 1_000_000, _ options: SimulationOptions = .immediate, seed: UInt64 = 1) throws
        -> TestBroker
    {
        let broker = try TestBroker(
            [
                "queued.max.request.bytes": "\(limit)", "socket.request.max.bytes": "\(limit)",
                "message.max.bytes": "1000000",
            ], seed: seed, options: options)
        try broker.createTopic("t")
        return broker
    }

    @Test func `requests that do not fit wait for those before them`() throws {
        let broker = try makeBroker()
        let first = broker.connect()
        let request = try large(600_000, broker)
        try first.send(Array(request[..<300_000]))
        try broker.world.advance(by: 10)
        #expect(broker.requestMemory == request.count)
        let second = broker.connect()
        try second.send(request)
        try broker.world.advance(by: 1_000)
        #expect(second.frames.isEmpty && broker.requestMemory == request.count)
        // What arrives whole in one go needs no memory of its own.
        #expect(try broker.produce(["small"], to: "t") == 0)
        try first.send(Array(request[300_000...]))
        #expect(
            try first.receive(ProduceResponse.self, version: 9, correlationID: 1).responses[0].partitionResponses[0]
                .baseOffset == 1)
        #expect(
            try second.receive(ProduceResponse.self, version: 9, correlationID: 1).responses[0].partitionResponses[0]
                .baseOffset == 2)
        try broker.world.advance(by: 10)
        #expect(broker.requestMemory == 0)
    }

    @Test func `the largest request allowed fits`() throws {
        // The limits are equal, but memory is counted with the length in front of a request.
        let length = try large(600_000, try makeBroker()).count - 4
        let broker = try makeBroker(limit: length)
        let request = try large(600_000, broker)
        #expect(request.count - 4 == length)
        let connection = broker.connect()
        try connection.send(Array(request[..<300_000]))
        try broker.world.advance(by: 10)
        try connection.send(Array(request[300_000...]))
        #expect(
            try connection.receive(ProduceResponse.self, version: 9, correlationID: 1).responses[0]
                .partitionResponses[0].errorCode == 0)
        #expect(broker.requestMemory == 0)
    }

    @Test func `a connection that closes gives its memory back`() throws {
        let broker = try makeBroker()
        let request = try large(600_000, broker)
        let holder = broker.connect()
        try holder.send(Array(request[..<300_000]))
        try broker.world.advance(by: 10)
        let waiting = broker.connect()
        try waiting.send(request)
        let leaving = broker.connect()
        try leaving.send(request)
        try broker.world.advance(by: 10)
        leaving.close()
        holder.close()
        #expect(
            try waiting.receive(ProduceResponse.self, version: 9, correlationID: 1).responses[0].partitionResponses[0]
                .errorCode == 0)
        try broker.world.advance(by: 2_000)
        #expect(broker.requestMemory == 0)
    }

    @Test func `what lies behind an unanswered request counts`() throws {
        let broker = try makeBroker()
        let connection = broker.connect()
        let wait = try TestConnection.frame(Requests.fetch("t", maxWait: 500), version: 12, correlationID: 1)
        let behind = try TestConnection.frame(
            MetadataRequest(topics: [.init(name: String(repeating: "n", count: 20_000))]), version: 9, correlationID: 2)
        try connection.send(wait + behind)
        try broker.world.advance(by: 100)
        #expect(broker.requestMemory == behind.count)
        _ = try connection.receive()
        _ = try connection.receive()
        #expect(broker.requestMemory == 0)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func `everybody is served in the end`(seed: UInt64) throws {
        let broker = try makeBroker(limit: 200_000, .drawn(seed: seed), seed: seed)
        let connections = (0..<12).map { _ in broker.connect() }
        for (index, connection) in connections.enumerated() {
            var bytes: [UInt8] = []
            for id in 1...4 as ClosedRange<Int32> { bytes += try large(1 + index * 15_000, broker, id: id) }
            try connection.send(bytes)
        }
        // Three vanish on the way.
        try broker.world.advance(by: 20)
        for connection in connections.suffix(3) { connection.close() }
        for connection in connections.dropLast(3) {
            for id in 1...4 as ClosedRange<Int32> {
                let answer = try connection.receive(
                    ProduceResponse.self, version: 9, correlationID: id, within: 600_000)
                #expect(answer.responses[0].partitionResponses[0].errorCode == 0)
            }
        }
        try broker.world.advance(by: 10_000)
        #expect(broker.requestMemory == 0)
    }
}
