// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// The right to sync a log, which one thread has at a time, and the rounds of those who wait for a sync (group commit).
///
/// Whoever asks while the turn is free takes it and syncs. Whoever asks while somebody else has it joins the next round,
/// for the sync under way may have begun before their bytes were there. The first of a round leads it: gets the turn when
/// it is free, closes the round, syncs once for all who have joined, passes the turn on, and only then wakes the others,
/// all with one call. So those who are woken have nothing left to do, and the next sync is on its way before they are.
///
///     one who asks     ── free ──> syncs alone ─────────────────────┐
///         │                                                         ├─> passes the turn on ─> wakes the round
///         ├── first of the next round ─> waits for the turn, syncs ─┘                             │
///         └── later ─> waits for the round's end <────────────────────────────────────────────────┘
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

    private struct State {
        var isTaken = false
        /// Those who wait for the next sync. Its leader takes it out when the sync begins.
        var next: Round?
        /// Who waits for the turn without wanting a sync, in the order of coming.
        var others: [any Latch] = []
    }

    private enum Role {
        case alone
        case leader(Round)
        case follower(Round)
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
        _ demand: Demand, _ sync: (Demand) throws(StorageError) -> Int64
    ) throws(StorageError) -> Int64 {
        switch role(demand) {
        case .alone:
            defer { passOn() }
            return try sync(demand)
        case .leader(let round):
            round.turn.wait()
            let result = Result { () throws(StorageError) in try sync(close(round)) }
            round.end(result)
            // First of all: the disk has nothing to do meanwhile.
            passOn()
            round.ended.open()
            return try result.get()
        case .follower(let round):
            round.ended.wait()
            return try round.result()
        }
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
                    return .follower(round)
                }
                state.next = made
                return made.map { .leader($0) }
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

    /// Gives the turn to the next who waits for it. A round stays open until its leader runs.
    private func passOn() {
        let next = state.withLock { state -> (any Latch)? in
            if !state.others.isEmpty { return state.others.removeFirst() }
            if let round = state.next { return round.turn }
            state.isTaken = false
            return nil
        }
        next?.open()
    }
}

extension SyncTurn {
    /// Those who wait for one sync.
    ///
    /// Unchecked: `demand` and `count` are touched under the turn's lock; `point` and `failure` are written before `ended`
    /// opens and read after it.
    private final class Round: @unchecked Sendable {
        var demand: Demand
        /// How many have joined, the leader included.
        var count = 1
        /// Opens when the turn is the leader's.
        let turn: any Latch
        /// Opens when the sync is over.
        let ended: any Latch
        private var point: Int64 = 0
        private var failure: StorageError?

        init(_ demand: Demand, _ queues: any QueueFactory) {
            self.demand = demand
            turn = queues.makeLatch()
            ended = queues.makeLatch()
        }

        func end(_ result: Result<Int64, StorageError>) {
            switch result {
            case .success(let point): self.point = point
            case .failure(let error): failure = error
            }
        }

        func result() throws(StorageError) -> Int64 {
            if let failure { throw failure }
            return point
        }
    }
}
