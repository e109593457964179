// SPDX-License-Identifier: Apache-2.0
internal import KafkaRuntime
internal import Logging
internal import Synchronization

/// One listener of the broker and the connections that came in through it.
package final class ListenerContext: Sendable {
    /// The listener's name, for example `PLAINTEXT`.
    package let name: String
    let log: Logger
    private let gate: ListenerGate
    private let limits: ConnectionLimits
    private let connections = Mutex<[UInt64: any Connection]>([:])

    init(name: String, gate: ListenerGate, limits: ConnectionLimits, log: Logger) {
        self.name = name
        self.gate = gate
        self.limits = limits
        self.log = log
    }

    /// Decides about a new connection; nil refuses it. Runs on the connection's reactor.
    func accept(_ connection: any Connection) -> (any ConnectionHandler)? {
        if case .refused(let reason) = limits.admit(connection.remoteAddress) {
            log.warning(
                "connection refused", metadata: ["peer": "\(connection.remoteAddress)", "reason": "\(reason)"])
            return nil
        }
        connections.withLock { $0[connection.id] = connection }
        return RequestConnection(connection: connection, gate: gate, listener: self)
    }

    func connectionClosed(_ connection: any Connection) {
        connections.withLock { $0[connection.id] = nil }
        limits.release(connection.remoteAddress)
    }

    package var connectionCount: Int { connections.withLock { $0.count } }

    /// Ends every connection once what was answered has been sent.
    func closeConnections() {
        let all = connections.withLock { $0.values.sorted { $0.id < $1.id } }
        for connection in all {
            connection.queue.async { connection.closeAfterSending() }
        }
    }
}
