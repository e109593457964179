// SPDX-License-Identifier: Apache-2.0
import DequeModule
import Dispatch
import KafkaRuntime
import Synchronization

/// A bounded number of lanes for work that may block. A lane takes a thread only while it has work.
final class BlockingPool: Sendable {
    private struct State {
        var waiting: Deque<@Sendable () -> Void> = []
        /// The most lanes that may be busy.
        var lanesMax: Int
        var busyCount = 0
        /// Never more than are allowed and not busy.
        var idle: [DispatchQueue] = []
        var madeCount = 0

        /// A lane to run something on at once; nil where all that are allowed are busy.
        mutating func takeLane() -> DispatchQueue? {
            guard busyCount < lanesMax else { return nil }
            busyCount += 1
            if let lane = idle.popLast() { return lane }
            defer { madeCount += 1 }
            // One serial queue each: Dispatch gives every busy one a thread of its own, where a concurrent queue would
            // get no more threads than there are cores, all of which may be waiting for the disk.
            return DispatchQueue(label: "kafka-blocking-\(madeCount)")
        }

        mutating func giveBack(_ lane: DispatchQueue) {
            busyCount -= 1
            if busyCount + idle.count < lanesMax { idle.append(lane) }
        }
    }

    private let state: Mutex<State>

    init(threads: Int) {
        precondition(threads > 0, "a pool has at least one thread")
        state = Mutex(State(lanesMax: threads))
    }

    func run(_ work: @escaping @Sendable () -> Void) {
        let lane = state.withLock { state -> DispatchQueue? in
            let lane = state.takeLane()
            if lane == nil { state.waiting.append(work) }
            return lane
        }
        if let lane { start(lane, with: work) }
    }

    /// Has at most so many lanes busy from now on, at least 1. Those that are too many end with what they are at.
    func setThreads(_ count: Int) {
        precondition(count > 0, "a pool has at least one thread")
        let started = state.withLock { state -> [(DispatchQueue, @Sendable () -> Void)] in
            state.lanesMax = count
            state.idle.removeLast(min(state.idle.count, max(0, state.busyCount + state.idle.count - count)))
            var started: [(DispatchQueue, @Sendable () -> Void)] = []
            while !state.waiting.isEmpty, let lane = state.takeLane() {
                started.append((lane, state.waiting.removeFirst()))
            }
            return started
        }
        for (lane, work) in started { start(lane, with: work) }
    }

    private func start(_ lane: DispatchQueue, with work: @escaping @Sendable () -> Void) {
        lane.async { [self] in
            work()
            while let next = next(lane) { next() }
        }
    }

    /// What the lane goes on with; nil where it has nothing to do, or is one too many.
    private func next(_ lane: DispatchQueue) -> (@Sendable () -> Void)? {
        state.withLock { state in
            if state.busyCount <= state.lanesMax, let work = state.waiting.popFirst() { return work }
            state.giveBack(lane)
            return nil
        }
    }
}

/// Makes serial queues and owns the threads for blocking work.
struct DispatchQueueFactory: QueueFactory {
    let pool: BlockingPool

    func makeQueue(label: String) -> any SerialQueue { DispatchSerialQueue(label: label) }

    func runBlocking(_ work: @escaping @Sendable () -> Void) { pool.run(work) }

    func makeLatch() -> any Latch { DispatchLatch() }

    func setBlockingThreads(_ count: Int) { pool.setThreads(count) }
}
