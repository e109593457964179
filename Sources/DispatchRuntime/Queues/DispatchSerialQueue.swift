// SPDX-License-Identifier: Apache-2.0
import Dispatch
import KafkaRuntime
import Synchronization

/// A serial queue for the control plane on a Dispatch queue.
///
/// Work waits in a mailbox that one Dispatch block empties per wake-up, so that a burst costs one wake-up. Timers wait in
/// a wheel under one Dispatch timer, which is set only when the next deadline moves closer.
final class DispatchSerialQueue: SerialQueue, @unchecked Sendable {
    // Guards: `state` by its lock; `timer` is touched only while that lock is held; `batch` only on the queue.
    private struct State: ~Copyable {
        var mailbox: [TimerWheel.Work] = []
        var isDrainScheduled = false
        var wheel: TimerWheel
        /// When the Dispatch timer fires, in monotonic milliseconds; nil when it is not set.
        var armed: Int64?
        var hasTimer = false
    }

    /// Mailboxes that grew larger in a burst are given back.
    private static let keptCapacity = 1_024

    let label: String
    private let queue: DispatchQueue
    private let owner = ThreadOwner()
    private let state: Mutex<State>
    private var batch: [TimerWheel.Work] = []
    private lazy var timer: any DispatchSourceTimer = makeTimer()

    init(label: String) {
        self.label = label
        queue = DispatchQueue(label: label)
        state = Mutex(State(wheel: TimerWheel(now: SystemClock.monotonicNanoseconds / 1_000_000)))
    }

    deinit {
        if state.withLock({ $0.hasTimer }) { timer.cancel() }
    }

    var isCurrent: Bool { owner.isCurrent }

    func async(_ work: @escaping @Sendable () -> Void) {
        let mustSchedule = state.withLock { state in
            state.mailbox.append(work)
            defer { state.isDrainScheduled = true }
            return !state.isDrainScheduled
        }
        if mustSchedule { queue.async { self.drain() } }
    }

    func schedule(after delay: Int64, _ work: @escaping @Sendable () -> Void) -> TimerToken {
        let deadline = SystemClock.deadline(after: delay)
        return state.withLock { state in
            let token = state.wheel.insert(deadline: deadline, work)
            arm(&state)
            return token
        }
    }

    func cancel(_ token: TimerToken) {
        _ = state.withLock { $0.wheel.cancel(token) }
    }

    // MARK: On the queue

    private func drain() {
        owner.enter()
        defer { owner.leave() }
        state.withLock { state in
            swap(&state.mailbox, &batch)
            // What comes from now on needs a wake-up of its own, behind other blocks of the queue.
            state.isDrainScheduled = false
        }
        for work in batch { work() }
        batch.removeAll(keepingCapacity: batch.capacity <= Self.keptCapacity)
    }

    private func fireTimers() {
        owner.enter()
        defer { owner.leave() }
        var due = state.withLock { state in
            state.armed = nil
            state.wheel.advance(to: SystemClock.monotonicNanoseconds / 1_000_000)
            return state.wheel.readyCount
        }
        // Timers that become due while these run wait for the next turn.
        while due > 0, let work = state.withLock({ $0.wheel.popReady() }) {
            work()
            due -= 1
        }
        state.withLock { arm(&$0) }
    }

    // MARK: The Dispatch timer

    private func makeTimer() -> any DispatchSourceTimer {
        let timer = DispatchSource.makeTimerSource(queue: queue)
        timer.setEventHandler { [weak self] in self?.fireTimers() }
        timer.activate()
        return timer
    }

    private func arm(_ state: inout State) {
        guard let next = state.wheel.nextDeadline, state.armed.map({ next < $0 }) ?? true else { return }
        state.armed = next
        state.hasTimer = true
        let delay = max(0, next * 1_000_000 - SystemClock.monotonicNanoseconds)
        timer.schedule(deadline: .now() + .nanoseconds(Int(delay)), leeway: .nanoseconds(0))
    }
}
