// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import KafkaSimulator
import Synchronization
import Testing

@Suite struct NetworkFaultTests {
    /// A server and a client on hosts of their own.
    private final class Pair: Sendable {
        let simulation: SimulatedRuntime
        let accepted = Journal<Peer>()
        let connected = Journal<Peer>()
        let failures = Journal<NetworkError>()

        init(seed: UInt64, options: SimulationOptions = SimulationOptions(), idleTimeout: Int64 = 0) throws {
            simulation = SimulatedRuntime(seed: seed, options: options)
            var listening = ListenOptions()
            listening.idleTimeout = idleTimeout
            _ = try simulation.host("server").runtime.network.listen(
                on: SocketAddress(host: "", port: 9092), options: listening
            ) { [accepted] connection in
                let peer = Peer(connection)
                accepted.add(peer)
                return peer
            }
        }

        func connect() {
            let network = simulation.host("client").runtime.network
            var options = ListenOptions()
            options.idleTimeout = 0
            network.connect(
                to: SocketAddress(host: "server", port: 9092), on: network.reactors[0], options: options
            ) { [connected, failures] result in
                switch result {
                case .success(let connection):
                    let peer = Peer(connection)
                    connected.add(peer)
                    return peer
                case .failure(let error):
                    failures.add(error)
                    return nil
                }
            }
        }

        /// The two ends of a connection.
        func open() throws -> (client: Peer, server: Peer) {
            connect()
            try simulation.runUntilIdle()
            return (try #require(connected.entries.last), try #require(accepted.entries.last))
        }
    }

    private static let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `what is sent over a cut link arrives whole after it has healed`(seed: UInt64) throws {
        var options = SimulationOptions()
        options.windowBytes = 2_000...20_000
        let pair = try Pair(seed: seed, options: options)
        let (client, server) = try pair.open()
        client.send(Self.bytes)
        _ = try pair.simulation.run { !server.received.isEmpty }
        pair.simulation.cut("client", "server")
        try pair.simulation.advance(by: 60_000)
        let before = server.received.count
        #expect(before < Self.bytes.count)
        #expect(Array(Self.bytes[..<before]) == server.received)
        #expect(server.closings.isEmpty)
        pair.simulation.heal("client", "server")
        try pair.simulation.runUntilIdle()
        #expect(server.received == Self.bytes)
    }

    @Test func `a link cut one way lets the other way pass`() throws {
        let pair = try Pair(seed: 3)
        let (client, server) = try pair.open()
        pair.simulation.cutOneWay(from: "client", to: "server")
        client.send([1])
        server.send([2])
        try pair.simulation.runUntilIdle()
        #expect(client.received == [2])
        #expect(server.received.isEmpty)
        pair.simulation.healAll()
        try pair.simulation.runUntilIdle()
        #expect(server.received == [1])
    }

    @Test func `connecting over a cut link times out`() throws {
        let pair = try Pair(seed: 3)
        pair.simulation.cut("client", "server")
        pair.connect()
        try pair.simulation.advance(by: 9_000)
        #expect(pair.failures.count == 0)
        try pair.simulation.advance(by: 2_000)
        #expect(pair.failures.entries.map(\.code) == [110])
        #expect(pair.connected.count == 0)
    }

    @Test func `connecting succeeds when the link heals in time`() throws {
        let pair = try Pair(seed: 3)
        pair.simulation.cut("client", "server")
        pair.connect()
        try pair.simulation.advance(by: 4_000)
        pair.simulation.healAll()
        try pair.simulation.advance(by: 4_000)
        #expect(pair.connected.count == 1)
        #expect(pair.accepted.count == 1)
    }

    @Test func `a reset closes both ends once`() throws {
        let pair = try Pair(seed: 3)
        let (client, server) = try pair.open()
        client.send(Self.bytes)
        try pair.simulation.step()
        pair.simulation.resetConnections(between: "server", and: "client")
        try pair.simulation.runUntilIdle()
        #expect(client.closings == [.peer])
        #expect(server.closings == [.peer])
        #expect(pair.simulation.connectionCount == 0)
    }

    @Test func `random resets hit some connections, the same ones with the same seed`() throws {
        func survivors(_ seed: UInt64) throws -> [Bool] {
            var options = SimulationOptions()
            options.resetsPerMillionPieces = 50_000
            options.pieceBytes = 1_000...10_000
            let pair = try Pair(seed: seed, options: options)
            return try (0..<20).map { _ in
                let (client, server) = try pair.open()
                client.send(Self.bytes)
                try pair.simulation.runUntilIdle()
                #expect(client.closings.count == server.closings.count)
                return server.received == Self.bytes
            }
        }
        let first = try survivors(1)
        #expect(first.contains(true) && first.contains(false))
        #expect(try survivors(1) == first)
        #expect(try survivors(2) != first)
    }

    @Test func `a killed process closes its connections and does nothing any more`() throws {
        let pair = try Pair(seed: 5)
        let (client, server) = try pair.open()
        let host = pair.simulation.host("server")
        let old = host.runtime
        let ran = Journal<String>()
        let queue = old.queues.makeQueue(label: "q")
        queue.async { ran.add("work") }
        queue.schedule(after: 1) { ran.add("timer") }
        old.queues.runBlocking { ran.add("blocking") }
        host.crash(.process)
        queue.async { ran.add("late work") }
        queue.schedule(after: 1) { ran.add("late timer") }
        try pair.simulation.advance(by: 1_000)
        #expect(ran.entries.isEmpty)
        #expect(client.closings == [.peer])
        #expect(server.closings.isEmpty)
        pair.connect()
        try pair.simulation.runUntilIdle()
        #expect(pair.failures.entries.map(\.code) == [111])
        host.restart()
        #expect(host.runtime.clock.monotonicNanoseconds == pair.simulation.now)
        _ = try host.runtime.network.listen(on: SocketAddress(host: "", port: 9092), options: ListenOptions()) {
            Peer($0)
        }
        pair.connect()
        try pair.simulation.runUntilIdle()
        #expect(pair.connected.count == 2)
    }

    @Test func `a machine without power is silent until it is back, then resets what it does not know`() throws {
        let pair = try Pair(seed: 6)
        let (client, _) = try pair.open()
        let host = pair.simulation.host("server")
        host.crash(.machine)
        client.send(Self.bytes)
        try pair.simulation.advance(by: 60_000)
        #expect(client.closings.isEmpty)
        host.restart()
        try pair.simulation.runUntilIdle()
        #expect(client.closings == [.peer])
    }

    @Test func `a killed process keeps its files, a machine without power loses what was not synced`() throws {
        let simulation = SimulatedRuntime(seed: 1)
        let host = simulation.host("a")
        try host.files.createDirectory("/d")
        try host.files.syncDirectory("/")
        let lock = try host.files.lock("/d/.lock")
        let kept = try host.files.open("/d/kept", .createNew)
        try kept.write([1, 2, 3], at: 0)
        try kept.sync()
        try host.files.syncDirectory("/d")
        try kept.write([4], at: 3)
        host.crash(.process)
        host.restart()
        #expect(try host.files.readFile("/d/kept") == [1, 2, 3, 4])
        #expect(throws: FileError.self) { try kept.size() }
        _ = try host.files.lock("/d/.lock")
        lock.release()

        var contents: Set<[UInt8]> = []
        for seed in 1...20 as ClosedRange<UInt64> {
            let simulation = SimulatedRuntime(seed: seed)
            let host = simulation.host("a")
            let file = try host.files.open("/f", .createNew)
            try file.write([1], at: 0)
            try file.sync()
            try host.files.syncDirectory("/")
            try file.write([2, 2], at: 1)
            host.crash(.machine)
            host.restart()
            let content = try #require(try host.files.readFile("/f"))
            #expect(content.first == 1)
            contents.insert(content)
        }
        #expect(contents.count > 1)
    }

    @Test func `closing with unread bytes resets the peer`() throws {
        let pair = try Pair(seed: 7)
        let (client, server) = try pair.open()
        let queue = server.connection.queue
        queue.async { server.connection.pauseReading() }
        client.send(Self.bytes)
        try pair.simulation.runUntilIdle()
        queue.async { server.connection.close() }
        try pair.simulation.runUntilIdle()
        #expect(client.closings == [.peer])
        #expect(server.closings == [.local])
        #expect(server.received.isEmpty)
    }

    @Test func `what a vanished client left behind is closed when idle`() throws {
        let pair = try Pair(seed: 8, idleTimeout: 5_000)
        let (_, server) = try pair.open()
        pair.simulation.host("client").crash(.machine)
        try pair.simulation.advance(by: 4_900)
        #expect(server.closings.isEmpty)
        try pair.simulation.advance(by: 200)
        #expect(server.closings == [.idle])
        #expect(pair.simulation.connectionCount == 0)
    }
}
