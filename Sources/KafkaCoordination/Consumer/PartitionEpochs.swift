// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// Since which member epoch each of a member's partitions is its own (KIP-1251). Sorted by topic and partition.
package struct PartitionEpochs: Equatable, Sendable {
    private struct Topic: Equatable {
        let id: KafkaUUID
        let partitions: [Int32]
        /// As many as there are partitions.
        let epochs: [Int32]
    }

    private var topics: [Topic] = []

    package init() {}

    package init(_ partitions: TopicPartitionSet, epoch: (KafkaUUID, Int32) -> Int32) {
        topics = partitions.topics.map { topic in
            Topic(id: topic.id, partitions: topic.partitions, epochs: topic.partitions.map { epoch(topic.id, $0) })
        }
    }

    package init(_ partitions: TopicPartitionSet, epoch: Int32) { self.init(partitions) { _, _ in epoch } }

    /// Nil for a partition that is not the member's. Complexity: logarithmic in the numbers of topics and partitions.
    package func epoch(of id: KafkaUUID, _ partition: Int32) -> Int32? {
        guard let topic = Self.index(of: id, in: topics, by: \.id).map({ topics[$0] }) else { return nil }
        return Self.index(of: partition, in: topic.partitions, by: \.self).map { topic.epochs[$0] }
    }

    private static func index<Element, Key: Comparable>(
        of key: Key, in elements: [Element], by keyPath: KeyPath<Element, Key>
    ) -> Int? {
        var low = 0
        var high = elements.count
        while low < high {
            let middle = (low + high) / 2
            if elements[middle][keyPath: keyPath] < key { low = middle + 1 } else { high = middle }
        }
        return low < elements.count && elements[low][keyPath: keyPath] == key ? low : nil
    }
}
