// SPDX-License-Identifier: Apache-2.0

/// A rate over the last few windows of time, measured as Apache Kafka measures it for quotas (KIP-13).
///
/// Time is cut into windows where something happens: one begins with the first amount after the last one's end. Those
/// that ended longer ago than all windows together last do not count. The time that amounts are divided by begins with
/// the oldest window that counts and is at least all windows but one, so that a burst after a quiet time is allowed what
/// it would have been allowed in steady use.
///
/// Times are milliseconds of a clock that never goes back.
struct SampledRate {
    private struct Window {
        var began: Int64
        var lastAmount: Int64
        var sum: Double
    }

    private let windowCount: Int
    private let windowLength: Int64
    /// In the order of their beginnings, at most one more than `windowCount`.
    private var windows: [Window] = []

    /// - Parameters:
    ///   - windowCount: `quota.window.num`, at least 1.
    ///   - windowLength: `quota.window.size.seconds` in milliseconds, at least 1.
    init(windowCount: Int, windowLength: Int64) {
        self.windowCount = windowCount
        self.windowLength = windowLength
    }

    mutating func record(_ amount: Double, at now: Int64) {
        dropOld(now)
        if let last = windows.indices.last, now - windows[last].began < windowLength {
            windows[last].sum += amount
            windows[last].lastAmount = now
            return
        }
        if windows.count > windowCount { windows.removeFirst() }
        windows.append(Window(began: now, lastAmount: now, sum: amount))
    }

    /// Amount per second.
    mutating func rate(at now: Int64) -> Double {
        dropOld(now)
        let sum = windows.reduce(0) { $0 + $1.sum }
        return sum * 1_000 / Double(span(at: now))
    }

    /// Milliseconds to wait until the rate has fallen to `limit` per second; 0 where it is not above.
    mutating func throttleTime(limit: Double, at now: Int64) -> Int64 {
        let rate = rate(at: now)
        guard rate > limit else { return 0 }
        let milliseconds = (rate - limit) / limit * Double(span(at: now))
        return Int64(min(milliseconds.rounded(), Double(Int32.max)))
    }

    private mutating func dropOld(_ now: Int64) {
        let age = Int64(windowCount) * windowLength
        windows.removeAll { now - $0.lastAmount >= age }
    }

    /// Milliseconds that the amounts are divided by.
    private func span(at now: Int64) -> Int64 {
        let elapsed = now - (windows.first?.began ?? now)
        let missing = max(0, Int64(windowCount - 1) - elapsed / windowLength)
        return max(1, elapsed + missing * windowLength)
    }
}
