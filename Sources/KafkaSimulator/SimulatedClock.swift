// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// Virtual time as one host sees it.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
final class SimulatedClock: Clock, @unchecked Sendable {
    private let loop: EventLoop
    private let startWallMilliseconds: Int64
    /// Milliseconds that the host's wall clock is ahead of the simulation's.
    var offset: Int64 = 0

    init(loop: EventLoop, startWallMilliseconds: Int64) {
        self.loop = loop
        self.startWallMilliseconds = startWallMilliseconds
    }

    var wallMilliseconds: Int64 { startWallMilliseconds + offset + loop.now / 1_000_000 }
    var monotonicNanoseconds: Int64 { loop.now }
}
