// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@Suite struct TopicPartitionTests {
    @Test(
        arguments: [
            ("a-0", "a", 0), ("my-topic-12", "my-topic", 12), ("__cluster_metadata-0", "__cluster_metadata", 0),
            ("a-2147483647", "a", .max), ("x--1", "x-", 1),
        ] as [(String, String, Int32)])
    func `is read from its directory's name and gives it back`(name: String, topic: String, partition: Int32) throws {
        let read = try #require(TopicPartition(directoryName: name))
        #expect(read == TopicPartition(topic: topic, partition: partition))
        #expect(read.description == name)
    }

    @Test(arguments: ["", "a", "-1", "a-", "a-x", "a-1x", "a-2147483648", "a-+1", "meta.properties"])
    func `other names are not partitions`(name: String) {
        #expect(TopicPartition(directoryName: name) == nil)
    }

    @Test func `orders by topic, then by number`() {
        let sorted = ["b-1", "a-10", "a-9", "B-0"].compactMap { TopicPartition(directoryName: $0) }.sorted()
        #expect(sorted.map(\.description) == ["B-0", "a-9", "a-10", "b-1"])
    }
}
