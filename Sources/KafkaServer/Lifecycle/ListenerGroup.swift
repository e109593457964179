// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaRuntime
internal import Logging
internal import Synchronization

/// The client listeners of a broker.
///
/// Ports are bound before the broker registers, because its registration names them; connections that come in before
/// `open` are held and served after it.
final class ListenerGroup: Sendable {
    /// A listener that is bound.
    struct Bound: Sendable {
        let configuration: ListenerConfiguration
        let address: SocketAddress

        /// What clients are told.
        var advertised: SocketAddress? {
            configuration.advertisedAddress.map {
                SocketAddress(host: $0.host, port: $0.port == 0 ? address.port : $0.port)
            }
        }
    }

    private struct State {
        var listeners: [(bound: Bound, listener: any Listener)] = []
        var contexts: [ListenerContext] = []
        var isClosed = false
    }

    /// Set once the broker serves; until then connections are held.
    private let gate = ListenerGate()
    private let limits: ConnectionLimits
    private let state = Mutex(State())

    init(_ configuration: NetworkConfiguration) {
        limits = ConnectionLimits(
            maximum: configuration.connectionsMax, maximumPerAddress: configuration.connectionsPerAddressMax,
            overrides: configuration.connectionsPerAddressOverrides)
    }

    var bound: [Bound] { state.withLock { $0.listeners.map(\.bound) } }

    /// Binds every client listener. On an error those that were bound stay; `close` them.
    func bind(_ configuration: NetworkConfiguration, runtime: Runtime, log: Logger) throws(NetworkError) {
        var options = ListenOptions()
        options.backlog = configuration.listenBacklog
        options.sendBufferBytes = configuration.sendBufferBytes
        options.receiveBufferBytes = configuration.receiveBufferBytes
        options.idleTimeout = configuration.idleTimeoutMilliseconds
        for listener in configuration.listeners where !listener.isController {
            let context = ListenerContext(name: listener.name, gate: gate, limits: limits, log: log)
            let bound = try runtime.network.listen(on: listener.address, options: options) { context.accept($0) }
            state.withLock { state in
                state.listeners.append((Bound(configuration: listener, address: bound.boundAddress), bound))
                state.contexts.append(context)
            }
        }
    }

    /// Serves the connections that are held, and those to come.
    func open(_ broker: BrokerContext) { gate.open(broker) }

    /// Stops accepting.
    func stopAccepting() {
        let listeners = state.withLock { state in
            state.isClosed = true
            return state.listeners.map(\.listener)
        }
        for listener in listeners { listener.close() }
    }

    /// Ends every connection once what was answered has been sent; `completion` runs when all are gone, or when `timeout`
    /// milliseconds have passed.
    func closeConnections(timeout: Int64, on queue: any SerialQueue, completion: @escaping @Sendable () -> Void) {
        let contexts = state.withLock { $0.contexts }
        for context in contexts { context.closeConnections() }
        wait(contexts, step: 5, left: timeout, on: queue, completion: completion)
    }

    private func wait(
        _ contexts: [ListenerContext], step: Int64, left: Int64, on queue: any SerialQueue,
        completion: @escaping @Sendable () -> Void
    ) {
        guard left > 0, contexts.contains(where: { $0.connectionCount > 0 }) else { return completion() }
        queue.schedule(after: step) { [self] in
            wait(contexts, step: step, left: left - step, on: queue, completion: completion)
        }
    }
}

/// Holds connections until the broker serves.
package final class ListenerGate: Sendable {
    private struct State {
        var broker: BrokerContext?
        var held: [RequestConnection] = []
    }

    private let state = Mutex(State())

    /// The broker, once it serves; until then remembers who asked.
    func broker(for connection: RequestConnection) -> BrokerContext? {
        state.withLock { state in
            if state.broker == nil { state.held.append(connection) }
            return state.broker
        }
    }

    func open(_ broker: BrokerContext) {
        let held = state.withLock { state in
            state.broker = broker
            defer { state.held = [] }
            return state.held
        }
        for connection in held { connection.queue.async { connection.begin(broker) } }
    }
}
