// SPDX-License-Identifier: Apache-2.0
package import KafkaRuntime
package import KafkaServer
package import Logging
internal import Synchronization

/// Serves metrics and health over HTTP (`metrics.listener`).
///
/// Connections live on the broker's reactors; what takes longer than a look, collecting the metrics, is done on a
/// background thread, for one request at a time, and all who asked meanwhile get the next one's result.
package final class ConsoleListener: AcceptGate {
    /// Connections that are open at once; more wait where the operating system keeps them.
    private static let connectionsMax = 64
    /// Milliseconds that a connection may take for a request, or for taking the answer.
    static let patience: Int64 = 30_000

    private struct State {
        var listener: (any Listener)?
        var connectionCount = 0
        var connections: [UInt64: ConsoleConnection] = [:]
        var isClosed = false
    }

    private struct Scrapes {
        var isRunning = false
        var waiting: [@Sendable (HTTPResponse) -> Void] = []
    }

    private let metrics: BrokerMetrics
    private let runtime: Runtime
    private let log: Logger
    private let failureReason: @Sendable () -> String?
    private let state = Mutex(State())
    private let scrapes = Mutex(Scrapes())

    /// - Parameter failureReason: why the broker cannot go on; nil while it can.
    package init(
        _ metrics: BrokerMetrics, runtime: Runtime, log: Logger,
        failureReason: @escaping @Sendable () -> String? = { nil }
    ) {
        self.metrics = metrics
        self.runtime = runtime
        self.log = log
        self.failureReason = failureReason
    }

    // MARK: Life

    /// Binds the port. Returns where it listens.
    package func start(on address: SocketAddress) throws(NetworkError) -> SocketAddress {
        var options = ListenOptions()
        options.gate = self
        options.idleTimeout = Self.patience
        let listener = try runtime.network.listen(on: address, options: options) { [weak self] in self?.accept($0) }
        state.withLock { $0.listener = listener }
        log.info("metrics are served", metadata: ["address": "\(listener.boundAddress)"])
        return listener.boundAddress
    }

    /// Closes the port and every connection.
    package func stop() {
        let (listener, connections) = state.withLock { state in
            state.isClosed = true
            return (state.listener, state.connections.values.sorted { $0.id < $1.id })
        }
        listener?.close()
        for connection in connections { connection.queue.async { connection.close() } }
    }

    // MARK: AcceptGate

    package func takePlace() -> Bool {
        state.withLock { state in
            guard state.connectionCount < Self.connectionsMax else { return false }
            state.connectionCount += 1
            return true
        }
    }

    package func returnPlace() {
        let listener = state.withLock { state in
            state.connectionCount -= 1
            return state.listener
        }
        listener?.resumeAccepting()
    }

    private func accept(_ connection: any Connection) -> (any ConnectionHandler)? {
        let handler = ConsoleConnection(connection, console: self)
        let isRefused = state.withLock { state in
            if !state.isClosed { state.connections[connection.id] = handler }
            return state.isClosed
        }
        guard !isRefused else {
            returnPlace()
            return nil
        }
        handler.begin()
        return handler
    }

    func closed(_ connection: ConsoleConnection) {
        state.withLock { $0.connections[connection.id] = nil }
        returnPlace()
    }

    // MARK: Answers

    /// Calls `answer` with what `path` holds: at once, or later and from any thread.
    func respond(to path: String, _ answer: @escaping @Sendable (HTTPResponse) -> Void) {
        switch path {
        case "/metrics": scrape(answer)
        case "/healthz":
            if let reason = failureReason() {
                answer(HTTPResponse(.unavailable, body: Array("\(reason)\n".utf8)))
            } else {
                answer(HTTPResponse(.ok))
            }
        case "/readyz": answer(HTTPResponse(metrics.isServing && failureReason() == nil ? .ok : .unavailable))
        default: answer(HTTPResponse(.notFound))
        }
    }

    private func scrape(_ answer: @escaping @Sendable (HTTPResponse) -> Void) {
        let begins = scrapes.withLock { scrapes in
            scrapes.waiting.append(answer)
            defer { scrapes.isRunning = true }
            return !scrapes.isRunning
        }
        if begins { scrapeOnce() }
    }

    private func scrapeOnce() {
        let waiting = scrapes.withLock { scrapes in
            defer { scrapes.waiting = [] }
            return scrapes.waiting
        }
        metrics.collect { [self] snapshot in
            let response = HTTPResponse(
                .ok, contentType: PrometheusText.contentType, body: PrometheusText.render(snapshot))
            for answer in waiting { answer(response) }
            let goesOn = scrapes.withLock { scrapes in
                scrapes.isRunning = !scrapes.waiting.isEmpty
                return scrapes.isRunning
            }
            if goesOn { scrapeOnce() }
        }
    }
}
