// SPDX-License-Identifier: Apache-2.0

/// The buckets of a histogram of times: upper bounds are powers of two from 32 µs on, so that one instruction finds the
/// bucket.
enum LatencyBuckets {
    /// 2^15 ns, called 32 µs: bounds are powers of two of 1.024 µs.
    private static let firstExponent = 15
    /// With a bound; one more holds what is longer.
    static let boundedCount = 21

    /// The bucket, 0 to `boundedCount`, of a time in nanoseconds.
    static func index(_ nanoseconds: Int64) -> Int {
        guard nanoseconds > 1 << firstExponent else { return 0 }
        let exponent = Int64.bitWidth - (nanoseconds - 1).leadingZeroBitCount
        return min(exponent - firstExponent, boundedCount)
    }

    /// Milliseconds.
    static let upperBounds: [Double] = (0..<boundedCount).map { Double(1 << (firstExponent + $0)) / 1_000_000 }

    /// - Parameters:
    ///   - counts: by bucket, `boundedCount + 1` of them.
    ///   - sum: nanoseconds.
    static func distribution(_ counts: [Int64], sum: Int64) -> MetricDistribution {
        var total: Int64 = 0
        var buckets: [MetricDistribution.Bucket] = []
        buckets.reserveCapacity(boundedCount)
        for (bound, count) in zip(upperBounds, counts) {
            total += count
            buckets.append(.init(upperBound: bound, cumulativeCount: total))
        }
        return MetricDistribution(
            count: total + counts[boundedCount], sum: Double(sum) / 1_000_000, buckets: buckets)
    }
}
