// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaReplication
internal import KafkaStorage
internal import Synchronization

/// The partitions that this broker holds, found by topic name or id from any reactor.
///
/// What they are is decided by the cluster's metadata (`ReplicaUpdater`).
package final class ReplicaManager: Sendable {
    /// A topic as this broker knows it. Replaced, never changed, when its metadata change.
    package final class Topic: Sendable {
        package let name: String
        package let id: KafkaUUID
        package let isInternal: Bool
        /// By partition number; nil where another broker holds the partition.
        package let partitions: [Partition?]
        /// nil where nobody wants to know.
        package let counters: TopicCounters?

        package init(
            name: String, id: KafkaUUID, isInternal: Bool, partitions: [Partition?], counters: TopicCounters? = nil
        ) {
            self.name = name
            self.id = id
            self.isInternal = isInternal
            self.partitions = partitions
            self.counters = counters
        }

        package func partition(_ index: Int32) -> Partition? {
            index >= 0 && index < partitions.count ? partitions[Int(index)] : nil
        }

        /// Why `partition(_:)` is nil for a client.
        package func faultForMissing(_ index: Int32) -> ErrorCode {
            index >= 0 && index < partitions.count ? .notLeaderOrFollower : .unknownTopicOrPartition
        }
    }

    private struct Tables {
        var byName: [String: Topic] = [:]
        var byID: [KafkaUUID: Topic] = [:]
    }

    private let tables = Mutex(Tables())

    package init() {}

    package func topic(name: String) -> Topic? { tables.withLock { $0.byName[name] } }

    package func topic(id: KafkaUUID) -> Topic? { tables.withLock { $0.byID[id] } }

    /// By id where one is given, by name otherwise.
    package func topic(name: String, id: KafkaUUID) -> Topic? {
        id.isZero ? topic(name: name) : topic(id: id)
    }

    /// All topics, by name.
    package func allTopics() -> [Topic] {
        tables.withLock { $0.byName.values.sorted { $0.name < $1.name } }
    }

    /// Takes the partitions out of service whose logs went with a failed directory.
    func markOffline(_ partitions: [TopicPartition]) {
        for name in partitions { topic(name: name.topic)?.partition(name.partition)?.markOffline() }
    }

    func replace(_ topic: Topic) {
        tables.withLock {
            $0.byName[topic.name] = topic
            $0.byID[topic.id] = topic
        }
    }

    /// Takes a topic out of the tables and tells who waits for its partitions.
    func remove(id: KafkaUUID) -> Topic? {
        let topic = tables.withLock { tables -> Topic? in
            guard let topic = tables.byID.removeValue(forKey: id) else { return nil }
            if tables.byName[topic.name]?.id == id { tables.byName[topic.name] = nil }
            return topic
        }
        for partition in topic?.partitions ?? [] { partition?.remove() }
        return topic
    }
}
