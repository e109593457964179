// SPDX-License-Identifier: Apache-2.0
internal import KafkaRuntime
internal import Logging
internal import Synchronization

/// One listener of the broker and the connections that came in through it.
package final class ListenerContext: AcceptGate {
    private struct State {
        /// Set once it is bound.
        var listener: (any Listener)?
        var connections: [UInt64: RequestConnection] = [:]
        /// Those that are not served, because their address opens too many.
        var held: [UInt64: HeldConnection] = [:]
        var createdCount = 0
        /// Connections that come in from now on are refused.
        var isClosing = false
    }

    /// The most connections that are held; further ones are closed at once.
    private static let heldMax = 10_000

    /// The listener's name, for example `PLAINTEXT`.
    package let name: String
    /// Whether `max.connections` does not hold it up.
    var isExempt: Bool {
        get { exemption.load(ordering: .relaxed) }
        set { exemption.store(newValue, ordering: .relaxed) }
    }
    let memory: RequestMemory
    let log: Logger
    private let gate: ListenerGate
    private let limits: ConnectionLimits
    private let rates: ConnectionRates
    private let excess: ExcessConnections
    private let exemption = Atomic<Bool>(false)
    private let state = Mutex(State())

    init(
        name: String, gate: ListenerGate, limits: ConnectionLimits, rates: ConnectionRates, excess: ExcessConnections,
        memory: RequestMemory, log: Logger
    ) {
        self.name = name
        self.gate = gate
        self.limits = limits
        self.rates = rates
        self.excess = excess
        self.memory = memory
        self.log = log
    }

    // MARK: Accepting

    package func takePlace() -> Bool {
        guard limits.takePlace(for: self) else { return false }
        if rates.take(for: self) { return true }
        limits.returnPlace(of: self)
        return false
    }

    package func returnPlace() {
        rates.giveBack(self)
        limits.returnPlace(of: self)
    }

    /// Takes the listener over in place of another it may have had.
    func bound(_ listener: any Listener) {
        state.withLock { $0.listener = listener }
        // A place may have become free before there was anybody to tell.
        listener.resumeAccepting()
    }

    func resumeAccepting() { state.withLock { $0.listener }?.resumeAccepting() }

    /// Decides about a new connection, which has its place; nil refuses it. Runs on the connection's reactor.
    func accept(_ connection: any Connection) -> (any ConnectionHandler)? {
        let throttle = rates.throttleTime(of: connection.remoteAddress.host)
        guard throttle == 0 else { return hold(connection, for: throttle) }
        if let reason = limits.admit(connection.remoteAddress) {
            limits.returnPlace(of: self)
            log.warning(
                "connection refused", metadata: ["peer": "\(connection.remoteAddress)", "reason": "\(reason)"])
            return nil
        }
        let handler = RequestConnection(connection: connection, gate: gate, listener: self)
        let isRefused = state.withLock { state in
            if state.isClosing { return true }
            state.connections[connection.id] = handler
            state.createdCount += 1
            return false
        }
        guard !isRefused else {
            limits.release(connection.remoteAddress, of: self)
            return nil
        }
        if isExempt, limits.excess > 0 { excess.look() }
        return handler
    }

    /// Keeps a connection until it is closed. Its place is free for others meanwhile, as for Apache Kafka's: one address
    /// that opens too many must not keep the others out.
    private func hold(_ connection: any Connection, for milliseconds: Int64) -> (any ConnectionHandler)? {
        rates.giveBack(self)
        limits.returnPlace(of: self)
        log.debug(
            "connection held", metadata: ["peer": "\(connection.remoteAddress)", "ms": "\(milliseconds)"])
        let held = HeldConnection(connection, for: milliseconds, listener: self)
        return state.withLock { state in
            guard !state.isClosing, state.held.count < Self.heldMax else { return nil }
            state.held[held.id] = held
            return held
        }
    }

    // MARK: Closing

    func connectionClosed(_ connection: RequestConnection) {
        state.withLock { $0.connections[connection.id] = nil }
        limits.release(connection.remoteAddress, of: self)
    }

    func connectionClosed(_ connection: HeldConnection) {
        _ = state.withLock { $0.held.removeValue(forKey: connection.id) }
    }

    /// In the order of their ids.
    var openConnections: [RequestConnection] { state.withLock { $0.connections.values.sorted { $0.id < $1.id } } }

    func has(_ connection: RequestConnection) -> Bool { state.withLock { $0.connections[connection.id] != nil } }

    package var connectionCount: Int { state.withLock { $0.connections.count } }

    /// How many connections were ever accepted.
    var connectionsCreated: Int { state.withLock { $0.createdCount } }

    /// How many of them have ended.
    var connectionsClosed: Int { state.withLock { $0.createdCount - $0.connections.count } }

    /// Refuses connections from now on, and ends every one once what it has asked is answered.
    func drainConnections() {
        for connection in close() { connection.queue.async { connection.drain() } }
    }

    /// Ends every connection at once.
    func closeConnections() {
        for connection in close() { connection.queue.async { connection.close() } }
    }

    private func close() -> [RequestConnection] {
        let (connections, held) = state.withLock { state in
            state.isClosing = true
            return (
                state.connections.values.sorted { $0.id < $1.id }, state.held.values.sorted { $0.id < $1.id }
            )
        }
        for connection in held { connection.queue.async { connection.close() } }
        return connections
    }
}
