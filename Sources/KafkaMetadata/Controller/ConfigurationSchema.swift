// SPDX-License-Identifier: Apache-2.0
package import KafkaProtocol

/// The operations of IncrementalAlterConfigs.
package enum ConfigurationOperation: Int8, Sendable {
    case set = 0
    case delete = 1
    /// Adds to a list.
    case append = 2
    /// Takes away from a list.
    case subtract = 3
}

/// What the controller has to know about configuration keys. The shell, which owns the table of keys, supplies it.
package protocol ConfigurationSchema: Sendable {
    /// Why `values`, all the dynamic configurations that `resource` would have, cannot stand beside what else there is in
    /// `image`; nil where they can.
    func validate(
        _ values: [(key: String, value: String)], of resource: ConfigResource, image: MetadataImage
    ) -> APIError?
    /// Whether the key takes a comma-separated list, which may be appended to and subtracted from.
    func isList(_ key: String, of kind: ConfigResource.Kind) -> Bool
    /// The value of a key that is set nowhere; nil for none.
    func defaultValue(of key: String, of kind: ConfigResource.Kind) -> String?
    /// Every configuration of a topic with these overrides, as CreateTopics answers it from version 5 on, ascending by
    /// name.
    func effectiveTopicConfigs(
        overrides: [(key: String, value: String)], image: MetadataImage
    ) -> [CreateTopicsResponse.CreatableTopicConfigs]
}
