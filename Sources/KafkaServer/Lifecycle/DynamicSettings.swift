// SPDX-License-Identifier: Apache-2.0
internal import KafkaMetadata
internal import KafkaRuntime
internal import KafkaStorage
internal import Logging

/// Has the parts of a broker take over settings that change while it runs. What logs of topics are configured with is the
/// business of `ReplicaUpdater`. Runs on the metadata queue only, which is what orders the changes.
struct DynamicSettings: Sendable {
    /// As it was at the start.
    let configuration: BrokerConfiguration
    let logs: LogManager
    /// nil where nothing is compacted.
    let cleaner: LogCleaner?
    let listeners: ListenerGroup
    let runtime: Runtime
    /// How many reactors there are where no key says it.
    let networkThreads: Int
    /// The metadata queue.
    let queue: any SerialQueue
    let log: Logger
    /// Told when the broker listens elsewhere than before.
    let onListenersChange: @Sendable () -> Void

    func apply(_ image: MetadataImage, _ delta: MetadataDelta) {
        if !delta.changedClientQuotas.isEmpty { listeners.update(image.clientQuotas) }
        guard delta.changedConfigs.contains(where: { $0.kind == .broker }) else { return }
        let present = configuration.overlaid(with: image)
        cleaner?.update(LogCleanerConfiguration(present.storage.cleaner))
        logs.update(producerIDExpirationMs: present.storage.producerIDExpiration)
        setThreads(present.network)
        listeners.update(present.network)
        let wanted = configuration.listeners(image) ?? configuration.network.listeners
        if listeners.change(to: wanted, on: queue) { onListenersChange() }
    }

    private func setThreads(_ network: NetworkConfiguration) {
        runtime.queues.setBlockingThreads(network.backgroundThreads)
        let (count, before) = (network.networkThreads ?? networkThreads, runtime.network.reactors.count)
        guard count != before else { return }
        do throws(NetworkError) {
            try runtime.network.setReactorCount(count)
            log.info("network threads changed", metadata: ["from": "\(before)", "to": "\(count)"])
        } catch {
            log.error("network threads stay", metadata: ["count": "\(before)", "reason": "\(error)"])
        }
    }
}
