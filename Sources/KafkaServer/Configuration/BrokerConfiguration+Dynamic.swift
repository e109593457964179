// SPDX-License-Identifier: Apache-2.0
package import KafkaMetadata

extension BrokerConfiguration {
    /// This configuration with what was set while the cluster ran, for all brokers and then for this one, over it. Values
    /// that mean nothing here, because another version set them, are passed over.
    package func overlaid(with image: MetadataImage) -> BrokerConfiguration {
        overlaid(with: ConfigurationLayers(self, image: image)).configuration
    }

    /// What would be wrong with this configuration if the dynamic settings were those of `layers`, beyond what is wrong
    /// with them one by one: a value that the topic key does not allow that it is the default of, two that contradict
    /// each other.
    func problems(with layers: ConfigurationLayers) -> [ConfigurationProblem] {
        // Of this machine's name, and of what only a start can tell, nothing can have changed.
        let accepted = overlaid(with: ConfigurationLayers(settings: settings)).problems.map(\.name)
        return overlaid(with: layers).problems.filter { !accepted.contains($0.name) }
    }

    /// This configuration with what `layers` set while the cluster ran over it.
    func overlaid(
        with layers: ConfigurationLayers
    ) -> (configuration: BrokerConfiguration, problems: [ConfigurationProblem]) {
        var overlaid = settings
        for values in [layers.dynamicDefault, layers.dynamicBroker] {
            for (name, value) in values.sorted(by: { $0.key < $1.key }) where Self.isUsable(name, value) {
                overlaid.set(name, value, from: .program)
            }
        }
        var reader = ConfigurationReader(overlaid, warnings: [], problems: [])
        let configuration = BrokerConfiguration(&reader, hostName: hostName)
        return (configuration, reader.problems)
    }

    /// Keys of listeners that nobody knows are let through: a listener that exists may not get any.
    private static func isUsable(_ name: String, _ value: String) -> Bool {
        if name.hasPrefix(ConfigurationKeys.listenerPrefix) {
            return ConfigurationKeys.scoped(name).map { (try? $0.parse(value)) != nil } ?? true
        }
        guard let definition = ConfigurationKeys.broker(name), definition.mode != .readOnly else { return false }
        return (try? definition.parse(value)) != nil
    }
}
