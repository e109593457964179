// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// Partitions of topics by id: an assignment. Sorted by topic and partition, so that equal sets look equal and every walk
/// through one is in the same order.
package struct TopicPartitionSet: Equatable, Sendable {
    package struct Topic: Equatable, Sendable {
        package let id: KafkaUUID
        /// Ascending, each once, never empty.
        package fileprivate(set) var partitions: [Int32]
    }

    /// Ascending by id, each once.
    package private(set) var topics: [Topic] = []

    package init() {}

    /// Of any order, with repetitions.
    package init(_ pairs: some Sequence<(KafkaUUID, [Int32])>) {
        for (id, partitions) in pairs.sorted(by: { $0.0 < $1.0 }) where !partitions.isEmpty {
            if topics.last?.id == id {
                topics[topics.count - 1].partitions += partitions
            } else {
                topics.append(Topic(id: id, partitions: partitions))
            }
        }
        for index in topics.indices { Self.normalise(&topics[index].partitions) }
    }

    private static func normalise(_ partitions: inout [Int32]) {
        let isAscending = zip(partitions, partitions.dropFirst()).allSatisfy { $0 < $1 }
        if isAscending { return }
        partitions.sort()
        var kept = 0
        for partition in partitions where kept == 0 || partitions[kept - 1] != partition {
            partitions[kept] = partition
            kept += 1
        }
        partitions.removeLast(partitions.count - kept)
    }

    package var isEmpty: Bool { topics.isEmpty }

    /// How many partitions there are.
    package var count: Int { topics.reduce(0) { $0 + $1.partitions.count } }

    /// The partitions of a topic, ascending. Complexity: logarithmic in the number of topics.
    package func partitions(of id: KafkaUUID) -> [Int32] {
        let index = firstIndex(notBelow: id)
        return index < topics.count && topics[index].id == id ? topics[index].partitions : []
    }

    /// Complexity: logarithmic.
    package func contains(_ id: KafkaUUID, _ partition: Int32) -> Bool {
        Self.contains(partitions(of: id), partition)
    }

    private func firstIndex(notBelow id: KafkaUUID) -> Int {
        var low = 0
        var high = topics.count
        while low < high {
            let middle = (low + high) / 2
            if topics[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Adds partitions of a topic that is not below any topic in the set: how sets are built in order.
    package mutating func append(_ id: KafkaUUID, _ partitions: [Int32]) {
        guard !partitions.isEmpty else { return }
        precondition(topics.last.map { $0.id < id } ?? true, "topics are appended in ascending order")
        var partitions = partitions
        Self.normalise(&partitions)
        topics.append(Topic(id: id, partitions: partitions))
    }

    /// The partitions for which `isIncluded` holds.
    package func filter(_ isIncluded: (KafkaUUID, Int32) -> Bool) -> TopicPartitionSet {
        var result = TopicPartitionSet()
        for topic in topics {
            let kept = topic.partitions.filter { isIncluded(topic.id, $0) }
            if !kept.isEmpty { result.topics.append(Topic(id: topic.id, partitions: kept)) }
        }
        return result
    }

    package func intersection(_ other: TopicPartitionSet) -> TopicPartitionSet {
        combine(other) { own, others in own.filter { Self.contains(others, $0) } }
    }

    package func subtracting(_ other: TopicPartitionSet) -> TopicPartitionSet {
        combine(other) { own, others in others.isEmpty ? own : own.filter { !Self.contains(others, $0) } }
    }

    package func union(_ other: TopicPartitionSet) -> TopicPartitionSet {
        if other.isEmpty { return self }
        if isEmpty { return other }
        return TopicPartitionSet((topics + other.topics).lazy.map { ($0.id, $0.partitions) })
    }

    package func isSubset(of other: TopicPartitionSet) -> Bool { subtracting(other).isEmpty }

    package func isDisjoint(with other: TopicPartitionSet) -> Bool { intersection(other).isEmpty }

    private func combine(
        _ other: TopicPartitionSet, _ operation: ([Int32], [Int32]) -> [Int32]
    ) -> TopicPartitionSet {
        var result = TopicPartitionSet()
        var index = 0
        for topic in topics {
            while index < other.topics.count, other.topics[index].id < topic.id { index += 1 }
            let isShared = index < other.topics.count && other.topics[index].id == topic.id
            let partitions = operation(topic.partitions, isShared ? other.topics[index].partitions : [])
            if !partitions.isEmpty { result.topics.append(Topic(id: topic.id, partitions: partitions)) }
        }
        return result
    }

    private static func contains(_ sorted: [Int32], _ partition: Int32) -> Bool {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < partition { low = middle + 1 } else { high = middle }
        }
        return low < sorted.count && sorted[low] == partition
    }
}
