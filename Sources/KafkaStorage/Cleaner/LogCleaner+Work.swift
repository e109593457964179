// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRuntime
import Synchronization

/// What the workers do. All of this runs on background threads.
extension LogCleaner {
    /// A worker leaves its thread to others after so many bytes, so that syncs and deletions get their turn.
    private static let bytesPerTurn: Int64 = 16 << 20
    /// How long a log is left alone after its cleaning failed for want of space, at least, in milliseconds.
    private static let retryMs: Int64 = 1_000

    /// What a worker does next.
    private enum Next {
        case turn
        case rest(milliseconds: Int64)
    }

    func turn(_ worker: CleanerWorker) {
        guard state.withLock({ $0.isRunning && $0.generation == worker.generation }) else { return end(worker) }
        let next: Next
        if let cleaning = worker.cleaning { next = goOn(cleaning, worker) } else { next = begin(worker) }
        switch next {
        case .turn: runtime.queues.runBlocking { self.turn(worker) }
        case .rest(let milliseconds): rest(worker, milliseconds)
        }
    }

    private func end(_ worker: CleanerWorker) {
        if let cleaning = worker.cleaning {
            cleaning.abandon()
            release(cleaning.log.topicPartition)
            worker.cleaning = nil
        }
        let stopping = state.withLock { state -> [@Sendable () -> Void] in
            state.workers -= 1
            guard state.workers == 0 else { return [] }
            defer { state.stopping = [] }
            return state.stopping
        }
        for completion in stopping { completion() }
    }

    private func rest(_ worker: CleanerWorker, _ milliseconds: Int64) {
        let goesOn = state.withLock { state in
            let isAborted = worker.cleaning.map { state.inProgress[$0.log.topicPartition] == .abort } ?? false
            guard state.isRunning, state.generation == worker.generation, !isAborted else { return false }
            worker.partition = worker.cleaning?.log.topicPartition
            state.resting[worker.number] = worker
            return true
        }
        guard goesOn else { return runtime.queues.runBlocking { self.turn(worker) } }
        queue.schedule(after: milliseconds) { [weak self] in
            guard let self, state.withLock({ $0.resting.removeValue(forKey: worker.number) }) != nil else { return }
            runtime.queues.runBlocking { self.turn(worker) }
        }
    }

    /// Gives a partition free for others, and tells those who wait for that.
    func release(_ partition: TopicPartition) {
        let waiting = state.withLock { state in
            state.inProgress[partition] = nil
            return state.pausing.removeValue(forKey: partition) ?? []
        }
        for completion in waiting { completion() }
    }

    // MARK: Choosing

    private func begin(_ worker: CleanerWorker) -> Next {
        let now = runtime.clock.wallMilliseconds
        if let log = takeFilthiest(now: now) {
            let options = state.withLock { $0.configuration.options() }
            do throws(StorageError) {
                worker.cleaning = try LogCleaning(log, options, now: now)
            } catch {
                failed(log, error)
            }
            if worker.cleaning == nil { release(log.topicPartition) }
            return .turn
        }
        deleteOldSegments(now: now)
        return .rest(milliseconds: max(state.withLock { $0.configuration.backoffMs }, 1))
    }

    /// The log that is due and has the largest part to clean, taken for this worker.
    private func takeFilthiest(now: Int64) -> UnifiedLog? {
        let monotonic = runtime.clock.monotonicMilliseconds
        var candidates: [(log: UnifiedLog, ratio: Double)] = []
        for log in logs.logs where isCleanable(log) {
            let waits = state.withLock { ($0.retryAt[log.topicPartition] ?? .min) > monotonic }
            if waits { continue }
            do throws(StorageError) {
                let range = try log.cleanableRange(now: now)
                guard range.isDue(minRatio: log.configuration.minCleanableDirtyRatio) else { continue }
                candidates.append((log, range.dirtyRatio))
            } catch {
                failed(log, error)
            }
        }
        // Logs of one ratio in the order of their names.
        for candidate in candidates.sorted(by: { $0.ratio > $1.ratio })
        where state.withLock({ $0.take(candidate.log.topicPartition) }) {
            return candidate.log
        }
        return nil
    }

    private func isCleanable(_ log: UnifiedLog) -> Bool {
        guard log.configuration.cleanupPolicy.contains(.compact), log.failure == nil, log.uncleanableReason == nil
        else { return false }
        return state.withLock { $0.inProgress[log.topicPartition] == nil && $0.paused[log.topicPartition] == nil }
    }

    // MARK: Cleaning

    private func goOn(_ cleaning: LogCleaning, _ worker: CleanerWorker) -> Next {
        let log = cleaning.log
        let partition = log.topicPartition
        var moved: Int64 = 0
        do throws(StorageError) {
            while !cleaning.isDone {
                guard !isAborted(partition, worker) else {
                    cleaning.abandon()
                    break
                }
                let bytes = try cleaning.advance()
                moved += bytes
                let wait = throttled(bytes)
                if wait > 0, !cleaning.isDone { return .rest(milliseconds: wait) }
                if moved >= Self.bytesPerTurn, !cleaning.isDone { return .turn }
            }
            if cleaning.wasCompleted { finished(cleaning) }
        } catch {
            cleaning.abandon()
            failed(log, error)
        }
        worker.cleaning = nil
        release(partition)
        return .turn
    }

    private func isAborted(_ partition: TopicPartition, _ worker: CleanerWorker) -> Bool {
        state.withLock { state in
            !state.isRunning || state.generation != worker.generation || state.inProgress[partition] == .abort
        }
    }

    private func throttled(_ bytes: Int64) -> Int64 {
        let now = runtime.clock.monotonicNanoseconds
        return state.withLock { $0.throttle.moved(bytes, now: now) }
    }

    private func finished(_ cleaning: LogCleaning) {
        let log = cleaning.log
        state.withLock { $0.retryAt[log.topicPartition] = nil }
        logs.checkpointCleanedOffsets()
        observer?.logEvent(.cleaned(path: log.directory, cleaning.statistics))
        deleteOldSegments(of: log, now: runtime.clock.wallMilliseconds)
    }

    /// Sorts out what a failure means for the log.
    private func failed(_ log: UnifiedLog, _ error: StorageError) {
        let path = log.directory
        switch error {
        case .closed, .offline:
            // Deleted, truncated or out of service meanwhile: no failure of the cleaning's.
            return
        case .io(let failure):
            // A log that was deleted meanwhile is not missed, and its files are not there.
            if log.isClosed { return }
            observer?.logEvent(.backgroundFailure(path: path, what: "cleaning", error: error))
            if failure.meansFailedDirectory { log.report(error) } else { retryLater(log) }
        default:
            setUncleanable(log, error)
        }
    }

    private func setUncleanable(_ log: UnifiedLog, _ error: StorageError) {
        log.setUncleanable("\(error)")
        observer?.logEvent(.uncleanable(path: log.directory, error: error))
    }

    private func retryLater(_ log: UnifiedLog) {
        let now = runtime.clock.monotonicMilliseconds
        state.withLock { state in
            state.retryAt[log.topicPartition] = now + max(state.configuration.backoffMs, Self.retryMs)
        }
    }

    // MARK: Deleting

    /// Retention for the logs that are the cleaner's: by time and size where the policy has `delete`, too, and below
    /// the log's start in any case.
    private func deleteOldSegments(now: Int64) {
        let isRunning = { self.state.withLock { $0.isRunning } }
        for log in logs.logs where isCleanable(log) && isRunning() {
            guard state.withLock({ $0.take(log.topicPartition) }) else { continue }
            deleteOldSegments(of: log, now: now)
            release(log.topicPartition)
        }
    }

    private func deleteOldSegments(of log: UnifiedLog, now: Int64) {
        do throws(StorageError) { try log.deleteOldSegments(now: now) } catch {
            switch error {
            case .closed, .offline: return
            default:
                observer?.logEvent(.backgroundFailure(path: log.directory, what: "retention", error: error))
            }
        }
    }
}
