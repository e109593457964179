// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// The committed offsets of a shard's groups, and those that wait for the end of their transactions.
///
/// It holds what the topic's records say and nothing else, so its size is bounded by the topic's content.
package struct OffsetsState: Sendable, Equatable {
    package typealias ByPartition = [Int32: CommittedOffset]
    package typealias ByTopic = [String: ByPartition]

    /// By group.
    private(set) var committed: [String: ByTopic] = [:]
    /// By producer and group: what becomes `committed` when the producer's transaction commits.
    private(set) var pending: [Int64: [String: ByTopic]] = [:]
    /// For each group how many open transactions have an offset for a partition.
    private var openTransactions: [String: [TopicPartition: Int]] = [:]

    package init() {}

    // MARK: Reading

    package func offset(groupID: String, topic: String, partition: Int32) -> CommittedOffset? {
        committed[groupID]?[topic]?[partition]
    }

    /// A group's topics with committed offsets, ascending.
    package func topics(ofGroup groupID: String) -> [String] {
        committed[groupID].map { $0.keys.sorted() } ?? []
    }

    /// A topic's partitions with committed offsets, ascending.
    package func partitions(ofGroup groupID: String, topic: String) -> [Int32] {
        committed[groupID]?[topic].map { $0.keys.sorted() } ?? []
    }

    /// Partitions whose offset an open transaction may still change, ascending.
    package func pendingPartitions(ofGroup groupID: String) -> [TopicPartition] {
        openTransactions[groupID].map { $0.keys.sorted() } ?? []
    }

    package func hasPending(groupID: String, topic: String, partition: Int32) -> Bool {
        openTransactions[groupID]?[TopicPartition(topic: topic, partition: partition)] != nil
    }

    package func hasOffsets(groupID: String) -> Bool { committed[groupID] != nil }
    package func hasOpenTransactions(groupID: String) -> Bool { openTransactions[groupID] != nil }

    /// Groups that have offsets of either kind, in no order.
    package var groupIDs: Set<String> { Set(committed.keys).union(openTransactions.keys) }

    /// How many offsets are committed.
    package var count: Int {
        committed.values.reduce(0) { $0 + $1.values.reduce(0) { $0 + $1.count } }
    }

    // MARK: Replaying

    mutating func replay(groupID: String, topic: String, partition: Int32, _ offset: CommittedOffset) {
        committed[groupID, default: [:]][topic, default: [:]][partition] = offset
    }

    /// A deletion; it takes what open transactions hold for the partition along.
    mutating func replayDeletion(groupID: String, topic: String, partition: Int32) {
        if committed[groupID]?[topic]?.removeValue(forKey: partition) != nil {
            if committed[groupID]?[topic]?.isEmpty == true { committed[groupID]?[topic] = nil }
            if committed[groupID]?.isEmpty == true { committed[groupID] = nil }
        }
        guard hasPending(groupID: groupID, topic: topic, partition: partition) else { return }
        // The producers are independent of each other: no order shows.
        for producerID in Array(pending.keys) {
            guard pending[producerID]?[groupID]?[topic]?.removeValue(forKey: partition) != nil else { continue }
            close(groupID, TopicPartition(topic: topic, partition: partition))
            if pending[producerID]?[groupID]?[topic]?.isEmpty == true { pending[producerID]?[groupID]?[topic] = nil }
            if pending[producerID]?[groupID]?.isEmpty == true { pending[producerID]?[groupID] = nil }
            if pending[producerID]?.isEmpty == true { pending[producerID] = nil }
        }
    }

    mutating func replayPending(
        producerID: Int64, groupID: String, topic: String, partition: Int32, _ offset: CommittedOffset
    ) {
        let previous = pending[producerID, default: [:]][groupID, default: [:]][topic, default: [:]]
            .updateValue(offset, forKey: partition)
        guard previous == nil else { return }
        let place = TopicPartition(topic: topic, partition: partition)
        openTransactions[groupID, default: [:]][place, default: 0] += 1
    }

    /// A producer's transaction ended.
    mutating func replayEnd(producerID: Int64, _ end: TransactionEnd) {
        guard let groups = pending.removeValue(forKey: producerID) else { return }
        // The entries are independent of each other: no order shows.
        for (groupID, topics) in groups {
            for (topic, partitions) in topics {
                for (partition, offset) in partitions {
                    close(groupID, TopicPartition(topic: topic, partition: partition))
                    let held = committed[groupID]?[topic]?[partition]
                    guard end == .commit, (held?.recordOffset ?? -1) < offset.recordOffset else { continue }
                    replay(groupID: groupID, topic: topic, partition: partition, offset)
                }
            }
        }
    }

    private mutating func close(_ groupID: String, _ place: TopicPartition) {
        guard let count = openTransactions[groupID]?[place] else { return }
        openTransactions[groupID]?[place] = count > 1 ? count - 1 : nil
        if openTransactions[groupID]?.isEmpty == true { openTransactions[groupID] = nil }
    }
}

/// How a transaction ended, as the control record in the log says.
package enum TransactionEnd: Sendable {
    case commit
    case abort
}
