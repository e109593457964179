// SPDX-License-Identifier: Apache-2.0
public import KafkaRuntime

/// The production runtime: Dispatch queues, POSIX files and TCP sockets.
public enum DispatchRuntime {
    /// Makes a runtime for storage alone: files, clocks, queues and randomness of the operating system, and a network
    /// that refuses everything.
    ///
    /// ```swift
    /// let runtime = DispatchRuntime.makeStorageRuntime()
    /// let logs = LogManager(configuration: LogManagerConfiguration(directories: [path]), runtime: runtime)
    /// ```
    ///
    /// - Parameter blockingThreads: how many threads loading, syncs in the background and deletions may take at the
    ///   same time; at least 1.
    public static func makeStorageRuntime(blockingThreads: Int = 10) -> Runtime {
        Runtime(
            clock: SystemClock(), queues: makeQueues(blockingThreads: blockingThreads), files: PosixFileSystem(),
            network: NoNetwork(), random: SystemRandomSource())
    }

    /// Makes a runtime of its own; several in one process do not disturb each other. SIGPIPE and SIGXFSZ are ignored from
    /// here on.
    ///
    /// - Parameters:
    ///   - reactorCount: queues that serve connections, at least 1 (`num.network.threads`).
    ///   - blockingThreads: threads for work that blocks, at least 1 (`background.threads`).
    ///   - warn: told, from any thread, what an operator should know; for example that no descriptor was left for a
    ///     new connection.
    package static func makeRuntime(
        reactorCount: Int, blockingThreads: Int, warn: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(NetworkError) -> Runtime {
        Platform.ignoreFileSizeSignal()
        let pool = BlockingPool(threads: blockingThreads)
        return Runtime(
            clock: SystemClock(), queues: DispatchQueueFactory(pool: pool), files: PosixFileSystem(),
            network: try DispatchNetwork(reactorCount: reactorCount, blocking: pool, warn: warn),
            random: SystemRandomSource())
    }

    /// Queues alone, for tools and tests that need no network.
    package static func makeQueues(blockingThreads: Int) -> any QueueFactory {
        DispatchQueueFactory(pool: BlockingPool(threads: blockingThreads))
    }
}
