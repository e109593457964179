// SPDX-License-Identifier: Apache-2.0
internal import KafkaRuntime
internal import Synchronization

/// Counts connections against `max.connections`, `max.connections.per.ip` and its overrides.
///
/// The total is kept by accepting no more: further connections wait in the operating system's queue until one closes
/// (KIP-402). The limit for an address is only known once a connection is accepted, so those above it are closed.
final class ConnectionLimits: Sendable {
    private struct Counts {
        var maximum: Int
        var maximumPerAddress: Int
        var overrides: [String: Int]
        var total = 0
        var byAddress: [String: Int] = [:]
        /// Listeners that stopped accepting, in the order in which they did.
        var waiting: [ListenerContext] = []
    }

    private let counts: Mutex<Counts>

    init(maximum: Int, maximumPerAddress: Int, overrides: [String: Int]) {
        counts = Mutex(Counts(maximum: maximum, maximumPerAddress: maximumPerAddress, overrides: overrides))
    }

    /// Takes over other limits. Connections above them stay; listeners that may go on accepting are told.
    func update(maximum: Int, maximumPerAddress: Int, overrides: [String: Int]) {
        let resumed = counts.withLock { counts -> [ListenerContext] in
            counts.maximum = maximum
            counts.maximumPerAddress = maximumPerAddress
            counts.overrides = overrides
            guard counts.total < maximum else { return [] }
            defer { counts.waiting = [] }
            return counts.waiting
        }
        for listener in resumed { listener.resumeAccepting() }
    }

    // MARK: In all

    /// Takes a place for a connection that `listener` is about to accept. False: there is none, and the listener's
    /// `resumeAccepting` is called when there may be.
    ///
    /// A listener between brokers always gets one, so that clients cannot keep the cluster's own traffic out.
    func takePlace(for listener: ListenerContext) -> Bool {
        counts.withLock { counts in
            guard counts.total < counts.maximum || listener.isExempt else {
                if !counts.waiting.contains(where: { $0 === listener }) { counts.waiting.append(listener) }
                return false
            }
            counts.total += 1
            return true
        }
    }

    /// Gives back a place.
    func returnPlace() {
        let next = counts.withLock { counts -> ListenerContext? in
            counts.total -= 1
            guard counts.total < counts.maximum, !counts.waiting.isEmpty else { return nil }
            return counts.waiting.removeFirst()
        }
        next?.resumeAccepting()
    }

    var total: Int { counts.withLock { $0.total } }

    // MARK: By address

    /// Counts a connection in that has its place; the reason to refuse it where its address has too many.
    func admit(_ peer: SocketAddress) -> String? {
        counts.withLock { counts in
            let limit = counts.overrides[peer.host] ?? counts.maximumPerAddress
            guard counts.byAddress[peer.host, default: 0] < limit else {
                return "max.connections.per.ip \(limit) reached for \(peer.host)"
            }
            counts.byAddress[peer.host, default: 0] += 1
            return nil
        }
    }

    /// Counts out a connection that was admitted, with its place.
    func release(_ peer: SocketAddress) {
        counts.withLock { counts in
            let left = counts.byAddress[peer.host, default: 1] - 1
            counts.byAddress[peer.host] = left > 0 ? left : nil
        }
        returnPlace()
    }
}
