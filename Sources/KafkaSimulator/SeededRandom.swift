// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// SplitMix64: turns any 64-bit seed, zero too, into well-mixed words. Used to fill larger generators' states and to
/// derive one seed from another.
package struct SplitMix64: Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// xoshiro256**: 256 bits of state, period 2²⁵⁶ − 1. Its sequence for a seed never changes between releases, because
/// recorded seeds must keep their meaning.
package struct Xoshiro256: RandomNumberGenerator, Sendable {
    private var a: UInt64
    private var b: UInt64
    private var c: UInt64
    private var d: UInt64

    package init(seed: UInt64) {
        var source = SplitMix64(seed: seed)
        a = source.next()
        b = source.next()
        c = source.next()
        d = source.next()
    }

    /// The state words themselves, for comparison with the published sequence. They must not all be zero.
    package init(state: (UInt64, UInt64, UInt64, UInt64)) {
        precondition(state.0 | state.1 | state.2 | state.3 != 0, "an all-zero state only yields zeros")
        (a, b, c, d) = state
    }

    package mutating func next() -> UInt64 {
        let product = b &* 5
        let result = ((product << 7) | (product >> 57)) &* 9
        let shifted = b << 17
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= shifted
        d = (d << 45) | (d >> 19)
        return result
    }

    /// A value in `range`. The modulo's bias is below 2⁻²⁰ for the widths used in simulations (up to 2⁴⁴).
    package mutating func value(in range: ClosedRange<Int64>) -> Int64 {
        let width = UInt64(bitPattern: range.upperBound &- range.lowerBound)
        return width == .max ? Int64(bitPattern: next()) : range.lowerBound &+ Int64(next() % (width + 1))
    }

    package mutating func value(in range: ClosedRange<Int>) -> Int {
        Int(value(in: Int64(range.lowerBound)...Int64(range.upperBound)))
    }

    /// True `numerator` times out of `denominator`.
    package mutating func chance(_ numerator: Int, in denominator: Int) -> Bool {
        numerator > 0 && next() % UInt64(denominator) < UInt64(numerator)
    }
}

/// The random source that a simulated host gives to the code on it.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
package final class SeededRandom: RandomSource, @unchecked Sendable {
    private var generator: Xoshiro256

    package init(seed: UInt64) { generator = Xoshiro256(seed: seed) }

    package func next() -> UInt64 { generator.next() }
}
