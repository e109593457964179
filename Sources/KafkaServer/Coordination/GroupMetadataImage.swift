// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
internal import KafkaMetadata

/// The cluster's topics as the groups see them: one image of the metadata.
struct GroupMetadataImage: GroupMetadataView {
    let image: MetadataImage

    var version: Int64 { image.provenance.offset }
    var topicNames: [String] { image.topics.names }

    func topicID(named name: String) -> KafkaUUID? { image.topics.id(ofTopic: name) }

    func topicName(of id: KafkaUUID) -> String? { image.topics.topic(id: id)?.name }

    func partitionCount(of id: KafkaUUID) -> Int? { image.topics.topic(id: id)?.partitionCount }

    func racks(of id: KafkaUUID, partition: Int32) -> [String] {
        guard let registration = image.topics.topic(id: id)?.partition(partition) else { return [] }
        var racks: [String] = []
        for rack in registration.replicas.compactMap({ image.cluster.broker($0)?.rack }).sorted()
        where racks.last != rack { racks.append(rack) }
        return racks
    }
}
