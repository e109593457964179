// SPDX-License-Identifier: Apache-2.0

/// How the simulated world behaves. Every range is drawn from with the seed; a range of one value means "always this".
package struct SimulationOptions: Sendable {
    /// Nanoseconds from handing work to a queue until it runs.
    package var queueHop: ClosedRange<Int64> = 200...20_000
    /// Nanoseconds that a piece of bytes, a connection attempt or an acknowledgement is under way between two hosts.
    package var networkLatency: ClosedRange<Int64> = 20_000...500_000
    /// Nanoseconds until work given to `runBlocking` runs.
    package var blockingDelay: ClosedRange<Int64> = 20_000...4_000_000
    /// How many of a thousand pieces of work given to `runBlocking` wait for `blockingStall` instead: a thread that a disk
    /// keeps waiting, while others go on.
    package var blockingStallsPerThousand: Int64 = 0
    /// Nanoseconds.
    package var blockingStall: ClosedRange<Int64> = 0...0
    /// Bytes of one delivered piece of a stream.
    package var pieceBytes: ClosedRange<Int> = 1...65_536
    /// Bytes that one direction of a connection holds between sender and reader, drawn for each connection. A
    /// listener's or connector's explicit buffer sizes take its place.
    package var windowBytes: ClosedRange<Int> = 4_096...262_144
    /// The most bytes that one read takes from a connection.
    package var readBytes = 65_536
    /// Queues that serve the connections of a host.
    package var reactorsPerHost = 2
    /// Milliseconds since 1970 at which the simulation starts.
    package var startWallMilliseconds: Int64 = 1_700_000_000_000
    /// How many of a million delivered pieces reset their connection instead.
    package var resetsPerMillionPieces = 0
    /// The most events that one call to a `run` function handles before it reports a livelock.
    package var maximumSteps = 200_000_000
    /// The most events within one virtual millisecond before a livelock is reported.
    package var maximumStepsPerMillisecond = 2_000_000
    /// How many of the latest events the trace keeps as text; its hash covers all of them.
    package var traceCapacity = 1_000

    package init() {}

    /// No delays and whole pieces: for tests of logic in which timing has no part.
    package static var immediate: SimulationOptions {
        var options = SimulationOptions()
        options.queueHop = 0...0
        options.networkLatency = 0...0
        options.blockingDelay = 0...0
        options.pieceBytes = 1_048_576...1_048_576
        options.windowBytes = 1_048_576...1_048_576
        return options
    }

    /// A behaviour drawn from the seed, so that a row of seeds visits slow and fast networks, tiny and large windows,
    /// calm and jittery queues in all combinations.
    package static func drawn(seed: UInt64) -> SimulationOptions {
        var random = Xoshiro256(seed: seed ^ 0x6F70_7469_6F6E_7321)
        var options = SimulationOptions()
        options.queueHop = [0...0, 200...2_000, 200...20_000, 1_000...2_000_000][random.value(in: 0...3)]
        options.networkLatency =
            [
                10_000...10_000, 20_000...500_000, 100_000...20_000_000, 1_000_000...300_000_000,
            ][random.value(in: 0...3)]
        options.blockingDelay = [0...0, 20_000...4_000_000, 1_000_000...200_000_000][random.value(in: 0...2)]
        options.pieceBytes = [65_536...65_536, 1...65_536, 1...1_460, 1...64][random.value(in: 0...3)]
        options.windowBytes = [256...1_024, 4_096...65_536, 65_536...262_144][random.value(in: 0...2)]
        options.readBytes = [512, 16_384, 65_536, 262_144][random.value(in: 0...3)]
        options.reactorsPerHost = random.value(in: 1...3)
        return options
    }
}
