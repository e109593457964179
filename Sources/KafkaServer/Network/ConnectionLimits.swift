// SPDX-License-Identifier: Apache-2.0
internal import KafkaRuntime
internal import Synchronization

/// Counts connections against `max.connections`, `max.connections.per.ip` and its overrides.
final class ConnectionLimits: Sendable {
    private struct Counts {
        var total = 0
        var byAddress: [String: Int] = [:]
    }

    private let maximum: Int
    private let maximumPerAddress: Int
    private let overrides: [String: Int]
    private let counts = Mutex(Counts())

    init(maximum: Int, maximumPerAddress: Int, overrides: [String: Int]) {
        self.maximum = maximum
        self.maximumPerAddress = maximumPerAddress
        self.overrides = overrides
    }

    enum Verdict: Equatable {
        case admitted
        case refused(reason: String)
    }

    /// Counts the connection in, unless a limit is reached.
    func admit(_ peer: SocketAddress) -> Verdict {
        let limit = overrides[peer.host] ?? maximumPerAddress
        return counts.withLock { counts in
            guard counts.total < maximum else { return .refused(reason: "max.connections \(maximum) reached") }
            guard counts.byAddress[peer.host, default: 0] < limit else {
                return .refused(reason: "max.connections.per.ip \(limit) reached for \(peer.host)")
            }
            counts.total += 1
            counts.byAddress[peer.host, default: 0] += 1
            return .admitted
        }
    }

    /// Counts out a connection that was admitted.
    func release(_ peer: SocketAddress) {
        counts.withLock { counts in
            counts.total -= 1
            let left = counts.byAddress[peer.host, default: 1] - 1
            counts.byAddress[peer.host] = left > 0 ? left : nil
        }
    }

    var total: Int { counts.withLock { $0.total } }
}
