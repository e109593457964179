// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import Synchronization

/// A connection handler that does what a test case says and notes what it was told.
///
/// `@unchecked Sendable`: `connection` is set before the handler is handed over and not changed; what the cases look at
/// from outside is behind the lock.
final class ScriptedPeer: ConnectionHandler, @unchecked Sendable {
    struct Log {
        /// Everything used up, in order.
        var consumed: [UInt8] = []
        /// How many bytes each call showed.
        var shows: [Int] = []
        var drains = 0
        var closings: [CloseReason] = []
        /// Calls of `received` or `drained` after `closed`, and calls off the connection's queue.
        var violations: [String] = []
    }

    typealias Receive = @Sendable (ScriptedPeer, UnsafeMutableRawBufferPointer) -> Consumption

    let connection: any Connection
    private let receive: Receive
    private let onDrained: @Sendable (ScriptedPeer) -> Void
    private let log = Mutex(Log())
    /// Only touched on the connection's queue.
    private var isReceiving = false

    init(
        _ connection: any Connection, receive: @escaping Receive = ScriptedPeer.takeAll,
        onDrained: @escaping @Sendable (ScriptedPeer) -> Void = { _ in }
    ) {
        self.connection = connection
        self.onDrained = onDrained
        self.receive = receive
    }

    static let takeAll: Receive = { _, bytes in Consumption(consumed: bytes.count) }

    static let echo: Receive = { peer, bytes in
        peer.connection.send(UnsafeRawBufferPointer(bytes))
        return Consumption(consumed: bytes.count)
    }

    var seen: Log { log.withLock { $0 } }
    var consumedCount: Int { log.withLock { $0.consumed.count } }
    var isClosed: Bool { log.withLock { !$0.closings.isEmpty } }

    func send(_ bytes: [UInt8]) { bytes.withUnsafeBytes { connection.send($0) } }

    /// Runs `body` on the connection's queue.
    func onQueue(_ body: @escaping @Sendable (ScriptedPeer) -> Void) {
        connection.queue.async { body(self) }
    }

    func received(_ bytes: UnsafeMutableRawBufferPointer) -> Consumption {
        check("received")
        log.withLock { $0.shows.append(bytes.count) }
        isReceiving = true
        let consumption = receive(self, bytes)
        isReceiving = false
        log.withLock { $0.consumed.append(contentsOf: bytes[..<consumption.consumed]) }
        return consumption
    }

    func drained() {
        check("drained")
        log.withLock { $0.drains += 1 }
        onDrained(self)
    }

    func closed(_ reason: CloseReason) {
        check("closed")
        log.withLock { $0.closings.append(reason) }
    }

    private func check(_ call: String) {
        let isCurrent = connection.queue.isCurrent
        let isNested = isReceiving
        log.withLock { log in
            if isNested { log.violations.append("\(call) inside received") }
            if !isCurrent { log.violations.append("\(call) off the queue") }
            if !log.closings.isEmpty { log.violations.append("\(call) after closed") }
        }
    }
}

/// A listener and a connected pair of peers.
struct ConnectedPair {
    let listener: any Listener
    let server: ScriptedPeer
    let client: ScriptedPeer

    init(
        _ world: any ConformanceWorld, options: ListenOptions = ListenOptions(),
        clientOptions: ListenOptions = ListenOptions(),
        server makeServer: @escaping @Sendable (any Connection) -> ScriptedPeer = { ScriptedPeer($0) },
        client makeClient: @escaping @Sendable (any Connection) -> ScriptedPeer = { ScriptedPeer($0) }
    ) throws {
        let accepted = Recorder<ScriptedPeer>()
        let connected = Recorder<ScriptedPeer>()
        let failures = Recorder<String>()
        let network = world.runtime.network
        listener = try network.listen(on: SocketAddress(host: "127.0.0.1", port: 0), options: options) { connection in
            let peer = makeServer(connection)
            accepted.append(peer)
            return peer
        }
        network.connect(
            to: SocketAddress(host: "127.0.0.1", port: listener.boundAddress.port),
            on: network.reactors[network.reactors.count - 1], options: clientOptions
        ) { result in
            switch result {
            case .success(let connection):
                let peer = makeClient(connection)
                connected.append(peer)
                return peer
            case .failure(let error):
                failures.append(error.description)
                return nil
            }
        }
        try world.expectSoon("a connection") {
            (accepted.count == 1 && connected.count == 1) || failures.count > 0
        }
        try expectEqual(failures.all, [], "failures to connect")
        server = accepted.all[0]
        client = connected.all[0]
    }

    /// Closes what is open and checks the rules that hold for every connection.
    func finish(_ world: any ConformanceWorld) throws {
        listener.close()
        for peer in [server, client] { peer.onQueue { $0.connection.close() } }
        try world.expectSoon("both ends closed") { server.isClosed && client.isClosed }
        world.settle(milliseconds: 5)
        for (name, peer) in [("server", server), ("client", client)] {
            let seen = peer.seen
            try expectEqual(seen.violations, [], "violations at the \(name)")
            try expectEqual(seen.closings.count, 1, "calls of closed at the \(name)")
        }
    }
}

/// Bytes that show where in a stream they belong.
func pattern(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    // Words at a time: the long ones are megabytes, and tests are not optimised.
    var words = [UInt64](repeating: 0, count: (count + 7) / 8)
    for index in words.indices {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        words[index] = state
    }
    return words.withUnsafeBytes { Array($0.prefix(count)) }
}
