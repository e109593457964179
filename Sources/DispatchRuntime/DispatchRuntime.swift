// SPDX-License-Identifier: Apache-2.0
package import KafkaRuntime

/// The production runtime: Dispatch queues, POSIX files and sockets.
package enum DispatchRuntime {
    /// Files, clock, random numbers and queues for tools and tests that need no network.
    package static func makeQueues(blockingThreads: Int) -> any QueueFactory {
        DispatchQueueFactory(pool: BlockingPool(threads: blockingThreads))
    }
}
