// SPDX-License-Identifier: Apache-2.0
package import KafkaRuntime
internal import Synchronization

/// A serial queue in virtual time: work waits a drawn time, never overtakes what was given before, and takes no time.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
package final class SimulatedQueue: SerialQueue, @unchecked Sendable {
    package let label: String
    let life: HostLife
    private let loop: EventLoop
    private let hop: ClosedRange<Int64>
    private let subject: TraceSubject
    /// When the last work given so far runs.
    private var lastDue: Int64 = 0
    private var lastToken: UInt64 = 0
    private var timers: [UInt64: @Sendable () -> Void] = [:]

    init(label: String, life: HostLife, loop: EventLoop, hop: ClosedRange<Int64>) {
        self.label = label
        self.life = life
        self.loop = loop
        self.hop = hop
        subject = TraceSubject("\(life.hostName)/\(label)")
    }

    package var isCurrent: Bool { loop.current === self }

    package func async(_ work: @escaping @Sendable () -> Void) {
        loop.add(at: nextDue(), .work, subject, life: life, .work(self, work))
    }

    @discardableResult
    package func schedule(after delay: Int64, _ work: @escaping @Sendable () -> Void) -> TimerToken {
        lastToken += 1
        guard !life.isOver else { return TimerToken(rawValue: lastToken) }
        timers[lastToken] = work
        // Beyond a hundred years nothing is simulated; the bound keeps nanoseconds from overflowing.
        let nanoseconds = min(max(delay, 0), 3_155_760_000_000) * 1_000_000
        loop.add(at: loop.now + nanoseconds, .timer, subject, life: life, .timerDue(self, lastToken))
        return TimerToken(rawValue: lastToken)
    }

    package func cancel(_ token: TimerToken) {
        if timers.removeValue(forKey: token.rawValue) != nil { loop.timerWasCancelled() }
    }

    func isPending(_ token: UInt64) -> Bool { timers[token] != nil }

    func timerIsDue(_ token: UInt64) {
        loop.add(at: nextDue(), .timer, subject, life: life, .timerWork(self, token))
    }

    func takeTimer(_ token: UInt64) -> (@Sendable () -> Void)? { timers.removeValue(forKey: token) }

    func forgetTimers() { timers = [:] }

    private func nextDue() -> Int64 {
        lastDue = max(lastDue, loop.now + loop.delay(hop))
        return lastDue
    }
}

/// Makes a host's queues.
struct SimulatedQueueFactory: QueueFactory {
    private let life: HostLife
    private let loop: EventLoop
    private let delay: ClosedRange<Int64>
    private let stallsPerThousand: Int64
    private let stall: ClosedRange<Int64>
    private let subject: TraceSubject

    init(life: HostLife, loop: EventLoop, options: SimulationOptions) {
        self.life = life
        self.loop = loop
        delay = options.blockingDelay
        stallsPerThousand = options.blockingStallsPerThousand
        stall = options.blockingStall
        subject = TraceSubject("\(life.hostName)/blocking")
    }

    func makeQueue(label: String) -> any SerialQueue { life.makeQueue(label: label) }

    func runBlocking(_ work: @escaping @Sendable () -> Void) {
        let isStalled = stallsPerThousand > 0 && loop.delay(0...999) < stallsPerThousand
        loop.add(at: loop.now + loop.delay(isStalled ? stall : delay), .blocking, subject, life: life, .run(work))
    }

    func makeLatch() -> any Latch { SimulatedLatch() }
}

/// A latch for a single thread: by the time that anybody asks, it must be open, because nobody else could open it.
private final class SimulatedLatch: Latch {
    private let isOpen = Atomic(false)

    func open() { isOpen.store(true, ordering: .relaxed) }

    func wait() {
        precondition(isOpen.load(ordering: .relaxed), "the only thread would wait for itself")
    }
}
