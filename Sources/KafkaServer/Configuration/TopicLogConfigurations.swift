// SPDX-License-Identifier: Apache-2.0
internal import KafkaMetadata
internal import KafkaStorage

/// What the logs of topics are configured with: each topic's own settings over the dynamic and static ones of this
/// broker, as one image of the cluster has them.
struct TopicLogConfigurations: Sendable {
    private let defaults: TopicConfiguration
    private let image: MetadataImage
    /// What all moves between log directories may take together.
    let moveBytesPerSecond: Int64

    init(_ configuration: BrokerConfiguration, image: MetadataImage) {
        let layers = ConfigurationLayers(configuration, image: image)
        defaults = layers.topicDefaults()
        moveBytesPerSecond = layers.integer("replica.alter.log.dirs.io.max.bytes.per.second") ?? .max
        self.image = image
    }

    func configuration(ofTopic name: String) -> LogConfiguration {
        defaults.applying(image.configs(of: .topic(name))).log
    }
}
