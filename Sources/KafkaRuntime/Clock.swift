// SPDX-License-Identifier: Apache-2.0

/// The time of day and a steady time.
public protocol Clock: Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z. May jump when the machine's clock is set.
    var wallMilliseconds: Int64 { get }
    /// Nanoseconds since an arbitrary moment; never goes back. For intervals and deadlines.
    var monotonicNanoseconds: Int64 { get }
}

extension Clock {
    /// Milliseconds since an arbitrary moment; never goes back.
    public var monotonicMilliseconds: Int64 { monotonicNanoseconds / 1_000_000 }
}
