// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol

/// A metadata image with topics and dynamic configurations, as records of a log would make it.
func imageWith(
    topics: [String] = [], configs: [(ConfigResource, String, String)] = []
) throws -> MetadataImage {
    var records: [MetadataRecord] = []
    for (index, name) in topics.enumerated() {
        records.append(.topic(TopicRecord(name: name, topicID: KafkaUUID(high: 1, low: UInt64(index + 1)))))
    }
    for (resource, name, value) in configs {
        records.append(
            .config(ConfigRecord(resourceType: resource.rawKind, resourceName: resource.name, name: name, value: value))
        )
    }
    var replay = MetadataReplay()
    try replay.replay(records, baseOffset: 0, epoch: 1, timestamp: 0)
    return replay.newestImage
}
