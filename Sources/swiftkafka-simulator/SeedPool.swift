// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaSimulator

/// Hands out seeds to threads and counts what comes of them.
final class SeedPool: @unchecked Sendable {
    struct Outcome {
        var done = 0
        var failed = 0
        var events = 0
        var acknowledged = 0
        var starts = 0
    }

    // Guards everything below.
    private let condition = NSCondition()
    private var next: UInt64?
    private let last: UInt64
    private let deadline: Date?
    private let keepsGoing: Bool
    private var left = 0
    private var counted = Outcome()

    init(_ range: ClosedRange<UInt64>, deadline: Date?, keepsGoing: Bool) {
        next = range.lowerBound
        last = range.upperBound
        self.deadline = deadline
        self.keepsGoing = keepsGoing
    }

    var outcome: Outcome { condition.withLock { counted } }

    /// The next seed; nil when there is none, time is up, or one has failed.
    func take() -> UInt64? {
        condition.withLock {
            guard let seed = next, keepsGoing || counted.failed == 0 else { return nil }
            if let deadline, Date() >= deadline { return nil }
            next = seed == last ? nil : seed + 1
            return seed
        }
    }

    /// Counts a report; `tell` is called for one that failed, one at a time.
    func add(_ report: SwarmReport, tell: () -> Void) {
        condition.withLock {
            counted.done += 1
            counted.events += report.events
            counted.acknowledged += report.acknowledged
            counted.starts += report.starts
            guard !report.isFine else { return }
            counted.failed += 1
            tell()
        }
    }

    func leave() {
        condition.withLock {
            left += 1
            condition.broadcast()
        }
    }

    func wait(for count: Int) {
        condition.withLock { while left < count { condition.wait() } }
    }
}
