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
        fileprivate let nameBytes: [UInt8]

        package init(
            name: String, id: KafkaUUID, isInternal: Bool, partitions: [Partition?], counters: TopicCounters? = nil
        ) {
            self.name = name
            self.id = id
            self.isInternal = isInternal
            self.partitions = partitions
            self.counters = counters
            nameBytes = Array(name.utf8)
        }

        fileprivate var nameHash: UInt64 { nameBytes.withUnsafeBytes { TopicHash.of(name: $0) } }

        func hasName(_ bytes: UnsafeRawBufferPointer) -> Bool {
            nameBytes.withUnsafeBytes { TopicHash.areEqual($0, bytes) }
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
        var byName = TopicTable { $0.nameHash }
        var byID = TopicTable { TopicHash.of(id: $0.id) }

        func topic(name: UnsafeRawBufferPointer) -> Topic? {
            byName.find(TopicHash.of(name: name)) { $0.hasName(name) }
        }

        func topic(id: KafkaUUID) -> Topic? { byID.find(TopicHash.of(id: id)) { $0.id == id } }

        mutating func remove(_ topic: Topic) {
            byName.remove(topic)
            byID.remove(topic)
        }
    }

    private let tables = Mutex(Tables())
    /// Goes up with each change of the tables.
    private let generation = Atomic<UInt64>(0)

    package init() {}

    package func topic(name: String) -> Topic? {
        var name = name
        return name.withUTF8 { topic(name: UnsafeRawBufferPointer($0)) }
    }

    /// - Parameter name: UTF-8.
    package func topic(name: UnsafeRawBufferPointer) -> Topic? { tables.withLock { $0.topic(name: name) } }

    package func topic(id: KafkaUUID) -> Topic? { tables.withLock { $0.topic(id: id) } }

    /// By id where one is given, by name otherwise.
    package func topic(name: String, id: KafkaUUID) -> Topic? {
        id.isZero ? topic(name: name) : topic(id: id)
    }

    /// By id where one is given, by name otherwise.
    func topic(name: UnsafeRawBufferPointer, id: KafkaUUID) -> Topic? {
        id.isZero ? topic(name: name) : topic(id: id)
    }

    /// As the other, for a connection that keeps `recent` for this.
    func topic(name: UnsafeRawBufferPointer, id: KafkaUUID, recent: inout RecentTopic) -> HeldTopic? {
        // Read first, so that a change meanwhile makes what is found here be looked for again.
        let generation = generation.load(ordering: .acquiring)
        if recent.generation == generation, let held = recent.held, id.isZero ? held.hasName(name) : held.id == id {
            return held
        }
        recent = RecentTopic(topic(name: name, id: id), generation: generation)
        return recent.held
    }

    /// All topics, by name.
    package func allTopics() -> [Topic] {
        tables.withLock { $0.byID.all.sorted { $0.name < $1.name } }
    }

    /// Takes the partitions out of service whose logs went with a failed directory.
    func markOffline(_ partitions: [TopicPartition]) {
        for name in partitions { topic(name: name.topic)?.partition(name.partition)?.markOffline() }
    }

    func replace(_ topic: Topic) {
        tables.withLock { tables in
            if let old = tables.topic(id: topic.id) { tables.remove(old) }
            // One of the same name that is not deleted yet stays, found by its id.
            let former = topic.nameBytes.withUnsafeBytes { tables.topic(name: $0) }
            if let former { tables.byName.remove(former) }
            tables.byID.insert(topic)
            tables.byName.insert(topic)
            generation.add(1, ordering: .releasing)
        }
    }

    /// Takes a topic out of the tables and tells who waits for its partitions.
    func remove(id: KafkaUUID) -> Topic? {
        let topic = tables.withLock { tables -> Topic? in
            guard let topic = tables.topic(id: id) else { return nil }
            tables.remove(topic)
            generation.add(1, ordering: .releasing)
            return topic
        }
        for partition in topic?.partitions ?? [] { partition?.remove() }
        return topic
    }
}
