// SPDX-License-Identifier: Apache-2.0

/// The one seam to the outside world: time, queues, files, network and randomness.
///
/// Production passes `DispatchRuntime`'s, the simulator a seeded one; nothing else in the tree calls Dispatch, sockets,
/// files, the clock or a random number generator. The protocols stand at the granularity of a system call, so that
/// the dynamic call (about 3 ns) does not matter.
public struct Runtime: Sendable {
    public let clock: any Clock
    public let queues: any QueueFactory
    public let files: any FileSystem
    public let network: any Network
    public let random: any RandomSource

    public init(
        clock: any Clock, queues: any QueueFactory, files: any FileSystem, network: any Network,
        random: any RandomSource
    ) {
        self.clock = clock
        self.queues = queues
        self.files = files
        self.network = network
        self.random = random
    }
}
