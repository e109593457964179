// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import Synchronization

/// The reactors of a network: as many as are wanted serve new connections.
///
/// Reactors that are too many are *retired*: they get no further connection, serve those they have, and are let go once
/// those are closed and no timer is left. Until then they are the first to come back when more are wanted.
final class ReactorSet: Sendable {
    private struct State {
        var active: [Reactor] = []
        /// The one that was retired last comes last.
        var retired: [Reactor] = []
        /// Those that are looked at from time to time, which once were retired.
        var watched: [Reactor] = []
        var madeCount = 0
    }

    /// Milliseconds between two looks at whether a retired reactor is used.
    private static let lookInterval: Int64 = 1_000

    private let blocking: BlockingPool
    private let state = Mutex(State())

    init(count: Int, blocking: BlockingPool) throws(NetworkError) {
        self.blocking = blocking
        try setCount(count)
    }

    /// Those that serve new connections.
    var active: [Reactor] { state.withLock { $0.active } }

    /// How many serve what they have until they go.
    var retiredCount: Int { state.withLock { $0.retired.count } }

    /// The reactor that has the fewest connections, with one more counted.
    func takeLeastBusy() -> Reactor {
        state.withLock { state in
            guard
                let reactor = state.active.min(by: {
                    $0.connectionCount.load(ordering: .relaxed) < $1.connectionCount.load(ordering: .relaxed)
                })
            else { preconditionFailure("a network has at least one reactor") }
            reactor.connectionCount.add(1, ordering: .relaxed)
            return reactor
        }
    }

    /// Has `count` reactors serve new connections. On an error their number stays.
    func setCount(_ count: Int) throws(NetworkError) {
        precondition(count > 0, "a network has at least one reactor")
        let surplus = try state.withLock { state throws(NetworkError) in try change(&state, to: count) }
        for reactor in surplus { watch(reactor) }
    }

    /// Returns the reactors that must be watched from now on.
    private func change(_ state: inout State, to count: Int) throws(NetworkError) -> [Reactor] {
        if count <= state.active.count {
            let surplus = state.active[count...].reversed()
            state.active.removeLast(surplus.count)
            state.retired += surplus
            let unwatched = surplus.filter { reactor in !state.watched.contains { $0 === reactor } }
            state.watched += unwatched
            return unwatched
        }
        let missing = count - state.active.count
        let revived = Array(state.retired.suffix(missing).reversed())
        var made: [Reactor] = []
        do throws(Errno) {
            while revived.count + made.count < missing {
                made.append(try Reactor(label: "kafka-network-\(state.madeCount + made.count)", blocking: blocking))
            }
        } catch {
            throw NetworkError("cannot make the network's event queues: \(error.text)", code: error.code)
        }
        state.retired.removeLast(revived.count)
        state.active += revived + made
        state.madeCount += made.count
        return []
    }

    // MARK: Letting go

    private func watch(_ reactor: Reactor) {
        // Keeps the reactor alive, by its own timer.
        _ = reactor.schedule(after: Self.lookInterval) { [weak self] in self?.look(at: reactor) }
    }

    private func look(at reactor: Reactor) {
        let goesOn = state.withLock { state in
            if let place = state.retired.firstIndex(where: { $0 === reactor }) {
                guard reactor.isUnused else { return true }
                state.retired.remove(at: place)
            }
            state.watched.removeAll { $0 === reactor }
            return false
        }
        if goesOn { watch(reactor) }
    }
}
