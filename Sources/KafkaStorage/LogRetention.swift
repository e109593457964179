// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// Looks from time to time for segments that are old, too many, or below their log's start, and deletes them.
///
/// It sees to all logs whose `cleanup.policy` does not contain `compact`; the others are the cleaner's. A look goes
/// through the logs one after the other on one background thread, and the next begins an interval after it has ended.
/// A log that has nothing to delete costs no file call, so that ten thousand of them cost some milliseconds.
///
/// Confined to its queue, which is what makes it `@unchecked Sendable`.
public final class LogRetention: @unchecked Sendable {
    private let logs: LogManager
    private let interval: Int64
    private let runtime: Runtime
    private let queue: any SerialQueue
    private var timer: TimerToken?
    private var isLooking = false
    private var isStopped = false
    /// Who waits for the look under way to end.
    private var stopping: [@Sendable () -> Void] = []

    /// - Parameter interval: milliseconds from the end of one look to the next (`log.retention.check.interval.ms`).
    public init(logs: LogManager, interval: Int64) {
        precondition(interval > 0, "a look takes time")
        self.logs = logs
        self.interval = interval
        runtime = logs.runtime
        queue = runtime.queues.makeQueue(label: "log-retention")
    }

    /// Looks for the first time after `delay` milliseconds (`log.initial.task.delay.ms`). To be called once.
    public func start(after delay: Int64) {
        queue.async { [self] in schedule(after: delay) }
    }

    /// Looks no more. `completion` runs when a look that is under way has ended, which is after the log that it is at.
    public func stop(completion: @escaping @Sendable () -> Void) {
        queue.async { [self] in
            isStopped = true
            if let timer { queue.cancel(timer) }
            timer = nil
            if isLooking { stopping.append(completion) } else { completion() }
        }
    }

    private func schedule(after delay: Int64) {
        guard !isStopped else { return }
        timer = queue.schedule(after: delay) { [weak self] in self?.look() }
    }

    private func look() {
        timer = nil
        guard !isStopped else { return }
        isLooking = true
        visit(logs.logs[...])
    }

    /// Goes on with the logs that are left, so many at a time that a stop need not wait for all of them.
    private func visit(_ left: ArraySlice<UnifiedLog>) {
        guard !isStopped, !left.isEmpty else { return ended() }
        runtime.queues.runBlocking { [self] in
            let rest = deleteOldSegments(left)
            queue.async { [self] in visit(rest) }
        }
    }

    private func ended() {
        isLooking = false
        for completion in stopping { completion() }
        stopping = []
        schedule(after: interval)
    }

    /// Ends behind the first log in which something was deleted; returns those that were not looked at.
    private func deleteOldSegments(_ logs: ArraySlice<UnifiedLog>) -> ArraySlice<UnifiedLog> {
        let now = runtime.clock.wallMilliseconds
        for (index, log) in zip(logs.indices, logs) where !log.configuration.cleanupPolicy.contains(.compact) {
            do throws(StorageError) {
                if try log.deleteOldSegments(now: now) > 0 { return logs[(index + 1)...] }
            } catch {
                switch error {
                case .closed, .offline: break
                case .io(let failure):
                    self.logs.observer?.logEvent(
                        .backgroundFailure(path: log.directory, what: "retention", error: error))
                    self.logs.fileFailed(failure)
                default:
                    self.logs.observer?.logEvent(
                        .backgroundFailure(path: log.directory, what: "retention", error: error))
                }
            }
        }
        return []
    }
}
