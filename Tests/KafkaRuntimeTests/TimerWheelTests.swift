// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import Synchronization
import Testing

/// Collects what fired; filled on one thread only.
private final class Trace: Sendable {
    private let entries = Mutex<[Int]>([])

    func add(_ entry: Int) { entries.withLock { $0.append(entry) } }

    var all: [Int] { entries.withLock { $0 } }
}

private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite struct TimerWheelTests {
    private func fire(_ wheel: inout TimerWheel) {
        while let work = wheel.popReady() { work() }
    }

    // The expectation macro cannot hold a value that is not copyable.
    private func cancel(_ token: TimerToken, _ wheel: inout TimerWheel) -> Bool { wheel.cancel(token) }

    @Test(arguments: [1, 63, 64, 65, 4_095, 4_096, 1_000_000, 40_000_000_000] as [Int64], [0, 1, 63, 4_095, 7_777])
    func `fires at its deadline and not before`(delay: Int64, start: Int64) {
        var wheel = TimerWheel(now: start)
        let trace = Trace()
        _ = wheel.insert(deadline: start + delay) { trace.add(1) }
        wheel.advance(to: start + delay - 1)
        #expect(wheel.readyCount == 0)
        wheel.advance(to: start + delay)
        fire(&wheel)
        #expect(trace.all == [1])
        #expect(wheel.count == 0)
    }

    @Test func `a deadline in the past is due at once`() {
        var wheel = TimerWheel(now: 100)
        _ = wheel.insert(deadline: 3) {}
        #expect(wheel.readyCount == 1)
        #expect(wheel.nextDeadline == 100)
    }

    @Test func `timers of one millisecond fire in the order of insertion, whichever level they came from`() {
        var wheel = TimerWheel(now: 0)
        let trace = Trace()
        _ = wheel.insert(deadline: 5_000) { trace.add(0) }
        wheel.advance(to: 4_950)
        _ = wheel.insert(deadline: 5_000) { trace.add(1) }
        wheel.advance(to: 4_999)
        _ = wheel.insert(deadline: 5_000) { trace.add(2) }
        wheel.advance(to: 6_000)
        fire(&wheel)
        #expect(trace.all == [0, 1, 2])
    }

    @Test func `a cancelled timer does not fire, even when it is due`() {
        var wheel = TimerWheel(now: 0)
        let waiting = wheel.insert(deadline: 70) {}
        let due = wheel.insert(deadline: 10) {}
        wheel.advance(to: 20)
        #expect(wheel.readyCount == 1)
        #expect(cancel(due, &wheel))
        #expect(cancel(waiting, &wheel))
        #expect(!cancel(waiting, &wheel))
        #expect(wheel.count == 0)
        #expect(wheel.nextDeadline == nil)
        let work = wheel.popReady()
        #expect(work == nil)
    }

    @Test func `a token does not cancel the timer that took its place`() {
        var wheel = TimerWheel(now: 0)
        let first = wheel.insert(deadline: 10) {}
        wheel.cancel(first)
        let second = wheel.insert(deadline: 10) {}
        #expect(!cancel(first, &wheel))
        #expect(wheel.count == 1)
        #expect(cancel(second, &wheel))
    }

    @Test func `made-up tokens are ignored`() {
        var wheel = TimerWheel(now: 0)
        _ = wheel.insert(deadline: 10) {}
        for raw in [0, 1, .max, 2 << 32, 1 << 32 | 1] as [UInt64] {
            let cancelled = wheel.cancel(TimerToken(rawValue: raw))
            #expect(!cancelled)
        }
        #expect(wheel.count == 1)
    }

    @Test func `deadlines beyond the wheel's range wait at its end`() {
        var wheel = TimerWheel(now: 0)
        _ = wheel.insert(deadline: .max) {}
        wheel.advance(to: 1 << 40)
        #expect(wheel.readyCount == 0)
        wheel.advance(to: .max)
        #expect(wheel.readyCount == 1)
    }

    @Test func `following nextDeadline wakes a bounded number of times and never late`() {
        var wheel = TimerWheel(now: 0)
        _ = wheel.insert(deadline: 123_456_789) {}
        var wakeUps = 0
        while wheel.readyCount == 0, let next = wheel.nextDeadline {
            #expect(next <= 123_456_789)
            wheel.advance(to: next)
            wakeUps += 1
        }
        #expect(wheel.now == 123_456_789)
        #expect(wakeUps <= 7)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `agrees with a sorted list under random inserts, cancels and steps`(seed: UInt64) {
        var random = Generator(state: seed)
        var wheel = TimerWheel(now: 0)
        let trace = Trace()
        var expected: [(deadline: Int64, id: Int)] = []
        var fired: [Int] = []
        var live: [(token: TimerToken, id: Int)] = []
        for id in 0..<4_000 {
            let spread = Int64(1) << Int64.random(in: 0...24, using: &random)
            let deadline = wheel.now + Int64.random(in: 0...spread, using: &random)
            live.append((wheel.insert(deadline: deadline) { trace.add(id) }, id))
            expected.append((deadline, id))
            if id % 3 == 0, let victim = live.indices.randomElement(using: &random) {
                let (token, id) = live.remove(at: victim)
                if wheel.cancel(token) { expected.removeAll { $0.id == id } }
            }
            if id % 5 == 0 {
                let step = Int64(1) << Int64.random(in: 0...18, using: &random)
                let now = wheel.now + step
                wheel.advance(to: now)
                fire(&wheel)
                let due = expected.filter { $0.deadline <= now }
                    .sorted { ($0.deadline, $0.id) < ($1.deadline, $1.id) }
                fired += due.map(\.id)
                expected.removeAll { $0.deadline <= now }
                #expect(wheel.count == expected.count)
            }
        }
        #expect(trace.all == fired)
        #expect(!fired.isEmpty)
    }
}
