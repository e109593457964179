// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
internal import KafkaProtocol

/// The topic `__consumer_offsets`, in which the group coordinators keep their state.
package enum OffsetsTopic {
    package static let name = "__consumer_offsets"

    /// The partition that keeps what belongs to `group`: all brokers, Apache Kafka's too, must agree on it.
    package static func partition(of group: String, partitionCount: Int32) -> Int32 {
        precondition(partitionCount > 0, "a topic has at least one partition")
        let hash = javaHash(group)
        return (hash == Int32.min ? 0 : abs(hash)) % partitionCount
    }

    /// Java's `String.hashCode`: 31-adic over the UTF-16 code units, wrapping.
    static func javaHash(_ text: String) -> Int32 {
        text.utf16.reduce(0) { 31 &* $0 &+ Int32($1) }
    }

    /// How to create it: as many replicas as asked for, but no more than there are brokers.
    static func creation(_ settings: CoordinatorConfiguration, _ image: MetadataImage) -> CreateTopicsRequest {
        let brokers = image.cluster.unfencedBrokers.count
        let factor = min(Int(settings.offsetsTopicReplicationFactor), max(brokers, 1))
        return CreateTopicsRequest(topics: [
            .init(
                name: name, numPartitions: settings.offsetsTopicPartitions, replicationFactor: Int16(factor),
                configs: [
                    .init(name: "cleanup.policy", value: "compact"),
                    .init(name: "compression.type", value: "producer"),
                    .init(name: "segment.bytes", value: "\(settings.offsetsTopicSegmentBytes)"),
                ])
        ])
    }
}
