// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
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

    /// Milliseconds between two looks at whether the connections have gone.
    private static let closingStep: Int64 = 5

    /// Set once the broker serves; until then connections are held.
    private let gate = ListenerGate()
    private let limits: ConnectionLimits
    private let rates: ConnectionRates
    private let memory: RequestMemory
    private let runtime: Runtime
    private let state = Mutex(State())

    init(
        _ configuration: NetworkConfiguration, _ quotas: QuotaConfiguration, _ memory: RequestMemory, runtime: Runtime
    ) {
        self.memory = memory
        self.runtime = runtime
        limits = ConnectionLimits(configuration.connectionMaxima)
        rates = ConnectionRates(quotas, limits: configuration.connectionRates, runtime: runtime)
    }

    /// Takes over the limits of connections.
    func update(_ configuration: NetworkConfiguration) {
        limits.update(configuration.connectionMaxima)
        rates.update(configuration.connectionRates)
    }

    /// Takes over how fast addresses may open connections.
    func update(_ quotas: ClientQuotas) { rates.update(quotas) }

    var bound: [Bound] { state.withLock { $0.listeners.map(\.bound) } }

    var contexts: [ListenerContext] { state.withLock { $0.contexts } }

    /// Binds every client listener. On an error those that were bound stay; `close` them.
    ///
    /// - Parameter interBroker: the name of the listener that brokers use among themselves. Where clients have another
    ///   one it is not subject to `max.connections`.
    func bind(
        _ configuration: NetworkConfiguration, interBroker: String, log: Logger
    ) throws(NetworkError) {
        var options = ListenOptions()
        options.backlog = configuration.listenBacklog
        options.sendBufferBytes = configuration.sendBufferBytes
        options.receiveBufferBytes = configuration.receiveBufferBytes
        options.idleTimeout = configuration.idleTimeoutMilliseconds
        let listeners = configuration.listeners.filter { !$0.isController }
        for listener in listeners {
            let context = ListenerContext(
                name: listener.name, isExempt: listeners.count > 1 && listener.name == interBroker, gate: gate,
                limits: limits, rates: rates, memory: memory, log: log)
            options.gate = context
            let bound = try runtime.network.listen(on: listener.address, options: options) { context.accept($0) }
            context.bound(bound)
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

    /// Takes no further request and ends every connection once it is answered; those that have not gone after `timeout`
    /// milliseconds are cut off. `completion` runs when all are gone.
    func closeConnections(timeout: Int64, on queue: any SerialQueue, completion: @escaping @Sendable () -> Void) {
        let contexts = state.withLock { $0.contexts }
        for context in contexts { context.drainConnections() }
        wait(contexts, left: timeout, on: queue, completion: completion)
    }

    private func wait(
        _ contexts: [ListenerContext], left: Int64, on queue: any SerialQueue,
        completion: @escaping @Sendable () -> Void
    ) {
        guard contexts.contains(where: { $0.connectionCount > 0 }) else { return completion() }
        if left <= 0 { for context in contexts { context.closeConnections() } }
        queue.schedule(after: Self.closingStep) { [self] in
            wait(contexts, left: left - Self.closingStep, on: queue, completion: completion)
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

extension NetworkConfiguration {
    fileprivate var connectionMaxima: ConnectionLimits.Maxima {
        ConnectionLimits.Maxima(
            total: connectionsMax, byListener: connectionsPerListenerMax, perAddress: connectionsPerAddressMax,
            overrides: connectionsPerAddressOverrides)
    }
}
