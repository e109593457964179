// SPDX-License-Identifier: Apache-2.0
internal import KafkaMetadata
internal import KafkaStorage

/// Has the parts of a broker take over settings that change while it runs. What logs of topics are configured with is the
/// business of `ReplicaUpdater`. Runs on the metadata queue only, which is what orders the changes.
struct DynamicSettings: Sendable {
    /// As it was at the start.
    let configuration: BrokerConfiguration
    let logs: LogManager
    /// nil where nothing is compacted.
    let cleaner: LogCleaner?
    let listeners: ListenerGroup

    func apply(_ image: MetadataImage, _ delta: MetadataDelta) {
        if !delta.changedClientQuotas.isEmpty { listeners.update(image.clientQuotas) }
        guard delta.changedConfigs.contains(where: { $0.kind == .broker }) else { return }
        let present = configuration.overlaid(with: image)
        cleaner?.update(LogCleanerConfiguration(present.storage.cleaner))
        logs.update(producerIDExpirationMs: present.storage.producerIDExpiration)
        listeners.update(present.network)
    }
}
