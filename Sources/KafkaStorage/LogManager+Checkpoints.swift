// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRuntime
import Synchronization

extension LogManager {
    /// The offsets that are written down from time to time.
    private enum Checkpoint: CaseIterable {
        case recoveryPoints, logStartOffsets, highWatermarks, cleanedOffsets

        var fileName: String {
            switch self {
            case .recoveryPoints: LogFileNames.recoveryPoints
            case .logStartOffsets: LogFileNames.logStartOffsets
            case .highWatermarks: LogFileNames.highWatermarks
            case .cleanedOffsets: LogFileNames.cleanedOffsets
            }
        }

        /// nil where the log's is what a start without the file would find, too.
        func offset(of log: UnifiedLog) -> Int64? {
            switch self {
            case .recoveryPoints: log.recoveryPoint
            case .logStartOffsets: log.checkpointedLogStartOffset
            case .highWatermarks: log.highWatermark
            case .cleanedOffsets: log.cleanedUpTo
            }
        }
    }

    /// Lines that stay because the logs they are about could not be loaded, and may be repaired: without them what was
    /// deleted by request would be back then. Only where such a log was synced is forgotten, so that all of it is checked.
    private static func keptLines(
        _ checkpoint: Checkpoint, _ state: State
    ) -> [(place: Int, partition: TopicPartition, offset: Int64)] {
        state.unreadableOptions.compactMap { partition, found in
            let offset: Int64? =
                switch checkpoint {
                case .recoveryPoints: nil
                case .logStartOffsets: found.options.logStartOffset > 0 ? found.options.logStartOffset : nil
                case .highWatermarks: found.options.highWatermark
                case .cleanedOffsets: found.options.cleanedUpTo
                }
            return offset.map { (found.place, partition, $0) }
        }
    }

    /// Writes checkpoints and forgets silent producers at their intervals, from now until the shutdown.
    public func startTasks() {
        startMoves()
        let delay = configuration.initialTaskDelayMs
        repeatTask(after: delay, every: configuration.recoveryPointCheckpointIntervalMs) {
            $0.checkpointRecoveryPoints()
        }
        repeatTask(after: delay, every: configuration.logStartOffsetCheckpointIntervalMs) {
            $0.checkpointLogStartOffsets()
        }
        repeatTask(every: configuration.highWatermarkCheckpointIntervalMs) { $0.checkpointHighWatermarks() }
        repeatTask(every: configuration.idleCheckIntervalMs) { $0.releaseIdleLogs() }
        repeatTask(every: configuration.producerExpirationCheckIntervalMs) { manager in
            let now = manager.runtime.clock.wallMilliseconds
            for log in manager.logs { log.removeExpiredProducers(now: now) }
        }
    }

    /// - Parameter interval: milliseconds; at 0 the task runs once.
    private func repeatTask(
        after delay: Int64 = 0, every interval: Int64, _ task: @escaping @Sendable (LogManager) -> Void
    ) {
        let isShutDown = state.withLock { $0.isShutDown }
        if isShutDown { return }
        let runtime = runtime
        queue.schedule(after: delay + interval) { [weak self] in
            guard let manager = self else { return }
            runtime.queues.runBlocking {
                task(manager)
                if interval > 0 { manager.repeatTask(every: interval, task) }
            }
        }
    }

    /// Writes `recovery-point-offset-checkpoint` in every directory. Blocks.
    public func checkpointRecoveryPoints() { write(.recoveryPoints) }

    /// Writes `log-start-offset-checkpoint` in every directory. Blocks.
    public func checkpointLogStartOffsets() { write(.logStartOffsets) }

    /// Writes `replication-offset-checkpoint` in every directory. Blocks.
    public func checkpointHighWatermarks() { write(.highWatermarks) }

    /// Writes `cleaner-offset-checkpoint` in every directory. Blocks.
    public func checkpointCleanedOffsets() { write(.cleanedOffsets) }

    /// Sees to it that no checkpoint of a directory speaks of a log that is about to be made there: what stands there is
    /// of an earlier log of the name, and would be believed of the new one after a crash — that its records were synced,
    /// or, worse, that the first of them had been deleted.
    ///
    /// The files are written only where they do, once for all the logs that are gone. Throws where they cannot be.
    func forgetCheckpoints(of partition: TopicPartition, inDirectory place: Int) throws(StorageError) {
        for checkpoint in Checkpoint.allCases {
            func isStale() -> Bool {
                state.withLock { state in
                    let directory = state.directories[place]
                    guard state.isLoaded, directory.isOnline, directory.lock != nil else { return false }
                    // Before the first was written nobody knows what the file of the last run says.
                    guard let last = directory.lastCheckpoints[checkpoint.fileName] else { return true }
                    return last[partition] != nil
                }
            }
            guard isStale() else { continue }
            if let failure = write(checkpoint)[place] { throw failure }
        }
    }

    /// A full disk is waited for; any other failure takes the directory out of service.
    private func checkpointFailed(
        _ checkpoint: Checkpoint, _ place: Int, wanted: [TopicPartition: Int64], _ error: StorageError
    ) {
        let directory = configuration.directories[place]
        guard case .io(let failure) = error, !failure.meansFailedDirectory else {
            markOffline(directory: directory, reason: "\(error)")
            return
        }
        guard case .recoveryPoints = checkpoint else { return }
        let old = state.withLock { $0.directories[place].lastCheckpoints[checkpoint.fileName] }
        // The old file would vouch for offsets that are gone; without one, a recovery checks everything. Before the first
        // was written nobody knows what the file of the last run says.
        if let old, old.allSatisfy({ $0.value <= wanted[$0.key] ?? .max }) { return }
        do throws(FileError) {
            try runtime.files.remove("\(directory)/\(checkpoint.fileName)")
            try runtime.files.syncDirectory(directory)
        } catch {
            if error.kind != .notFound { markOffline(directory: directory, reason: "\(error)") }
        }
    }

    /// Writes a file in each directory where it would say something new. Returns what failed, by directory.
    @discardableResult
    private func write(_ checkpoint: Checkpoint) -> [Int: StorageError] {
        checkpointing.withLock { _ in
            guard state.withLock({ $0.isLoaded }) else { return [:] }
            var failures: [Int: StorageError] = [:]
            let (directories, logs, places, futures) = state.withLock {
                ($0.directories, $0.logs, $0.places, $0.futures)
            }
            var offsets = [[TopicPartition: Int64]](repeating: [:], count: directories.count)
            for (partition, log) in logs {
                guard let place = places[partition], let offset = checkpoint.offset(of: log) else { continue }
                offsets[place][partition] = offset
            }
            for (partition, future) in futures {
                guard let offset = checkpoint.offset(of: future.log) else { continue }
                offsets[future.place][partition] = offset
            }
            for kept in state.withLock({ Self.keptLines(checkpoint, $0) }) {
                offsets[kept.place][kept.partition] = kept.offset
            }
            let name = checkpoint.fileName
            for (place, directory) in directories.enumerated() where directory.isOnline && directory.lock != nil {
                if directory.lastCheckpoints[name] == offsets[place] { continue }
                let written = offsets[place]
                do throws(StorageError) {
                    try OffsetCheckpoint.write(written, to: "\(directory.path)/\(name)", runtime.files)
                    state.withLock { $0.directories[place].lastCheckpoints[name] = written }
                } catch {
                    failures[place] = error
                    observer?.logEvent(
                        .backgroundFailure(path: directory.path, what: "checkpoint \(name)", error: error))
                    checkpointFailed(checkpoint, place, wanted: written, error)
                }
            }
            return failures
        }
    }
}
