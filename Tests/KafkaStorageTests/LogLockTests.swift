// SPDX-License-Identifier: Apache-2.0
import Dispatch
import DispatchRuntime
import Foundation
import KafkaRuntime
import Synchronization
import Testing

@testable import KafkaStorage

@Suite struct LogLockTests {
    private struct Guarded: ~Copyable {
        var count = 0
        var inside = 0
    }

    private struct Refused: Error {}

    private let lock = LogLock(Guarded(), DispatchRuntime.makeQueues(blockingThreads: 1))

    /// Few sleeps inside: most find the lock taken for a moment. Many: most sleep, too.
    @Test(arguments: [1_000, 25]) func `one at a time has it, and nobody sleeps for ever`(sleepsEvery: Int) {
        let (threads, rounds) = (12, sleepsEvery * 40)
        let overlaps = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            for round in 0..<rounds {
                lock.withLock { value in
                    value.inside += 1
                    if value.inside != 1 { overlaps.add(1, ordering: .relaxed) }
                    if round % sleepsEvery == 0 { usleep(100) }
                    value.count += 1
                    value.inside -= 1
                }
            }
        }
        #expect(overlaps.load(ordering: .relaxed) == 0)
        #expect(lock.withLock { $0.count } == threads * rounds)
    }

    @Test func `threads that sleep at it are let in one after the other`() {
        let threads = DispatchGroup()
        lock.withLock { _ in
            for number in 0..<20 {
                DispatchQueue(label: "sleeper \(number)").async(group: threads) { lock.withLock { $0.count += 1 } }
            }
            // Long enough for most of them to fall asleep.
            usleep(50_000)
        }
        #expect(threads.wait(timeout: .now() + 20) == .success)
        #expect(lock.withLock { $0.count } == 20)
    }

    @Test func `who does not wait for it gets it only where it is free`() {
        let first = lock.withLockIfFree { value -> Int? in
            value.count += 1
            return value.count
        }
        #expect(first == 1)
        lock.withLock { _ in
            let refused = DispatchQueue(label: "other").sync { lock.withLockIfFree { _ in true } }
            #expect(refused == nil)
        }
        #expect(lock.withLockIfFree { _ in Int?.none } == nil)
        #expect(lock.withLock { $0.count } == 1)
    }

    @Test func `an error leaves it free`() {
        #expect(throws: Refused.self) { try lock.withLock { _ throws(Refused) in throw Refused() } }
        #expect(lock.withLock { $0.count } == 0)
    }
}
