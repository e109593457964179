// SPDX-License-Identifier: Apache-2.0
import DequeModule
import KafkaRuntime
import Synchronization

/// The lock around a log's state, and around its turn to sync: one that is not handed over.
///
/// A `Mutex` that somebody sleeps at is given to the sleeper when it is released, and is taken until that thread has woken
/// up. Where many threads append to one log and one of them is interrupted while it has the lock, all others end up asleep
/// behind it, and from then on each append costs a change of threads. Here the lock is free when it is released, for
/// whoever comes first, and the sleeper that was woken tries again (decision 0024).
///
/// Unchecked: `value` is touched by whoever has the lock.
final class LogLock<Value: ~Copyable>: @unchecked Sendable {
    /// Looks at a taken lock before one goes to sleep: a few microseconds, which an append takes with its write. To sleep
    /// and be woken costs more.
    private static var looks: Int { 8_000 }

    private static var free: UInt8 { 0 }
    private static var taken: UInt8 { 1 }
    /// Taken, and whoever releases it must see who sleeps.
    private static var awaited: UInt8 { 2 }

    private let word = Atomic<UInt8>(0)
    /// Who sleeps, in the order of coming. Where there is somebody, the lock is `awaited`, or one who was woken has yet to
    /// try again, which makes it so.
    private let sleepers = Mutex<Deque<any Latch>>([])
    private let queues: any QueueFactory
    private var value: Value

    init(_ value: consuming Value, _ queues: any QueueFactory) {
        self.value = value
        self.queues = queues
    }

    /// Runs `body` while nobody else has the lock. Not to be called inside of it.
    @inline(__always)
    func withLock<R: ~Copyable, E: Error>(_ body: (inout Value) throws(E) -> R) throws(E) -> R {
        if !take() { wait() }
        defer { release() }
        return try body(&value)
    }

    /// As `withLock`; nil, without waiting, where somebody else has the lock.
    @inline(__always)
    func withLockIfFree<R>(_ body: (inout Value) -> R?) -> R? {
        guard take() else { return nil }
        defer { release() }
        return body(&value)
    }

    @inline(__always)
    private func take() -> Bool {
        word.compareExchange(
            expected: Self.free, desired: Self.taken, successOrdering: .acquiring, failureOrdering: .relaxed
        ).exchanged
    }

    @inline(__always)
    private func release() {
        if word.exchange(Self.free, ordering: .acquiringAndReleasing) == Self.awaited { wakeOne() }
    }

    @inline(never)
    private func wait() {
        for _ in 0..<Self.looks where word.load(ordering: .relaxed) == Self.free {
            if take() { return }
        }
        while true {
            let latch = queues.makeLatch()
            if takeOrJoin(latch) { return }
            latch.wait()
        }
    }

    /// Takes the lock, or makes `latch` the last of the sleepers.
    private func takeOrJoin(_ latch: any Latch) -> Bool {
        sleepers.withLock { sleepers in
            guard word.exchange(Self.awaited, ordering: .acquiringAndReleasing) == Self.free else {
                sleepers.append(latch)
                return false
            }
            // Nobody joins the sleepers meanwhile.
            if sleepers.isEmpty { word.store(Self.taken, ordering: .relaxed) }
            return true
        }
    }

    @inline(never)
    private func wakeOne() { sleepers.withLock { $0.popFirst() }?.open() }
}
