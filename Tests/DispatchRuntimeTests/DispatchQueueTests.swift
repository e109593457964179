// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import Foundation
import KafkaRuntime
import Synchronization
import Testing

@Suite struct DispatchQueueTests {
    private let queues = DispatchRuntime.makeQueues(blockingThreads: 3)

    @Test func `work from several threads runs one at a time, each thread's in its order`() {
        let queue = queues.makeQueue(label: "test")
        let seen = Mutex<[[Int]]>(Array(repeating: [], count: 4))
        let running = Atomic<Int>(0)
        let group = DispatchGroup()
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for index in 0..<1_000 {
                group.enter()
                queue.async {
                    let alreadyRunning = running.add(1, ordering: .relaxed).oldValue
                    #expect(alreadyRunning == 0)
                    #expect(queue.isCurrent)
                    seen.withLock { $0[thread].append(index) }
                    running.subtract(1, ordering: .relaxed)
                    group.leave()
                }
            }
        }
        #expect(!queue.isCurrent)
        #expect(group.wait(timeout: .now() + 10) == .success)
        seen.withLock { #expect($0 == Array(repeating: Array(0..<1_000), count: 4)) }
    }

    @Test func `work given from the queue itself runs later`() {
        let queue = queues.makeQueue(label: "test")
        let order = Mutex<[Int]>([])
        let done = DispatchSemaphore(value: 0)
        queue.async {
            queue.async {
                order.withLock { $0.append(2) }
                done.signal()
            }
            order.withLock { $0.append(1) }
        }
        #expect(done.wait(timeout: .now() + 10) == .success)
        order.withLock { #expect($0 == [1, 2]) }
    }

    @Test func `timers run on the queue, in order, not early and soon after their deadlines`() {
        let queue = queues.makeQueue(label: "test")
        let clock = SystemClock()
        let start = clock.monotonicNanoseconds
        let fired = Mutex<[(delay: Int64, after: Int64)]>([])
        let group = DispatchGroup()
        for delay in [60, 5, 30, 0, 5] as [Int64] {
            group.enter()
            queue.schedule(after: delay) {
                #expect(queue.isCurrent)
                fired.withLock { $0.append((delay, clock.monotonicNanoseconds - start)) }
                group.leave()
            }
        }
        #expect(group.wait(timeout: .now() + 10) == .success)
        fired.withLock { fired in
            #expect(fired.map(\.delay) == [0, 5, 5, 30, 60])
            for timer in fired { #expect(timer.after >= timer.delay * 1_000_000) }
            #expect(fired.allSatisfy { $0.after < ($0.delay + 500) * 1_000_000 })
        }
    }

    @Test func `a cancelled timer does not run`() {
        let queue = queues.makeQueue(label: "test")
        let done = DispatchSemaphore(value: 0)
        let ran = Atomic<Bool>(false)
        let token = queue.schedule(after: 10) { ran.store(true, ordering: .relaxed) }
        queue.async { queue.cancel(token) }
        queue.schedule(after: 40) { done.signal() }
        #expect(done.wait(timeout: .now() + 10) == .success)
        let didRun = ran.load(ordering: .relaxed)
        #expect(!didRun)
    }

    @Test func `blocking work runs at once up to the pool's size and all of it in the end`() {
        let running = Mutex<(now: Int, most: Int)>((0, 0))
        let group = DispatchGroup()
        for _ in 0..<24 {
            group.enter()
            queues.runBlocking {
                running.withLock {
                    $0.now += 1
                    $0.most = max($0.most, $0.now)
                }
                usleep(5_000)
                running.withLock { $0.now -= 1 }
                group.leave()
            }
        }
        #expect(group.wait(timeout: .now() + 10) == .success)
        running.withLock { #expect($0.most == 3) }
    }

    @Test func `random numbers differ and the clocks run`() {
        let random = SystemRandomSource()
        #expect(Set((0..<100).map { _ in random.next() }).count == 100)
        let clock = SystemClock()
        #expect(clock.wallMilliseconds > 1_700_000_000_000)
        let before = clock.monotonicNanoseconds
        #expect(clock.monotonicNanoseconds >= before)
    }
}
