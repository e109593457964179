// SPDX-License-Identifier: Apache-2.0
import CPlatform
import Dispatch
import KafkaRuntime
import Synchronization

/// A serial queue that serves connections: a Dispatch queue with one Dispatch source on a poller that watches all of
/// them.
///
/// When the source fires, the reactor stays: it waits on the poller itself, handles what comes, and returns to Dispatch
/// after 20 ms without work. While it stays, a request costs no trip through Dispatch (about 8 system calls and two
/// thread switches); while it is parked it costs nothing at all. Work from other threads comes through an inbox and, when
/// the reactor sleeps, a wake-up in the poller; timers through a wheel that bounds the poller's wait, or through a
/// Dispatch timer while parked.
///
/// A *round* is one wait with everything that follows: sockets, inbox, timers, then the deferred steps (further reading,
/// output, closed connections), which therefore never run inside a handler.
final class Reactor: SerialQueue, @unchecked Sendable {
    // Guards: `shared` by its lock; `isSleeping`, `hasMail` and `connectionCount` are atomic; everything else belongs to the
    // queue.
    private struct Shared: ~Copyable {
        var inbox: [TimerWheel.Work] = []
        var wheel: TimerWheel
        /// Keeps the reactor alive while the inbox has work that nobody else may be waiting for.
        var keepAlive: Reactor?
    }

    /// How long the reactor stays without work, in nanoseconds.
    private static let stayNanoseconds: Int64 = 20_000_000
    /// Rounds after which the reactor returns to Dispatch once, however busy it is.
    private static let roundsMax = 100_000
    private static let keptInboxCapacity = 1_024
    /// How long the answers of a round wait, in nanoseconds, while other connections are served. Answers that go out
    /// together wake a peer that has several connections once, not once for each, and a wake-up costs more than a small
    /// request; where the peer is on this machine it may also take the reactor's processor each time.
    private static let answersWaitMax: Int64 = 200_000
    /// Bytes received before the clock is asked: many small requests take no time.
    private static let receivedUnansweredMin = 16 << 10
    /// Pooled buffers kept while parked.
    private static let parkedPoolBytes = 256 << 10
    static let scratchSize = 256 << 10

    let label: String
    let poller: Poller
    let blocking: BlockingPool
    /// Connections that live here or are on their way; for choosing the least busy reactor.
    let connectionCount = Atomic<Int>(0)
    private let queue: DispatchQueue
    private let owner = ThreadOwner()
    private let shared: Mutex<Shared>
    private let isSleeping = Atomic<Bool>(true)
    /// Set with the inbox, so that it need not be locked in each round to see that it is empty.
    private let hasMail = Atomic<Bool>(false)
    /// Nanoseconds spent waiting, without the wait that goes on; written on the queue.
    private let waited = Atomic<Int64>(0)
    /// Since when the reactor waits; 0 while it works.
    private let waitingSince: Atomic<Int64>
    private let source: any DispatchSourceRead
    private let timer: any DispatchSourceTimer

    // Confined to the queue.
    /// Where every connection's bytes arrive first.
    let scratch: UnsafeMutableRawBufferPointer
    var pool = BufferPool()
    var sockets = SocketTable()
    var deferred = DeferredSteps()
    /// Bytes received in this round since answers went out last.
    var receivedUnanswered = 0
    /// When answers went out last in this round, or before it, in monotonic nanoseconds.
    private var answersWaitSince: Int64 = 0
    /// The time at the beginning of the round, in monotonic nanoseconds.
    private(set) var now: Int64
    /// When the next timer is due, in monotonic nanoseconds, as it was when the reactor went to sleep.
    private var nextTimer: Int64 = 0
    private var batch: [TimerWheel.Work] = []
    /// When the Dispatch timer fires, in monotonic milliseconds; nil when it is not set.
    private var armed: Int64?

    init(label: String, blocking: BlockingPool) throws(Errno) {
        self.label = label
        self.blocking = blocking
        poller = try Poller()
        queue = DispatchQueue(label: label)
        now = SystemClock.monotonicNanoseconds
        waitingSince = Atomic(now)
        shared = Mutex(Shared(wheel: TimerWheel(now: now / 1_000_000)))
        scratch = .allocate(byteCount: Self.scratchSize, alignment: 4_096)
        source = DispatchSource.makeReadSource(fileDescriptor: poller.descriptor, queue: queue)
        timer = DispatchSource.makeTimerSource(queue: queue)
        // The poller must outlive the source that watches its descriptor.
        source.setCancelHandler { [poller] in withExtendedLifetime(poller) {} }
        source.setEventHandler { [weak self] in self?.stay() }
        timer.setEventHandler { [weak self] in
            self?.armed = nil
            self?.stay()
        }
        source.activate()
        timer.activate()
    }

    deinit {
        source.cancel()
        timer.cancel()
        scratch.deallocate()
    }

    // MARK: SerialQueue

    var isCurrent: Bool { owner.isCurrent }

    func async(_ work: @escaping @Sendable () -> Void) {
        shared.withLock { shared in
            if shared.inbox.isEmpty { shared.keepAlive = self }
            shared.inbox.append(work)
            hasMail.store(true, ordering: .relaxed)
        }
        wakeIfSleeping()
    }

    func schedule(after delay: Int64, _ work: @escaping @Sendable () -> Void) -> TimerToken {
        let deadline = SystemClock.deadline(after: delay)
        let token = shared.withLock { $0.wheel.insert(deadline: deadline, work) }
        // The reactor itself looks at the wheel before it waits; others must make it look.
        wakeIfSleeping()
        return token
    }

    func cancel(_ token: TimerToken) {
        _ = shared.withLock { $0.wheel.cancel(token) }
    }

    /// Whether nothing is served, waits or is scheduled here. On the queue.
    var isUnused: Bool {
        assertCurrent()
        return connectionCount.load(ordering: .relaxed) == 0 && deferred.isEmpty
            && shared.withLock { $0.inbox.isEmpty && $0.wheel.count == 0 }
    }

    private func wakeIfSleeping() {
        // Either this sees the flag that was set before the reactor looked at the inbox for the last time, or the
        // reactor saw the new work: the lock around the inbox orders the two.
        if isSleeping.load(ordering: .relaxed), isSleeping.exchange(false, ordering: .relaxed) { poller.wake() }
    }

    /// For how long there was nothing to do since the reactor was made. From any thread; a moment off while it changes.
    var idleNanoseconds: Int64 {
        let since = waitingSince.load(ordering: .relaxed)
        let under = since == 0 ? 0 : max(0, SystemClock.monotonicNanoseconds - since)
        return waited.load(ordering: .relaxed) + under
    }

    private func beginWaiting(_ time: Int64) { waitingSince.store(time, ordering: .relaxed) }

    private func endWaiting(_ time: Int64) {
        let since = waitingSince.load(ordering: .relaxed)
        waitingSince.store(0, ordering: .relaxed)
        waited.store(waited.load(ordering: .relaxed) + time - since, ordering: .relaxed)
    }

    // MARK: Rounds

    private func stay() {
        owner.enter()
        defer { owner.leave() }
        now = SystemClock.monotonicNanoseconds
        endWaiting(now)
        var busyAt = now
        for _ in 0..<Self.roundsMax {
            let timeout = goToSleep(until: busyAt + Self.stayNanoseconds)
            beginWaiting(SystemClock.monotonicNanoseconds)
            let events = poller.wait(timeout: timeout)
            isSleeping.store(false, ordering: .relaxed)
            now = SystemClock.monotonicNanoseconds
            endWaiting(now)
            for index in 0..<events {
                guard let event = poller.event(index) else { continue }
                sockets[event.token]?.ready(event.readiness)
                sendAnswersIfDue()
            }
            let hadWork = (hasMail.load(ordering: .relaxed) || now >= nextTimer) && runWork()
            finishRound()
            if events > 0 || hadWork {
                busyAt = now
            } else if now - busyAt >= Self.stayNanoseconds, deferred.isEmpty {
                break
            }
        }
        park()
    }

    /// Sends what waits where the first of it has waited for long enough.
    func sendAnswersIfDue() {
        guard receivedUnanswered >= Self.receivedUnansweredMin else { return }
        let time = SystemClock.monotonicNanoseconds
        if answersWaitSince < now { answersWaitSince = now }
        guard time - answersWaitSince >= Self.answersWaitMax else { return }
        answersWaitSince = time
        sendAnswers()
    }

    /// Announces that wake-ups are needed from now on; returns how many milliseconds to wait at most.
    private func goToSleep(until end: Int64) -> Int32 {
        if !deferred.isEmpty {
            nextTimer = 0
            return 0
        }
        isSleeping.store(true, ordering: .relaxed)
        let deadline = shared.withLock { $0.inbox.isEmpty ? $0.wheel.nextDeadline ?? .max : 0 }
        nextTimer = deadline == .max ? .max : deadline * 1_000_000
        return Int32(min(max(0, (min(end, nextTimer) - now + 999_999) / 1_000_000), 1_000))
    }

    /// Runs what was in the inbox and the timers that are due; what these add waits for the next round.
    private func runWork() -> Bool {
        var due = shared.withLock { shared in
            swap(&shared.inbox, &batch)
            hasMail.store(false, ordering: .relaxed)
            shared.keepAlive = nil
            shared.wheel.advance(to: now / 1_000_000)
            return shared.wheel.readyCount
        }
        if batch.isEmpty, due == 0 { return false }
        let hadInbox = !batch.isEmpty
        for work in batch { work() }
        batch.removeAll(keepingCapacity: batch.capacity <= Self.keptInboxCapacity)
        while due > 0, let work = shared.withLock({ $0.wheel.popReady() }) {
            work()
            due -= 1
        }
        return hadInbox
    }

    /// Leaves the watch to Dispatch.
    private func park() {
        beginWaiting(now)
        pool.trim(to: Self.parkedPoolBytes)
        isSleeping.store(true, ordering: .relaxed)
        let (goesOn, next) = shared.withLock { (!$0.inbox.isEmpty, $0.wheel.nextDeadline) }
        if goesOn || !deferred.isEmpty {
            isSleeping.store(false, ordering: .relaxed)
            poller.wake()
        }
        guard let next, armed.map({ next < $0 }) ?? true else { return }
        armed = next
        let delay = max(0, next * 1_000_000 - SystemClock.monotonicNanoseconds)
        timer.schedule(deadline: .now() + .nanoseconds(Int(delay)), leeway: .nanoseconds(0))
    }
}
