// SPDX-License-Identifier: Apache-2.0
internal import KafkaRuntime
internal import Synchronization

/// Counts connections against `max.connections`, the broker's and listeners', and `max.connections.per.ip` with its
/// overrides.
///
/// Totals are kept by accepting no more: further connections wait in the operating system's queue until one closes
/// (KIP-402). The limit for an address is only known once a connection is accepted, so those above it are closed.
final class ConnectionLimits: Sendable {
    /// What the configuration allows.
    struct Maxima: Sendable {
        var total: Int
        /// By the listener's name, where it has one of its own.
        var byListener: [String: Int] = [:]
        var perAddress: Int
        /// Addresses with another one.
        var overrides: [String: Int]
    }

    private struct Counts {
        var maxima: Maxima
        var total = 0
        var byListener: [String: Int] = [:]
        var byAddress: [String: Int] = [:]
        /// Listeners that stopped accepting, in the order in which they did.
        var waiting: [ListenerContext] = []

        /// A listener between brokers need not care for the total, so that clients cannot keep the cluster's own traffic
        /// out.
        func hasPlace(for listener: ListenerContext) -> Bool {
            guard byListener[listener.name, default: 0] < maxima.byListener[listener.name] ?? .max else { return false }
            return total < maxima.total || listener.isExempt
        }

        /// Takes out the first of those that wait and may go on.
        mutating func nextWaiting() -> ListenerContext? {
            guard let first = waiting.firstIndex(where: { hasPlace(for: $0) }) else { return nil }
            return waiting.remove(at: first)
        }
    }

    private let counts: Mutex<Counts>

    init(_ maxima: Maxima) { counts = Mutex(Counts(maxima: maxima)) }

    /// Takes over other limits. Listeners that may go on accepting are told.
    func update(_ maxima: Maxima) {
        let resumed = counts.withLock { counts -> [ListenerContext] in
            counts.maxima = maxima
            let resumed = counts.waiting.filter { counts.hasPlace(for: $0) }
            counts.waiting.removeAll { listener in resumed.contains { $0 === listener } }
            return resumed
        }
        for listener in resumed { listener.resumeAccepting() }
    }

    // MARK: In all

    /// Takes a place for a connection that `listener` is about to accept. False: there is none, and the listener's
    /// `resumeAccepting` is called when there may be.
    func takePlace(for listener: ListenerContext) -> Bool {
        counts.withLock { counts in
            guard counts.hasPlace(for: listener) else {
                if !counts.waiting.contains(where: { $0 === listener }) { counts.waiting.append(listener) }
                return false
            }
            counts.total += 1
            counts.byListener[listener.name, default: 0] += 1
            return true
        }
    }

    /// Gives back a place.
    func returnPlace(of listener: ListenerContext) {
        let next = counts.withLock { counts -> ListenerContext? in
            counts.total -= 1
            counts.byListener[listener.name, default: 1] -= 1
            return counts.nextWaiting()
        }
        next?.resumeAccepting()
    }

    /// Forgets that a listener waits, which is closed: its turn would be lost for others.
    func forget(_ listener: ListenerContext) {
        let next = counts.withLock { counts -> ListenerContext? in
            counts.waiting.removeAll { $0 === listener }
            return counts.nextWaiting()
        }
        next?.resumeAccepting()
    }

    var total: Int { counts.withLock { $0.total } }

    /// How many there are more than the broker may have.
    var excess: Int { counts.withLock { max(0, $0.total - $0.maxima.total) } }

    // MARK: By address

    /// Counts a connection in that has its place; the reason to refuse it where its address has too many.
    func admit(_ peer: SocketAddress) -> String? {
        counts.withLock { counts in
            let limit = counts.maxima.overrides[peer.host] ?? counts.maxima.perAddress
            guard counts.byAddress[peer.host, default: 0] < limit else {
                return "max.connections.per.ip \(limit) reached for \(peer.host)"
            }
            counts.byAddress[peer.host, default: 0] += 1
            return nil
        }
    }

    /// Counts out a connection that was admitted, with its place.
    func release(_ peer: SocketAddress, of listener: ListenerContext) {
        counts.withLock { counts in
            let left = counts.byAddress[peer.host, default: 1] - 1
            counts.byAddress[peer.host] = left > 0 ? left : nil
        }
        returnPlace(of: listener)
    }
}
