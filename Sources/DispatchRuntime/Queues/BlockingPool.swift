// SPDX-License-Identifier: Apache-2.0
import DequeModule
import Dispatch
import KafkaRuntime
import Synchronization

/// A fixed number of lanes for work that may block. A lane takes a thread only while it has work.
final class BlockingPool: Sendable {
    private struct State {
        var waiting: Deque<@Sendable () -> Void> = []
        var idleLanes: [Int]
    }

    // One serial queue each: Dispatch gives every busy one a thread of its own, where a concurrent queue would get no
    // more threads than there are cores, all of which may be waiting for the disk.
    private let lanes: [DispatchQueue]
    private let state: Mutex<State>

    init(threads: Int) {
        precondition(threads > 0, "a pool has at least one thread")
        lanes = (0..<threads).map { DispatchQueue(label: "kafka-blocking-\($0)") }
        state = Mutex(State(idleLanes: Array((0..<threads).reversed())))
    }

    func run(_ work: @escaping @Sendable () -> Void) {
        let lane = state.withLock { state -> Int? in
            if let lane = state.idleLanes.popLast() { return lane }
            state.waiting.append(work)
            return nil
        }
        if let lane { lanes[lane].async { self.serve(lane, first: work) } }
    }

    private func serve(_ lane: Int, first: @Sendable () -> Void) {
        first()
        while let work = next(lane) { work() }
    }

    private func next(_ lane: Int) -> (@Sendable () -> Void)? {
        state.withLock { state in
            if let work = state.waiting.popFirst() { return work }
            state.idleLanes.append(lane)
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
}
