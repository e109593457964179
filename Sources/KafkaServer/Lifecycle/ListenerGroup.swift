// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
internal import KafkaRuntime
internal import Logging
internal import Synchronization

/// The client listeners of a broker.
///
/// Ports are bound before the broker registers, because its registration names them; connections that come in before
/// `open` are held and served after it. Facet: `+Changing`.
///
/// `bind`, `change` and `stopAccepting` are called on the metadata queue, one after another.
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

    struct Member: Sendable {
        var configuration: ListenerConfiguration
        var listener: any Listener
        let context: ListenerContext

        var bound: Bound { Bound(configuration: configuration, address: listener.boundAddress) }
    }

    struct State {
        var members: [Member] = []
        /// Those that were removed and whose connections have not all gone.
        var leaving: [ListenerContext] = []
        /// What `bind` was told; nil before.
        var terms: Terms?
        var isClosed = false
    }

    /// What all listeners have in common.
    struct Terms: Sendable {
        let options: ListenOptions
        /// The listener that brokers use among themselves.
        let interBroker: String
        let excess: ExcessConnections
        let log: Logger
    }

    /// Milliseconds between two looks at whether the connections have gone.
    private static let closingStep: Int64 = 5

    /// Set once the broker serves; until then connections are held.
    private let gate = ListenerGate()
    let limits: ConnectionLimits
    private let rates: ConnectionRates
    private let memory: RequestMemory
    let runtime: Runtime
    let state = Mutex(State())

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
        state.withLock { $0.terms }?.excess.look()
    }

    /// Takes over how fast addresses may open connections.
    func update(_ quotas: ClientQuotas) { rates.update(quotas) }

    var bound: [Bound] { state.withLock { $0.members.map(\.bound) } }

    var contexts: [ListenerContext] { state.withLock { $0.members.map(\.context) } }

    /// Binds every client listener. On an error those that were bound stay; `close` them.
    ///
    /// - Parameters:
    ///   - present: the listeners with what was set while the broker ran. One of them that cannot be bound, and is not
    ///     in the file, does not keep the broker from starting: the file's of that name takes its place, or none.
    ///   - interBroker: the name of the listener that brokers use among themselves. Where clients have another
    ///     one it is not subject to `max.connections`.
    func bind(
        _ configuration: NetworkConfiguration, present: [ListenerConfiguration]? = nil, interBroker: String,
        log: Logger
    ) throws(NetworkError) {
        var options = ListenOptions()
        options.backlog = configuration.listenBacklog
        options.sendBufferBytes = configuration.sendBufferBytes
        options.receiveBufferBytes = configuration.receiveBufferBytes
        options.idleTimeout = configuration.idleTimeoutMilliseconds
        let excess = ExcessConnections(limits, runtime: runtime, log: log) { [weak self] in self?.contexts ?? [] }
        let terms = Terms(options: options, interBroker: interBroker, excess: excess, log: log)
        state.withLock { $0.terms = terms }
        let listeners = (present ?? configuration.listeners).filter { !$0.isController }
        for listener in listeners {
            let filed = configuration.listeners.first { $0.name == listener.name }
            do throws(NetworkError) {
                try add(listener, terms)
            } catch {
                guard filed?.address != listener.address else { throw error }
                log.error(
                    "listener set while running not bound",
                    metadata: ["listener": "\(listener.name)", "reason": "\(error)"])
                if let filed { try add(filed, terms) }
            }
        }
        updateExemption()
    }

    /// Binds a listener of a name that there is none of yet.
    func add(_ listener: ListenerConfiguration, _ terms: Terms) throws(NetworkError) {
        let context = ListenerContext(
            name: listener.name, gate: gate, limits: limits, rates: rates, excess: terms.excess, memory: memory,
            log: terms.log)
        let bound = try listen(on: listener.address, terms, context)
        state.withLock { $0.members.append(Member(configuration: listener, listener: bound, context: context)) }
    }

    /// Has connections that come in at `address` served by `context`.
    func listen(
        on address: SocketAddress, _ terms: Terms, _ context: ListenerContext
    ) throws(NetworkError) -> any Listener {
        var options = terms.options
        options.gate = context
        let bound = try runtime.network.listen(on: address, options: options) { context.accept($0) }
        context.bound(bound)
        return bound
    }

    /// The listener between brokers need not care for the broker's limits while there is another.
    func updateExemption() {
        state.withLock { state in
            for member in state.members {
                member.context.isExempt = state.members.count > 1 && member.context.name == state.terms?.interBroker
            }
        }
    }

    /// Serves the connections that are held, and those to come.
    func open(_ broker: BrokerContext) { gate.open(broker) }

    /// Stops accepting.
    func stopAccepting() {
        let listeners = state.withLock { state in
            state.isClosed = true
            return state.members.map(\.listener)
        }
        for listener in listeners { listener.close() }
    }

    /// Takes no further request and ends every connection once it is answered; those that have not gone after `timeout`
    /// milliseconds are cut off. `completion` runs when all are gone.
    func closeConnections(timeout: Int64, on queue: any SerialQueue, completion: @escaping @Sendable () -> Void) {
        let contexts = state.withLock { $0.members.map(\.context) + $0.leaving }
        close(contexts, timeout: timeout, on: queue, completion: completion)
    }

    /// Ends the connections of these listeners.
    func close(
        _ contexts: [ListenerContext], timeout: Int64, on queue: any SerialQueue,
        completion: @escaping @Sendable () -> Void
    ) {
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
