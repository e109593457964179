// SPDX-License-Identifier: Apache-2.0

/// Runs work one piece at a time, in the order it was given. Owns state: what is confined to a queue is touched
/// only by work that runs on it.
public protocol SerialQueue: AnyObject, Sendable {
    var label: String { get }

    /// Whether the caller runs on this queue.
    var isCurrent: Bool { get }

    /// Runs `work` after everything given before. Never runs it inside this call.
    func async(_ work: @escaping @Sendable () -> Void)

    /// Runs `work` on this queue once `delay` milliseconds have passed, unless it is cancelled first.
    @discardableResult
    func schedule(after delay: Int64, _ work: @escaping @Sendable () -> Void) -> TimerToken

    /// Cancels a scheduled piece of work; does nothing when it has run. Cancelling on the queue itself guarantees
    /// that the work does not run afterwards.
    func cancel(_ token: TimerToken)
}

extension SerialQueue {
    /// Stops the program when the caller is not on this queue: the guard at the door of queue-confined state.
    public func assertCurrent() {
        precondition(isCurrent, "must run on queue \(label)")
    }
}

/// Names one scheduled piece of work of one queue.
public struct TimerToken: Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// Makes queues, runs work that may block away from them, and lets such work wait for other such work.
public protocol QueueFactory: Sendable {
    /// A new serial queue for a state machine of the control plane.
    func makeQueue(label: String) -> any SerialQueue

    /// Runs `work`, which may block (sync, recovery, deletes, reads of cold files), on one of a bounded number of
    /// background threads. Order between pieces is not guaranteed.
    func runBlocking(_ work: @escaping @Sendable () -> Void)

    /// A latch that is closed. Where all work shares one thread, waiting at it before it is open stops the program.
    func makeLatch() -> any Latch

    /// Has at most `count` background threads, at least 1, work from now on. Those that are too many end with the piece
    /// of work that they are at. Nothing happens where the number cannot change.
    func setBlockingThreads(_ count: Int)
}

extension QueueFactory {
    public func setBlockingThreads(_ count: Int) {}
}
