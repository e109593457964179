// SPDX-License-Identifier: Apache-2.0
/// Virtual time and the events to come, ordered by time and, within one moment, by when they were added.
///
/// `@unchecked Sendable`: a simulation is stepped by one thread at a time; everything that runs in it runs inside
/// `step`, on that thread.
final class EventLoop: @unchecked Sendable {
    enum Action {
        /// Work of no queue: the network, blocking work.
        case run(@Sendable () -> Void)
        case work(SimulatedQueue, @Sendable () -> Void)
        /// The deadline has come: the timer's work is queued behind what its queue has.
        case timerDue(SimulatedQueue, UInt64)
        case timerWork(SimulatedQueue, UInt64)
    }

    struct Event {
        let time: Int64
        let kind: EventKind
        let subject: TraceSubject
        let life: HostLife?
        let action: Action

        var isDead: Bool {
            if let life, life.isOver { return true }
            switch action {
            case .timerDue(let queue, let token), .timerWork(let queue, let token): return !queue.isPending(token)
            case .run, .work: return false
            }
        }

        /// Whether it is only waited for, as opposed to being under way.
        var isTimer: Bool { if case .timerDue = action { true } else { false } }
    }

    /// Virtual nanoseconds since the start.
    private(set) var now: Int64 = 0
    /// The queue whose work is running.
    private(set) var current: SimulatedQueue?
    var random: Xoshiro256
    var trace: EventTrace
    private var events = EventHeap()
    private var timers = 0
    private var cancelledTimers = 0

    init(seed: UInt64, traceCapacity: Int) {
        random = Xoshiro256(seed: seed)
        trace = EventTrace(capacity: traceCapacity)
    }

    func add(
        at time: Int64, _ kind: EventKind, _ subject: TraceSubject, life: HostLife?, _ action: Action
    ) {
        if let life, life.isOver { return }
        precondition(time >= now, "an event cannot be added to the past")
        let event = Event(time: time, kind: kind, subject: subject, life: life, action: action)
        if event.isTimer { timers += 1 }
        events.insert(event)
    }

    /// Writes a line that is no event of its own.
    func note(_ kind: EventKind, _ subject: TraceSubject, size: Int = 0, digest: UInt64 = 0) {
        trace.record(
            TraceEvent(time: now, kind: kind, subject: subject.name, size: Int64(size), digest: digest),
            subjectHash: subject.hash)
    }

    /// When the next event happens; nil when there is none.
    func nextTime() -> Int64? {
        while let next = events.first {
            guard next.isDead else { return next.time }
            removeFirst()
        }
        return nil
    }

    /// Events to come, timers that are still set included.
    var pendingCount: Int { events.count { !$0.isDead } }

    /// Whether anything but timers that are not due yet is pending.
    func isBusy() -> Bool {
        guard let time = nextTime() else { return false }
        return time <= now || events.count > timers
    }

    /// Runs the next event; false when there is none.
    func step() -> Bool {
        guard let time = nextTime(), let event = removeFirst() else { return false }
        now = time
        switch event.action {
        case .timerDue(let queue, let token):
            queue.timerIsDue(token)
            return true
        case .run(let body):
            if event.kind != .arrival { note(event.kind, event.subject) }
            body()
        case .work(let queue, let body):
            note(event.kind, event.subject)
            perform(on: queue, body)
        case .timerWork(let queue, let token):
            note(event.kind, event.subject)
            if let body = queue.takeTimer(token) { perform(on: queue, body) }
        }
        return true
    }

    /// Moves the clock on with nothing happening; there must be no event before `time`.
    func advance(to time: Int64) {
        precondition(time >= now, "time does not go back")
        now = time
    }

    /// A delay drawn from `range`.
    func delay(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound == range.upperBound ? range.lowerBound : random.value(in: range)
    }

    /// Notes that a timer in the heap was cancelled; sweeps the heap when such timers are most of it.
    func timerWasCancelled() {
        cancelledTimers += 1
        if cancelledTimers > 1_024, cancelledTimers > events.count / 2 { dropDeadEvents() }
    }

    /// Releases what will never run.
    func dropDeadEvents() {
        var left = 0
        events.filter { event in
            guard !event.isDead else { return false }
            if event.isTimer { left += 1 }
            return true
        }
        timers = left
        cancelledTimers = 0
    }

    @discardableResult
    private func removeFirst() -> Event? {
        guard let event = events.removeFirst() else { return nil }
        if event.isTimer { timers -= 1 }
        if event.isDead, cancelledTimers > 0 { cancelledTimers -= 1 }
        return event
    }

    private func perform(on queue: SimulatedQueue, _ body: () -> Void) {
        current = queue
        body()
        current = nil
    }
}
