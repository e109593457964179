// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
internal import KafkaReplication
internal import KafkaRuntime
internal import KafkaStorage
internal import Logging

/// Making the state of groups from their log, when this broker has become the partition's leader.
extension GroupShardRuntime {
    /// Milliseconds until a log that could not be read is tried again.
    private static let reloadDelay: Int64 = 2_000

    func load() {
        queue.assertCurrent()
        let cancellation = LoadCancellation()
        phase = .loading(cancellation)
        guard let partition = environment.replicas.topic(name: OffsetsTopic.name)?.partition(index),
            case .success(let leader) = partition.leaderLog()
        else { return loadLater(cancellation) }
        self.partition = partition
        let end = leader.log.logEndOffset
        if leader.log.logStartOffset >= end {
            // Nothing to read: those who asked for the topic's creation find it in service.
            let loaded = GroupCoordinatorShard(configuration: configuration)
            return finishLoading(loaded, .success(.init(endOffset: end, records: 0)), cancellation, began: 0)
        }
        let began = environment.runtime.clock.monotonicMilliseconds
        environment.runtime.queues.runBlocking { [self, configuration, environment, name] in
            var shard = GroupCoordinatorShard(configuration: configuration)
            let loader = OffsetsLogLoader(
                log: leader.log, bufferBytes: environment.settings.loadBufferBytes, isCancelled: cancellation)
            let result: Result<OffsetsLogLoader.Loaded, OffsetsLogFailure>
            do throws(OffsetsLogFailure) {
                result = .success(
                    try loader.load(into: &shard) { offset, reason in
                        environment.log.warning(
                            "record of a group passed over",
                            metadata: ["partition": "\(name)", "offset": "\(offset)", "reason": "\(reason)"])
                    })
            } catch {
                result = .failure(error)
            }
            let loaded = shard
            queue.async { [self] in finishLoading(loaded, result, cancellation, began: began) }
        }
    }

    private func finishLoading(
        _ loaded: GroupCoordinatorShard, _ result: Result<OffsetsLogLoader.Loaded, OffsetsLogFailure>,
        _ cancellation: LoadCancellation, began: Int64
    ) {
        guard case .loading(let current) = phase, current === cancellation, !cancellation.isSet else { return }
        switch result {
        case .failure(let failure) where failure.isDamage:
            phase = .failed
            environment.log.error(
                "the groups of a partition cannot be served, its log is damaged",
                metadata: ["partition": "\(name)", "offset": "\(failure.offset)", "reason": "\(failure.reason)"])
        case .failure(let failure):
            environment.log.error(
                "loading groups failed", metadata: ["partition": "\(name)", "reason": "\(failure)"])
            loadLater(cancellation)
        case .success(let report):
            shard = loaded
            // Settings may have changed while it was loading.
            shard.configuration = configuration
            shard.lastMetadata = metadata
            lastWritten = report.endOffset
            phase = .active
            if report.records > 0 {
                let milliseconds = environment.runtime.clock.monotonicMilliseconds - began
                environment.statistics.loaded(milliseconds: milliseconds)
                environment.log.info(
                    "loaded groups",
                    metadata: [
                        "partition": "\(name)", "records": "\(report.records)", "ms": "\(milliseconds)",
                    ])
            }
            begin()
        }
    }

    /// Members that the log knows get their session times; what happened to topics meanwhile is caught up with.
    private func begin() {
        change { $0.loaded(now: $1) }
        let deleted = missedDeletions
        missedDeletions = []
        metadataChanged(metadata, deletedTopics: deleted)
        scheduleExpiry()
    }

    private func loadLater(_ cancellation: LoadCancellation) {
        queue.schedule(after: Self.reloadDelay) { [weak self] in
            guard let self, case .loading(let current) = self.phase, current === cancellation else { return }
            self.load()
        }
    }
}
