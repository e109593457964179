// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import KafkaServer

@Suite struct SampledRateTests {
    private static func rate() -> SampledRate { SampledRate(windowCount: 11, windowLength: 1_000) }

    // Expectations take no mutating calls.
    private func measured(_ rate: SampledRate, at now: Int64) -> Double {
        var rate = rate
        return rate.rate(at: now)
    }

    private func throttle(of rate: SampledRate, limit: Double, at now: Int64) -> Int64 {
        var rate = rate
        return rate.throttleTime(limit: limit, at: now)
    }

    @Test func `a burst counts as if it were spread over all windows but one`() {
        var rate = Self.rate()
        rate.record(1_000, at: 50_000)
        #expect(measured(rate, at: 50_000) == 100)
        #expect(throttle(of: rate, limit: 100, at: 50_000) == 0)
        rate.record(1_000, at: 50_000)
        #expect(measured(rate, at: 50_000) == 200)
        // Twice the limit over ten seconds: ten seconds more would make it right.
        #expect(throttle(of: rate, limit: 100, at: 50_000) == 10_000)
        #expect(throttle(of: rate, limit: 150, at: 50_000) == 3_333)
    }

    @Test func `steady use measures as it is`() {
        var rate = Self.rate()
        for second in 0..<60 {
            for part in 0..<10 { rate.record(10, at: Int64(second * 1_000 + part * 100)) }
        }
        #expect(abs(measured(rate, at: 59_900) - 100) < 11)
        #expect(throttle(of: rate, limit: 112, at: 59_900) == 0)
        #expect(throttle(of: rate, limit: 50, at: 59_900) > 5_000)
    }

    @Test func `what is older than all windows together does not count`() {
        var rate = Self.rate()
        rate.record(5_000, at: 0)
        #expect(measured(rate, at: 10_999) > 0)
        #expect(measured(rate, at: 11_000) == 0)
        rate.record(100, at: 20_000)
        #expect(measured(rate, at: 20_000) == 10)
    }

    @Test func `waiting as long as told brings the rate to the limit`() {
        var rate = Self.rate()
        var now: Int64 = 0
        for _ in 0..<40 {
            rate.record(700, at: now)
            now += rate.throttleTime(limit: 100, at: now)
            now += 10
        }
        // Somewhat more than the limit, because a long wait outlasts the windows that made it necessary.
        #expect((100.0...150.0).contains(40 * 700 * 1_000 / Double(now)), "\(now)")
    }

    @Test func `one window of a millisecond divides by at least one`() {
        var rate = SampledRate(windowCount: 1, windowLength: 1)
        rate.record(5, at: 7)
        #expect(measured(rate, at: 7) == 5_000)
        #expect(throttle(of: rate, limit: 1e-300, at: 7) == Int64(Int32.max))
    }

    @Test func `a bucket is emptied at once and then fills at its rate`() {
        var bucket = TokenBucket(rate: 2, burstSeconds: 5, now: 0)
        func took(_ amount: Double, _ now: Int64) -> Bool { bucket.take(amount, at: now) }
        func wait(_ now: Int64) -> Int64 { bucket.throttleTime(at: now) }
        #expect(took(4, 0))
        #expect(wait(0) == 0)
        #expect(took(10, 0))
        #expect(wait(0) == 2_000)
        #expect(!took(1, 1_999))
        #expect(took(1, 2_000))
        bucket.takeAnyway(9, at: 2_000)
        #expect(wait(2_000) == 5_000)
        // It never holds more than it began with.
        #expect(took(10, 1_000_000))
        #expect(took(1, 1_000_000))
        #expect(wait(1_000_000) == 500)
    }
}
