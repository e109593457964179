// SPDX-License-Identifier: Apache-2.0
internal import KafkaMetadata
internal import KafkaStorage

/// What the logs of topics are configured with: each topic's own settings over the dynamic and static ones of this
/// broker, as one image of the cluster has them.
struct TopicLogConfigurations: Sendable {
    private let defaults: TopicConfiguration
    private let image: MetadataImage

    init(_ configuration: BrokerConfiguration, image: MetadataImage) {
        defaults = ConfigurationLayers(configuration, image: image).topicDefaults()
        self.image = image
    }

    func configuration(ofTopic name: String) -> LogConfiguration {
        defaults.applying(image.configs(of: .topic(name))).log
    }
}
