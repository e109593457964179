// SPDX-License-Identifier: Apache-2.0
private import KafkaBase
internal import KafkaProtocol

extension MetadataReplay {
    mutating func replay(_ record: TopicRecord) throws(MetadataError) {
        if let existing = newestImage.topics.id(ofTopic: record.name) {
            throw .inconsistent(record: "TopicRecord", reason: "topic \(record.name) exists with id \(existing)")
        }
        if let existing = newestImage.topics.topic(id: record.topicID) {
            throw .inconsistent(record: "TopicRecord", reason: "id \(record.topicID) is topic \(existing.name)")
        }
        newestImage.topics.add(TopicImage(name: record.name, id: record.topicID))
        delta.createdTopics.append(record.topicID)
    }

    mutating func replay(_ record: PartitionRecord) throws(MetadataError) {
        guard record.partitionID >= 0 else {
            throw .inconsistent(record: "PartitionRecord", reason: "partition \(record.partitionID) is not possible")
        }
        let partition = try PartitionRegistration(record)
        let found: Void? = try newestImage.topics.update(id: record.topicID) { topic in
            topic.partitions[record.partitionID] = partition
        }
        guard found != nil else {
            throw .inconsistent(record: "PartitionRecord", reason: "there is no topic \(record.topicID)")
        }
        delta.changedPartitions.append(TopicIDPartition(topicID: record.topicID, partition: record.partitionID))
    }

    mutating func replay(_ record: PartitionChangeRecord) throws(MetadataError) {
        let found: Void?? = try newestImage.topics.update(id: record.topicID) {
            (topic: inout TopicImage) throws(MetadataError) in
            try topic.partitions.update(record.partitionID) { (partition) throws(MetadataError) in
                try partition.apply(record)
            }
        }
        guard case .some(.some) = found else {
            let place = TopicIDPartition(topicID: record.topicID, partition: record.partitionID)
            throw .inconsistent(record: "PartitionChangeRecord", reason: "there is no partition \(place)")
        }
        delta.changedPartitions.append(TopicIDPartition(topicID: record.topicID, partition: record.partitionID))
    }

    mutating func replay(_ record: RemoveTopicRecord) throws(MetadataError) {
        guard let topic = newestImage.topics.remove(id: record.topicID) else {
            throw .inconsistent(record: "RemoveTopicRecord", reason: "there is no topic \(record.topicID)")
        }
        delta.deletedTopics.append(
            .init(name: topic.name, id: topic.id, partitionCount: topic.partitionCount))
        if newestImage.configs.removeValue(forKey: .topic(topic.name)) != nil {
            delta.changedConfigs.append(.topic(topic.name))
        }
    }

    /// Forgets the eligible leader replicas of one topic, or of all when the name is empty.
    mutating func replay(_ record: ClearElrRecord) throws(MetadataError) {
        if record.topicName.isEmpty {
            for topic in newestImage.topics.all { try clearEligibleLeaderReplicas(of: topic) }
        } else if let topic = newestImage.topics.topic(named: record.topicName) {
            try clearEligibleLeaderReplicas(of: topic)
        } else {
            throw .inconsistent(record: "ClearElrRecord", reason: "there is no topic \(record.topicName)")
        }
    }

    private mutating func clearEligibleLeaderReplicas(of topic: TopicImage) throws(MetadataError) {
        for (index, partition) in topic.partitions
        where !partition.eligibleLeaderReplicas.isEmpty || !partition.lastKnownEligibleLeaderReplicas.isEmpty {
            var change = PartitionChangeRecord()
            change.topicID = topic.id
            change.partitionID = index
            change.eligibleLeaderReplicas = []
            change.lastKnownElr = []
            try replay(change)
        }
    }
}
