// SPDX-License-Identifier: Apache-2.0
internal import KafkaMetadata

/// Listeners that come and go while the broker runs.
extension BrokerConfiguration {
    /// What takes part in what the listeners are.
    private static let listenerKeys = [
        "listeners", "listener.security.protocol.map", "advertised.listeners", "controller.listener.names",
        "inter.broker.listener.name", "security.inter.broker.protocol",
    ]

    /// The listeners with what was set while the cluster ran; nil where that does not go with the rest of the
    /// configuration, which may have changed since.
    func listeners(_ image: MetadataImage) -> [ListenerConfiguration]? {
        let layers = ConfigurationLayers(self, image: image)
        guard !problems(with: layers).contains(where: { Self.listenerKeys.contains($0.name) }) else { return nil }
        let listeners = overlaid(with: layers).configuration.network.listeners
        return listeners.contains { $0.name == interBrokerListenerName && !$0.isController } ? listeners : nil
    }

    /// Why a running broker cannot have the listeners of another configuration; nil where it can. That the other is
    /// sound in itself is taken for granted.
    ///
    /// - Parameter interBroker: the listener that brokers use among themselves, as the file has it.
    func refusal(ofListenersOf new: BrokerConfiguration, interBroker: String) -> String? {
        if !new.network.listeners.contains(where: { $0.name == interBroker }) {
            return "Advertised listener must be specified for inter-broker listener \(interBroker)"
        }
        for listener in new.network.listeners {
            guard let old = network.listeners.first(where: { $0.name == listener.name }) else { continue }
            if old.securityProtocol != listener.securityProtocol {
                return "Security protocol cannot be updated for existing listener \(listener.name)"
            }
            if fixedSettings(of: listener.name) != new.fixedSettings(of: listener.name) {
                return
                    "Configs cannot be updated dynamically for existing listener \(listener.name), restart broker or "
                    + "create a new listener for update"
            }
        }
        return nil
    }

    /// What a listener keeps as long as it exists.
    private func fixedSettings(of listener: String) -> [String: String] {
        let prefix = "\(ConfigurationKeys.listenerPrefix)\(listener.lowercased())."
        var fixed: [String: String] = [:]
        for name in settings.names where name.hasPrefix(prefix) {
            let key = String(name.dropFirst(prefix.count))
            guard !ConfigurationKeys.changeableOfListeners.contains(key) else { continue }
            fixed[key] = settings[name]?.value
        }
        return fixed
    }
}
