// SPDX-License-Identifier: Apache-2.0

/// A rate that allows bursts (KIP-599): tokens come in steadily up to a limit, what is done takes some out, at most once
/// more than there are; then nothing is allowed until there are some again.
///
/// Times are milliseconds of a clock that never goes back.
struct TokenBucket {
    private var tokens: Double
    private var filledAt: Int64
    /// Tokens per second.
    private let rate: Double
    private let capacity: Double

    /// - Parameter burstSeconds: how long a full bucket would take to fill.
    init(rate: Double, burstSeconds: Double, now: Int64) {
        self.rate = rate
        capacity = rate * burstSeconds
        tokens = capacity
        filledAt = now
    }

    private mutating func fill(_ now: Int64) {
        tokens = min(capacity, tokens + rate * Double(max(0, now - filledAt)) / 1_000)
        filledAt = now
    }

    /// Takes `amount` where the bucket is not in debt.
    mutating func take(_ amount: Double, at now: Int64) -> Bool {
        fill(now)
        guard tokens >= 0 else { return false }
        tokens = min(capacity, tokens - amount)
        return true
    }

    /// Takes `amount`, whatever there is.
    mutating func takeAnyway(_ amount: Double, at now: Int64) {
        fill(now)
        tokens = min(capacity, tokens - amount)
    }

    /// Milliseconds until the bucket is no longer in debt.
    mutating func throttleTime(at now: Int64) -> Int64 {
        fill(now)
        return tokens >= 0 ? 0 : Int64(min((-tokens / rate * 1_000).rounded(), Double(Int32.max)))
    }
}
