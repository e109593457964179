// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaReplication
internal import KafkaRuntime
internal import KafkaStorage
internal import Logging

/// Syncs the logs whose records have waited for `flush.ms`, looking every `log.flush.scheduler.interval.ms`.
///
/// Confined to its queue, which is what makes it `@unchecked Sendable`.
final class LogFlusher: @unchecked Sendable {
    private let replicas: ReplicaManager
    private let runtime: Runtime
    private let interval: Int64
    private let log: Logger
    private let queue: any SerialQueue
    /// Since when a partition has had records that are not synced, as far as was seen; monotonic milliseconds.
    private var unsyncedSince: [TopicPartition: Int64] = [:]
    private var isStopped = false

    init(replicas: ReplicaManager, runtime: Runtime, interval: Int64, log: Logger) {
        self.replicas = replicas
        self.runtime = runtime
        self.interval = interval
        self.log = log
        queue = runtime.queues.makeQueue(label: "log-flusher")
    }

    /// - Parameter delay: milliseconds until the first look, besides the interval.
    func start(after delay: Int64) {
        guard interval < .max - delay else { return }
        schedule(after: interval + delay)
    }

    func stop() { queue.async { self.isStopped = true } }

    private func schedule(after delay: Int64) {
        queue.schedule(after: delay) { [weak self] in self?.look() }
    }

    private func look() {
        guard !isStopped else { return }
        let now = runtime.clock.monotonicMilliseconds
        var due: [(partition: Partition, endOffset: Int64)] = []
        var unsynced: [TopicPartition: Int64] = [:]
        for partition in replicas.allTopics().flatMap(\.partitions) {
            guard let partition, let log = partition.log else { continue }
            let end = log.logEndOffset
            guard log.recoveryPoint < end else { continue }
            let since = unsyncedSince[partition.topicPartition] ?? now
            if now - since >= log.configuration.flushMs {
                due.append((partition, end))
            } else {
                unsynced[partition.topicPartition] = since
            }
        }
        unsyncedSince = unsynced
        for (partition, endOffset) in due {
            let name = partition.topicPartition
            partition.sync(upTo: endOffset, on: runtime.queues) { [log] fault in
                guard let fault, fault.code != .unknownTopicOrPartition else { return }
                log.error(
                    "sync failed", metadata: ["partition": "\(name)", "reason": "\(fault.message ?? fault.code.name)"])
            }
        }
        schedule(after: interval)
    }
}
