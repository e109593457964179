// SPDX-License-Identifier: Apache-2.0
package import KafkaProtocol

/// What the controller has to know about configuration keys. The shell, which owns the table of keys, supplies it.
package protocol ConfigurationSchema: Sendable {
    /// Why `values`, all the dynamic configurations that `resource` would have, cannot stand; nil where they can.
    func validate(_ values: [(key: String, value: String)], of resource: ConfigResource) -> APIError?
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
