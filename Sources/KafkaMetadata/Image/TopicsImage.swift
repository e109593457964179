// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// One topic with its partitions.
package struct TopicImage: Equatable, Sendable {
    package let name: String
    package let id: KafkaUUID
    /// By index, ascending.
    package internal(set) var partitions = SortedMap<Int32, PartitionRegistration>()

    package init(name: String, id: KafkaUUID) {
        self.name = name
        self.id = id
    }

    package func partition(_ index: Int32) -> PartitionRegistration? { partitions[index] }

    /// How many partitions it has; their indexes are 0 ..< this.
    package var partitionCount: Int { partitions.count }
}

/// A partition by its topic's id.
package struct TopicIDPartition: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let topicID: KafkaUUID
    package let partition: Int32

    package init(topicID: KafkaUUID, partition: Int32) {
        self.topicID = topicID
        self.partition = partition
    }

    package static func < (left: TopicIDPartition, right: TopicIDPartition) -> Bool {
        left.topicID == right.topicID ? left.partition < right.partition : left.topicID < right.topicID
    }

    package var description: String { "\(topicID):\(partition)" }
}

/// All topics, by id and by name.
package struct TopicsImage: Equatable, Sendable {
    private var byID = SortedMap<KafkaUUID, TopicImage>()
    private var idsByName = SortedMap<String, KafkaUUID>()
    /// How many topics have each collision key, of those whose names can collide.
    private var collisionKeys = SortedMap<String, Int>()

    package init() {}

    package var count: Int { byID.count }

    package func topic(id: KafkaUUID) -> TopicImage? { byID[id] }
    package func topic(named name: String) -> TopicImage? { idsByName[name].flatMap { byID[$0] } }
    package func id(ofTopic name: String) -> KafkaUUID? { idsByName[name] }

    package func partition(_ place: TopicIDPartition) -> PartitionRegistration? {
        byID[place.topicID]?.partitions[place.partition]
    }

    package func partition(_ place: TopicPartition) -> PartitionRegistration? {
        topic(named: place.topic)?.partitions[place.partition]
    }

    /// The names in ascending order.
    package var names: [String] { idsByName.keys }

    /// The topics in ascending order of their names.
    package var all: [TopicImage] { all(from: "") }

    /// The topics whose names are not below `name`, in ascending order of their names, at most `limit`.
    package func all(from name: String, limit: Int = .max) -> [TopicImage] {
        var topics: [TopicImage] = []
        for (_, id) in idsByName.entries(from: name).prefix(limit) {
            if let topic = byID[id] { topics.append(topic) }
        }
        return topics
    }

    /// Calls `body` with every partition, in ascending order of topic name and index.
    package func forEachPartition<Failure: Error>(
        _ body: (TopicImage, Int32, PartitionRegistration) throws(Failure) -> Void
    ) throws(Failure) {
        for (_, id) in idsByName {
            guard let topic = byID[id] else { continue }
            for (index, partition) in topic.partitions { try body(topic, index, partition) }
        }
    }

    /// The name of an existing topic that `name` would be confused with in metric names; the first of several.
    package func topicColliding(with name: String) -> String? {
        guard TopicName.canCollide(name), collisionKeys.contains(TopicName.collisionKey(of: name)) else { return nil }
        let key = TopicName.collisionKey(of: name)
        return idsByName.first { TopicName.canCollide($0.key) && TopicName.collisionKey(of: $0.key) == key }?.key
    }

    // MARK: Changes, by replay only

    mutating func add(_ topic: TopicImage) {
        byID[topic.id] = topic
        idsByName[topic.name] = topic.id
        if TopicName.canCollide(topic.name) {
            let key = TopicName.collisionKey(of: topic.name)
            collisionKeys[key] = (collisionKeys[key] ?? 0) + 1
        }
    }

    mutating func remove(id: KafkaUUID) -> TopicImage? {
        guard let topic = byID.removeValue(forKey: id) else { return nil }
        idsByName.removeValue(forKey: topic.name)
        if TopicName.canCollide(topic.name) {
            let key = TopicName.collisionKey(of: topic.name)
            let left = (collisionKeys[key] ?? 0) - 1
            collisionKeys[key] = left > 0 ? left : nil
        }
        return topic
    }

    /// Changes a topic in its place; nil where there is none with this id.
    mutating func update<Result>(
        id: KafkaUUID, _ body: (inout TopicImage) throws(MetadataError) -> Result
    ) throws(MetadataError) -> Result? {
        try byID.update(id, body)
    }
}
