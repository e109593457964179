// SPDX-License-Identifier: Apache-2.0
public import KafkaBase
public import KafkaRuntime
import Synchronization

/// Compacts the logs of a `LogManager` whose `cleanup.policy` contains `compact`, and deletes the old segments of those
/// that have `delete` as well.
///
/// Each of `threads` workers takes the log with the largest dirty part of all that are due, cleans it, and looks again;
/// where none is due it rests for `backoffMs`. Work is done in pieces on background threads, so that it can be
/// throttled, paused and stopped without any thread waiting. How far each log was cleaned is kept in
/// `cleaner-offset-checkpoint`.
///
/// A log whose batches turn out damaged is left alone until the next start, with an event that says where; it is never
/// cleaned around the damage. Failures of the disk take the directory out of service, but for a full one: that is
/// tried again later.
///
/// Safe to use from any thread. Its lock is held alone, never with a manager's or a log's.
public final class LogCleaner: Sendable {
    /// What a worker is to do with the log that it has.
    enum Order: Sendable {
        case clean
        case abort
    }

    struct State: Sendable {
        var configuration: LogCleanerConfiguration
        var throttle: IOThrottle
        /// Goes up when the workers are to end; each knows the one it was started in.
        var generation = 0
        var isRunning = false
        var workers = 0
        /// Whether the workers end only to begin anew with other settings.
        var isRestarting = false
        /// The workers that wait for a timer, by their number.
        var resting: [Int: CleanerWorker] = [:]
        var lastWorker = 0
        /// Who waits for all workers to have ended.
        var stopping: [@Sendable () -> Void] = []
        /// The logs that somebody works on.
        var inProgress: [TopicPartition: Order] = [:]
        /// How often a partition was paused and not resumed.
        var paused: [TopicPartition: Int] = [:]
        /// Who waits for a partition to be given up.
        var pausing: [TopicPartition: [@Sendable () -> Void]] = [:]
        /// When a log whose cleaning failed may be tried again, monotonic milliseconds.
        var retryAt: [TopicPartition: Int64] = [:]
    }

    let logs: LogManager
    let runtime: Runtime
    let observer: (any LogObserver)?
    let queue: any SerialQueue
    let state: Mutex<State>

    /// Does nothing until `start`. The manager's logs need not be loaded yet.
    public init(
        configuration: LogCleanerConfiguration, logs: LogManager, runtime: Runtime, observer: (any LogObserver)? = nil
    ) {
        self.logs = logs
        self.runtime = runtime
        self.observer = observer
        queue = runtime.queues.makeQueue(label: "log-cleaner")
        state = Mutex(
            State(
                configuration: configuration, throttle: IOThrottle(rate: configuration.bytesPerSecondMax)))
    }

    // MARK: Lifecycle

    /// Begins to look for logs to clean, at once. The manager's logs must be loaded. Does nothing where it runs already.
    public func start() {
        let workers = state.withLock { state -> [CleanerWorker] in
            guard !state.isRunning else { return [] }
            state.isRunning = true
            state.isRestarting = false
            return (0..<max(state.configuration.threads, 0)).map { _ in
                state.workers += 1
                state.lastWorker += 1
                return CleanerWorker(number: state.lastWorker, generation: state.generation)
            }
        }
        for worker in workers { runtime.queues.runBlocking { self.turn(worker) } }
    }

    /// Ends cleanings under way, which leaves the logs as they were; `completion` runs when the last has ended.
    public func stop(completion: @escaping @Sendable () -> Void) {
        // Should it just restart, then this is the last word.
        state.withLock { $0.isRestarting = false }
        endWorkers(completion)
    }

    private func endWorkers(_ completion: @escaping @Sendable () -> Void) {
        let resting = state.withLock { state -> [CleanerWorker]? in
            state.isRunning = false
            state.generation += 1
            guard state.workers > 0 else { return nil }
            state.stopping.append(completion)
            defer { state.resting = [:] }
            return state.resting.values.sorted { $0.number < $1.number }
        }
        guard let resting else { return completion() }
        // A turn of theirs finds that it is the last.
        for worker in resting { runtime.queues.runBlocking { self.turn(worker) } }
    }

    /// Takes over settings: the throttle at once, the rest from the next log on; another number of threads by starting
    /// anew.
    public func update(_ configuration: LogCleanerConfiguration) {
        let needsRestart = state.withLock { state in
            let differs = state.isRunning && state.configuration.threads != configuration.threads
            state.configuration = configuration
            state.throttle.rate = configuration.bytesPerSecondMax
            if differs { state.isRestarting = true }
            return differs
        }
        guard needsRestart else { return }
        endWorkers {
            if self.state.withLock({ $0.isRestarting }) { self.start() }
        }
    }

    // MARK: Partitions

    /// Keeps the cleaner away from a partition until `resume` is called as often; `completion` runs when a cleaning of
    /// it that was under way has ended. For whoever truncates, moves or deletes its log.
    public func pause(_ partition: TopicPartition, completion: @escaping @Sendable () -> Void) {
        let isFree = state.withLock { state in
            state.paused[partition, default: 0] += 1
            guard state.inProgress[partition] != nil else { return true }
            state.inProgress[partition] = .abort
            state.pausing[partition, default: []].append(completion)
            return false
        }
        if isFree { return completion() }
        wake(partition)
    }

    /// Lets the cleaner go on with a partition that was paused.
    public func resume(_ partition: TopicPartition) {
        state.withLock { state in
            guard let count = state.paused[partition] else { return }
            state.paused[partition] = count > 1 ? count - 1 : nil
        }
    }

    /// A throttled worker would notice only when its time has come.
    private func wake(_ partition: TopicPartition) {
        let worker = state.withLock { state -> CleanerWorker? in
            let found = state.resting.values.first { $0.partition == partition }
            return found.flatMap { state.resting.removeValue(forKey: $0.number) }
        }
        if let worker { runtime.queues.runBlocking { self.turn(worker) } }
    }

    // MARK: One log

    /// Cleans a log now, whether that is due or not, on the calling thread and as fast as it goes. Nil where nothing of
    /// it can be cleaned, or a worker has it, or it is paused. Blocks.
    ///
    /// Throws what kept it from cleaning; the log is as it was then, or partly cleaned.
    public func clean(_ log: UnifiedLog) throws(StorageError) -> CleaningStatistics? {
        let partition = log.topicPartition
        guard state.withLock({ $0.take(partition) }) else { return nil }
        defer { release(partition) }
        let options = state.withLock { $0.configuration.options() }
        guard let cleaning = try LogCleaning(log, options, now: runtime.clock.wallMilliseconds) else { return nil }
        do throws(StorageError) {
            while !cleaning.isDone, !state.withLock({ $0.inProgress[partition] == .abort }) {
                _ = try cleaning.advance()
            }
        } catch {
            cleaning.abandon()
            throw error
        }
        guard cleaning.wasCompleted else {
            cleaning.abandon()
            return nil
        }
        logs.checkpointCleanedOffsets()
        return cleaning.statistics
    }
}

extension LogCleaner.State {
    /// Notes that somebody works on a partition; false where that must not be.
    mutating func take(_ partition: TopicPartition) -> Bool {
        guard inProgress[partition] == nil, paused[partition] == nil else { return false }
        inProgress[partition] = .clean
        return true
    }
}
