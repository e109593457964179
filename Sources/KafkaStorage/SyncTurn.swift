// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// The right to sync a log, which one thread has at a time, and the rounds of those who wait for a sync (group commit).
///
/// Whoever asks while the turn is free takes it and syncs. Whoever asks while somebody else has it joins the next round,
/// for the sync under way may have begun before their bytes were there. When a sync is over, the thread that made it
/// makes the next round's as well, at once: any other would first have to get a core, behind all those who were woken,
/// and the disk would wait for it. After a few rounds it passes the turn on to the first of the next, so that nobody
/// serves others for ever. Only one of a round is woken by whoever syncs, and wakes the others with one call; all find
/// their work done.
///
///     one who asks     ── free ──> syncs ─> syncs for the next rounds ─────> passes the turn on
///         │                                      │                              │
///         ├── first of the next round ─> is told, wakes the others;  or gets the turn, syncs, wakes the others
///         └── later ─> waits for the round's end
final class SyncTurn: Sendable {
    /// What those who wait for one sync want of it together.
    struct Demand: Sendable {
        /// Everything below is to be durable.
        var offset: Int64
        /// One of them closes the log: it is synced although it takes nothing new any more.
        var isClosing = false

        mutating func join(_ other: Demand) {
            offset = max(offset, other.offset)
            isClosing = isClosing || other.isClosing
        }
    }

    /// What one sync came to.
    struct Outcome: Sendable {
        /// Everything below is durable.
        let point: Int64
        /// The log's count of truncations when the sync began, with everything written that was deferred. Whoever appended
        /// at another count had its batches taken back.
        let truncationCount: Int
    }

    private struct State {
        var isTaken = false
        /// Those who wait for the next sync. Whoever makes it takes it out when the sync begins.
        var next: Round?
        /// Who waits for the turn without wanting a sync, in the order of coming.
        var others: [any Latch] = []
    }

    /// Rounds that a thread serves which need not be there for itself: each costs it the time of a sync.
    private static let roundsInARow = 3

    private enum Role {
        case alone
        case first(Round)
        case later(Round)
    }

    private let queues: any QueueFactory
    private let state: LogLock<State>

    init(_ queues: any QueueFactory) {
        self.queues = queues
        state = LogLock(State(), queues)
    }

    /// Returns what a run of `sync` returned that began after this call and was given at least `demand`; or throws what it
    /// threw. It may be this thread that runs it, or another that waits for the same.
    func share(
        _ demand: Demand, _ sync: (Demand) throws(StorageError) -> Outcome
    ) throws(StorageError) -> Outcome {
        switch role(demand) {
        case .alone:
            defer { serveNextRounds(sync) }
            return try sync(demand)
        case .first(let round):
            round.called.wait()
            let wasServed = round.result != nil
            let result = round.result ?? Result { () throws(StorageError) in try sync(close(round)) }
            round.result = result
            round.ended.open()
            if !wasServed { serveNextRounds(sync) }
            return try result.get()
        case .later(let round):
            round.ended.wait()
            return try round.outcome()
        }
    }

    /// Syncs for those who wait by now, some rounds in a row, then passes the turn on.
    private func serveNextRounds(_ sync: (Demand) throws(StorageError) -> Outcome) {
        for _ in 0..<Self.roundsInARow {
            let next = state.withLock { state -> Round? in
                guard state.others.isEmpty else { return nil }
                return state.next.take()
            }
            guard let next else { break }
            next.result = Result { () throws(StorageError) in try sync(next.demand) }
            next.called.open()
        }
        passOn()
    }

    /// Runs `body` while nobody syncs.
    func hold<R>(_ body: () throws(StorageError) -> R) throws(StorageError) -> R {
        let latch = state.withLock { state -> (any Latch)? in
            guard state.isTaken else {
                state.isTaken = true
                return nil
            }
            let latch = queues.makeLatch()
            state.others.append(latch)
            return latch
        }
        latch?.wait()
        defer { passOn() }
        return try body()
    }

    /// How many wait for the next sync.
    var waitingCount: Int { state.withLock { $0.next?.count ?? 0 } }

    private func role(_ demand: Demand) -> Role {
        var made: Round?
        while true {
            let role = state.withLock { state -> Role? in
                guard state.isTaken else {
                    state.isTaken = true
                    return .alone
                }
                if let round = state.next {
                    round.demand.join(demand)
                    round.count += 1
                    return .later(round)
                }
                state.next = made
                return made.map { .first($0) }
            }
            if let role { return role }
            made = Round(demand, queues)
        }
    }

    /// Whoever comes from here on needs another sync. Returns what the round wants.
    private func close(_ round: Round) -> Demand {
        state.withLock { state in
            state.next = nil
            return round.demand
        }
    }

    /// Gives the turn to the next who waits for it. A round stays open until its first runs.
    private func passOn() {
        let next = state.withLock { state -> (any Latch)? in
            if !state.others.isEmpty { return state.others.removeFirst() }
            if let round = state.next { return round.called }
            state.isTaken = false
            return nil
        }
        next?.open()
    }
}

extension SyncTurn {
    /// Those who wait for one sync.
    ///
    /// Unchecked: `demand` and `count` are touched under the turn's lock; `result` is written before `called` or
    /// `ended` opens, and read by whom that lets go.
    private final class Round: @unchecked Sendable {
        var demand: Demand
        /// How many have joined, the first included.
        var count = 1
        /// Opens for the first when the sync is over, or is to be made by it.
        let called: any Latch
        /// Opens for all others when the sync is over.
        let ended: any Latch
        /// What the sync came to, once it was made.
        var result: Result<Outcome, StorageError>?

        init(_ demand: Demand, _ queues: any QueueFactory) {
            self.demand = demand
            called = queues.makeLatch()
            ended = queues.makeLatch()
        }

        func outcome() throws(StorageError) -> Outcome {
            guard let result else { preconditionFailure("a round ended without a sync") }
            return try result.get()
        }
    }
}
