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
        var createdCount = 0
        /// Connections that come in from now on are refused.
        var isClosing = false
    }

    /// The listener's name, for example `PLAINTEXT`.
    package let name: String
    /// Whether `max.connections` does not hold it up.
    let isExempt: Bool
    let memory: RequestMemory
    let log: Logger
    private let gate: ListenerGate
    private let limits: ConnectionLimits
    private let state = Mutex(State())

    init(
        name: String, isExempt: Bool, gate: ListenerGate, limits: ConnectionLimits, memory: RequestMemory, log: Logger
    ) {
        self.name = name
        self.isExempt = isExempt
        self.gate = gate
        self.limits = limits
        self.memory = memory
        self.log = log
    }

    // MARK: Accepting

    package func takePlace() -> Bool { limits.takePlace(for: self) }

    package func returnPlace() { limits.returnPlace() }

    func bound(_ listener: any Listener) {
        state.withLock { $0.listener = listener }
        // A place may have become free before there was anybody to tell.
        listener.resumeAccepting()
    }

    func resumeAccepting() { state.withLock { $0.listener }?.resumeAccepting() }

    /// Decides about a new connection, which has its place; nil refuses it. Runs on the connection's reactor.
    func accept(_ connection: any Connection) -> (any ConnectionHandler)? {
        if let reason = limits.admit(connection.remoteAddress) {
            limits.returnPlace()
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
            limits.release(connection.remoteAddress)
            return nil
        }
        return handler
    }

    // MARK: Closing

    func connectionClosed(_ connection: RequestConnection) {
        state.withLock { $0.connections[connection.id] = nil }
        limits.release(connection.remoteAddress)
    }

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
        state.withLock { state in
            state.isClosing = true
            return state.connections.values.sorted { $0.id < $1.id }
        }
    }
}
