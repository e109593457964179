// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import Foundation
import KafkaRuntime
import Synchronization
import Testing

@Suite struct ReactorTests {
    private func reactor() throws -> (Runtime, any SerialQueue) {
        let runtime = try DispatchRuntime.makeRuntime(reactorCount: 1, blockingThreads: 1)
        return (runtime, runtime.network.reactors[0])
    }

    @Test func `work from several threads runs one at a time, each thread's in its order`() throws {
        let (_, queue) = try reactor()
        let seen = Mutex<[[Int]]>(Array(repeating: [], count: 4))
        let group = DispatchGroup()
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for index in 0..<2_000 {
                group.enter()
                queue.async {
                    #expect(queue.isCurrent)
                    seen.withLock { $0[thread].append(index) }
                    group.leave()
                }
            }
        }
        #expect(!queue.isCurrent)
        #expect(group.wait(timeout: .now() + 10) == .success)
        seen.withLock { #expect($0 == Array(repeating: Array(0..<2_000), count: 4)) }
    }

    @Test func `work wakes a reactor that waits, and one that is parked`() throws {
        let (_, queue) = try reactor()
        let clock = SystemClock()
        var delays: [Int64] = []
        // The odd pauses find the reactor parked, the even ones waiting in its poller.
        for round in 0..<30 {
            usleep(round % 2 == 0 ? 3_000 : 40_000)
            let start = clock.monotonicNanoseconds
            let ran = onQueue(queue) { clock.monotonicNanoseconds }
            delays.append(ran - start)
        }
        #expect(delays.sorted()[15] < 5_000_000)
    }

    @Test func `timers fire in order, not early and soon after their deadlines, also while parked`() throws {
        let (_, queue) = try reactor()
        let clock = SystemClock()
        let start = clock.monotonicNanoseconds
        let fired = Mutex<[(delay: Int64, after: Int64)]>([])
        let group = DispatchGroup()
        for delay in [150, 5, 60, 0, 5, 61] as [Int64] {
            group.enter()
            queue.schedule(after: delay) {
                #expect(queue.isCurrent)
                fired.withLock { $0.append((delay, clock.monotonicNanoseconds - start)) }
                group.leave()
            }
        }
        #expect(group.wait(timeout: .now() + 10) == .success)
        fired.withLock { fired in
            #expect(fired.map(\.delay) == [0, 5, 5, 60, 61, 150])
            for timer in fired { #expect(timer.after >= timer.delay * 1_000_000) }
            let lateness = fired.map { $0.after - $0.delay * 1_000_000 }.sorted()
            #expect(lateness[3] < 50_000_000)
        }
    }

    @Test func `a timer set from another thread is not late because an earlier wait was longer`() throws {
        let (_, queue) = try reactor()
        let done = DispatchSemaphore(value: 0)
        queue.schedule(after: 60_000) {}
        usleep(50_000)
        queue.schedule(after: 10) { done.signal() }
        #expect(done.wait(timeout: .now() + 5) == .success)
    }

    @Test func `a timer cancelled on the queue does not run`() throws {
        let (_, queue) = try reactor()
        let ran = Atomic<Bool>(false)
        let done = DispatchSemaphore(value: 0)
        queue.async {
            let token = queue.schedule(after: 1) { ran.store(true, ordering: .relaxed) }
            usleep(5_000)
            queue.cancel(token)
        }
        queue.schedule(after: 30) { done.signal() }
        #expect(done.wait(timeout: .now() + 10) == .success)
        let didRun = ran.load(ordering: .relaxed)
        #expect(!didRun)
    }

    @Test func `work that was given before the runtime is dropped still runs`() throws {
        let done = DispatchSemaphore(value: 0)
        try reactor().1.async { done.signal() }
        #expect(done.wait(timeout: .now() + 10) == .success)
    }

    @Test func `a busy timer on the queue does not starve the connections`() throws {
        let server = try TestServer.echo()
        let queue = server.runtime.network.reactors[0]
        @Sendable func again() { queue.schedule(after: 0) { again() } }
        again()
        let client = try server.client()
        for round in 0..<50 {
            try client.sendFrame([UInt8(round)])
            #expect(try client.receiveFrame() == [UInt8(round)])
        }
    }
}
