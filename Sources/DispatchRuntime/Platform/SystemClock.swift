// SPDX-License-Identifier: Apache-2.0
import CPlatform
import KafkaRuntime

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The operating system's clocks.
package struct SystemClock: Clock {
    package init() {}

    package var wallMilliseconds: Int64 {
        let time = Self.read(CLOCK_REALTIME)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }

    package var monotonicNanoseconds: Int64 { Self.monotonicNanoseconds }

    static var monotonicNanoseconds: Int64 {
        let time = read(CLOCK_MONOTONIC)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// The monotonic millisecond at which `delay` milliseconds have passed for certain.
    static func deadline(after delay: Int64) -> Int64 {
        let now = (monotonicNanoseconds + 999_999) / 1_000_000
        return now.addingReportingOverflow(max(0, delay)).overflow ? .max : now + max(0, delay)
    }

    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        let result = clock_gettime(clock, &time)
        precondition(result == 0, "the operating system has a clock")
        return time
    }
}

/// Random numbers from the operating system (`getrandom` on Linux).
package struct SystemRandomSource: RandomSource {
    package init() {}

    package func next() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
