// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import Synchronization

extension RuntimeConformance {
    /// How a gate holds connections up.
    package static var gates: [ConformanceCase] {
        [
            ConformanceCase("gates: as many are accepted as there are places, the others wait", letsInAsManyAsFit),
            ConformanceCase("gates: every place that is taken goes with a connection or comes back", keepsCount),
            ConformanceCase("gates: resuming where nothing waits does nothing", resumesInVain),
            ConformanceCase("gates: a listener that waits for a place closes", closesWhileWaiting),
        ]
    }

    /// A gate with so many places.
    private final class Places: AcceptGate {
        private let state: Mutex<(free: Int, least: Int)>

        init(_ count: Int) { state = Mutex((count, count)) }

        var free: Int { state.withLock { $0.free } }
        /// The fewest that were ever free.
        var least: Int { state.withLock { $0.least } }

        func takePlace() -> Bool {
            state.withLock { state in
                guard state.free > 0 else { return false }
                state.free -= 1
                state.least = min(state.least, state.free)
                return true
            }
        }

        func returnPlace() { state.withLock { $0.free += 1 } }
    }

    private static func listen(
        _ world: any ConformanceWorld, _ gate: Places, _ accepted: Recorder<ScriptedPeer>
    ) throws -> any Listener {
        var options = ListenOptions()
        options.gate = gate
        return try world.runtime.network.listen(
            on: SocketAddress(host: "127.0.0.1", port: 0), options: options
        ) { connection in
            let peer = ScriptedPeer(connection, receive: ScriptedPeer.echo)
            accepted.append(peer)
            return peer
        }
    }

    /// A client that sends a byte as soon as it is connected.
    private static func connect(
        _ world: any ConformanceWorld, _ listener: any Listener, _ clients: Recorder<ScriptedPeer>
    ) {
        let network = world.runtime.network
        network.connect(
            to: SocketAddress(host: "127.0.0.1", port: listener.boundAddress.port), on: network.reactors[0],
            options: ListenOptions()
        ) { result in
            guard let connection = try? result.get() else { return nil }
            let peer = ScriptedPeer(connection)
            peer.send([7])
            clients.append(peer)
            return peer
        }
    }

    private static func letsInAsManyAsFit(_ world: any ConformanceWorld) throws {
        let gate = Places(2)
        let (accepted, clients) = (Recorder<ScriptedPeer>(), Recorder<ScriptedPeer>())
        let listener = try listen(world, gate, accepted)
        for _ in 0..<5 { connect(world, listener, clients) }
        try world.expectSoon("two connections") { accepted.count == 2 }
        world.settle()
        try expectEqual(accepted.count, 2, "connections in two places")
        for number in 3...5 {
            gate.returnPlace()
            listener.resumeAccepting()
            try world.expectSoon("connection \(number)") { accepted.count == number }
            world.settle()
            try expectEqual(accepted.count, number, "connections after one more place")
        }
        // What those sent who waited has not been lost.
        try world.expectSoon("an echo for everybody") {
            clients.count == 5 && clients.all.allSatisfy { $0.consumedCount == 1 }
        }
        listener.close()
        for peer in accepted.all + clients.all { peer.onQueue { $0.connection.close() } }
        try world.expectSoon("all closed") { (accepted.all + clients.all).allSatisfy(\.isClosed) }
    }

    private static func keepsCount(_ world: any ConformanceWorld) throws {
        let gate = Places(3)
        let (accepted, clients) = (Recorder<ScriptedPeer>(), Recorder<ScriptedPeer>())
        let listener = try listen(world, gate, accepted)
        for number in 1...2 {
            connect(world, listener, clients)
            try world.expectSoon("connection \(number)") { accepted.count == number && gate.free == 3 - number }
        }
        world.settle()
        try expectEqual(gate.free, 1, "places left with two connections")
        try expect(gate.least >= 0, "more places were taken than there are")
        listener.close()
        for peer in accepted.all + clients.all { peer.onQueue { $0.connection.close() } }
        try world.expectSoon("all closed") { (accepted.all + clients.all).allSatisfy(\.isClosed) }
        try expectEqual(gate.free, 1, "places left: a connection's is its owner's to give back")
    }

    private static func resumesInVain(_ world: any ConformanceWorld) throws {
        let gate = Places(1)
        let (accepted, clients) = (Recorder<ScriptedPeer>(), Recorder<ScriptedPeer>())
        let listener = try listen(world, gate, accepted)
        for _ in 0..<3 { listener.resumeAccepting() }
        connect(world, listener, clients)
        try world.expectSoon("a connection") { accepted.count == 1 }
        for _ in 0..<3 { listener.resumeAccepting() }
        world.settle()
        listener.close()
        listener.resumeAccepting()
        for peer in accepted.all + clients.all { peer.onQueue { $0.connection.close() } }
        try world.expectSoon("all closed") { (accepted.all + clients.all).allSatisfy(\.isClosed) }
    }

    private static func closesWhileWaiting(_ world: any ConformanceWorld) throws {
        let (accepted, clients) = (Recorder<ScriptedPeer>(), Recorder<ScriptedPeer>())
        let listener = try listen(world, Places(0), accepted)
        connect(world, listener, clients)
        world.settle()
        listener.close()
        try world.expectSoon("the end of those who waited") { clients.all.allSatisfy(\.isClosed) }
        try expectEqual(accepted.count, 0, "connections accepted without a place")
        let again = try world.runtime.network.listen(
            on: SocketAddress(host: "127.0.0.1", port: listener.boundAddress.port), options: ListenOptions()
        ) { ScriptedPeer($0) }
        again.close()
    }
}
