// SPDX-License-Identifier: Apache-2.0
internal import KafkaRuntime
internal import Logging

/// Closes connections where there are more than `max.connections`: because it was lowered, or because the listener between
/// brokers, which it does not hold up, has let one in (KIP-402). Those that were used least recently go, of the listeners
/// that it is for.
///
/// Confined to its queue, which is what makes it `@unchecked Sendable`.
final class ExcessConnections: @unchecked Sendable {
    private struct Candidate: Sendable {
        let connection: RequestConnection
        let listener: ListenerContext
        var lastActivity: Int64 = 0
    }

    /// Milliseconds between two looks at whether those that were closed are gone.
    private static let closingStep: Int64 = 5

    private let limits: ConnectionLimits
    private let queue: any SerialQueue
    private let log: Logger
    private let listeners: @Sendable () -> [ListenerContext]
    /// Set until those that were chosen are gone, so that none is closed in the place of one that goes.
    private var isClosing = false
    private var gathered: [Candidate] = []
    /// How many reactors have not told yet when their connections were used.
    private var outstanding = 0

    init(
        _ limits: ConnectionLimits, runtime: Runtime, log: Logger,
        listeners: @escaping @Sendable () -> [ListenerContext]
    ) {
        self.limits = limits
        self.log = log
        self.listeners = listeners
        queue = runtime.queues.makeQueue(label: "excess-connections")
    }

    /// Sees to it that there are not too many for long. From any thread.
    func look() { queue.async { [self] in closeExcess() } }

    private func closeExcess() {
        guard !isClosing, limits.excess > 0 else { return }
        let candidates = listeners().filter { !$0.isExempt }.flatMap { listener in
            listener.openConnections.map { Candidate(connection: $0, listener: listener) }
        }
        guard !candidates.isEmpty else { return }
        isClosing = true
        var reactors: [(queue: any SerialQueue, candidates: [Candidate])] = []
        for candidate in candidates {
            let reactor = candidate.connection.queue
            if let place = reactors.firstIndex(where: { $0.queue === reactor }) {
                reactors[place].candidates.append(candidate)
            } else {
                reactors.append((reactor, [candidate]))
            }
        }
        outstanding = reactors.count
        for (reactor, candidates) in reactors {
            reactor.async { [self] in
                let dated = candidates.map { candidate in
                    var dated = candidate
                    dated.lastActivity = candidate.connection.lastActivity
                    return dated
                }
                queue.async { [self] in gather(dated) }
            }
        }
    }

    private func gather(_ candidates: [Candidate]) {
        gathered += candidates
        outstanding -= 1
        guard outstanding == 0 else { return }
        let ordered = gathered.sorted {
            ($0.lastActivity, $0.connection.id) < ($1.lastActivity, $1.connection.id)
        }
        gathered = []
        let chosen = Array(ordered.prefix(limits.excess))
        for candidate in chosen {
            log.info(
                "connection closed for want of places",
                metadata: ["peer": "\(candidate.connection.remoteAddress)", "listener": "\(candidate.listener.name)"])
            candidate.connection.queue.async { candidate.connection.close() }
        }
        wait(for: chosen)
    }

    private func wait(for chosen: [Candidate]) {
        let left = chosen.filter { $0.listener.has($0.connection) }
        if left.isEmpty {
            isClosing = false
            return closeExcess()
        }
        queue.schedule(after: Self.closingStep) { [self] in wait(for: left) }
    }
}
