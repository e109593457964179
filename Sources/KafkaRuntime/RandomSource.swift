// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

/// Random bits: from the operating system in production, from a seed in the simulator.
public protocol RandomSource: Sendable {
    func next() -> UInt64
}

extension RandomSource {
    /// A version-4 UUID whose text form does not begin with a dash, so that it can stand on a command line.
    public func uuid() -> KafkaUUID {
        while true {
            let candidate = KafkaUUID(randomHigh: next(), randomLow: next())
            if !candidate.description.hasPrefix("-") { return candidate }
        }
    }

    /// A value from 0 up to, and not including, `bound`, which must be positive. The bias of the modulo is below
    /// 2⁻³² for the bounds used here.
    public func below(_ bound: Int64) -> Int64 {
        precondition(bound > 0, "the bound must be positive")
        return Int64(next() % UInt64(bound))
    }
}
