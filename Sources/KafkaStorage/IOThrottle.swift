// SPDX-License-Identifier: Apache-2.0

/// Spreads what is read and written in the background over time (`log.cleaner.io.max.bytes.per.second`,
/// `replica.alter.log.dirs.io.max.bytes.per.second`).
///
/// Work is paid for afterwards: each piece says how long to wait before the next. Time that nobody used is not saved up.
struct IOThrottle: Sendable {
    /// Bytes a second.
    var rate: Double
    /// Monotonic nanoseconds at which everything that was moved so far is paid for.
    private var paidAt: Int64 = .min

    init(rate: Double) { self.rate = rate }

    /// Notes that `bytes` were moved; returns how many milliseconds to wait, rounded down.
    mutating func moved(_ bytes: Int64, now: Int64) -> Int64 {
        guard rate > 0, bytes > 0 else { return 0 }
        let cost = Double(bytes) / rate * 1e9
        // An hour for one piece is as good as any longer time, and overflows nothing.
        paidAt = max(paidAt, now) + Int64(min(cost, 3.6e12))
        return (paidAt - now) / 1_000_000
    }
}
