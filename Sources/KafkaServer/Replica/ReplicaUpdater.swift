// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
internal import KafkaReplication
internal import KafkaStorage
internal import Logging

/// Brings the partitions of this broker in line with the cluster's metadata. Runs on the metadata queue only, which is
/// what orders its changes.
struct ReplicaUpdater: Sendable {
    let nodeID: Int32
    let replicas: ReplicaManager
    let logs: LogManager
    let log: Logger
    /// What the logs of a cluster's topics are configured with, by topic name.
    let logConfigurations: @Sendable (MetadataImage) -> TopicLogConfigurations

    func apply(_ image: MetadataImage, _ delta: MetadataDelta) {
        for deleted in delta.deletedTopics { remove(deleted) }
        var changed: [KafkaUUID] = delta.changedPartitions.map(\.topicID)
        changed += delta.changedConfigs.compactMap { resource in
            resource.kind == .topic ? image.topics.id(ofTopic: resource.name) : nil
        }
        let defaultsChanged = delta.changedConfigs.contains { $0.kind == .broker }
        if defaultsChanged { changed = image.topics.all.map(\.id) }
        if changed.isEmpty { return }
        let configurations = logConfigurations(image)
        var previous: KafkaUUID?
        for id in changed.sorted() where id != previous {
            previous = id
            if let topic = image.topics.topic(id: id) { update(topic, configurations) }
        }
    }

    private func remove(_ deleted: MetadataDelta.DeletedTopic) {
        guard let topic = replicas.remove(id: deleted.id) else { return }
        for partition in topic.partitions.compactMap({ $0 }) {
            do throws(StorageError) {
                try logs.deleteLog(for: partition.topicPartition)
            } catch {
                log.error(
                    "deleting a partition failed",
                    metadata: ["partition": "\(partition.topicPartition)", "reason": "\(error)"])
            }
        }
    }

    private func update(_ topic: TopicImage, _ configurations: TopicLogConfigurations) {
        let existing = replicas.topic(id: topic.id)
        let configuration = configurations.configuration(ofTopic: topic.name)
        var partitions: [Partition?] = []
        partitions.reserveCapacity(topic.partitionCount)
        for (index, registration) in topic.partitions {
            guard registration.replicas.contains(nodeID) else {
                partitions.append(nil)
                continue
            }
            let leadership = Partition.Leadership(
                leaderID: registration.leader, leaderEpoch: registration.leaderEpoch,
                partitionEpoch: registration.partitionEpoch, isLocal: registration.leader == nodeID)
            if let partition = existing?.partition(index) {
                partition.update(leadership)
                partition.update(configuration)
                partitions.append(partition)
            } else {
                partitions.append(open(topic, index, configuration, leadership))
            }
        }
        replicas.replace(
            ReplicaManager.Topic(
                name: topic.name, id: topic.id, isInternal: TopicName.isInternal(topic.name),
                partitions: partitions))
    }

    private func open(
        _ topic: TopicImage, _ index: Int32, _ configuration: LogConfiguration, _ leadership: Partition.Leadership
    ) -> Partition {
        let name = TopicPartition(topic: topic.name, partition: index)
        var log: UnifiedLog?
        do throws(StorageError) {
            log = try logs.createLog(for: name, topicID: topic.id, configuration: configuration)
            // This broker is the only replica: all of its log is committed.
            if let log { log.updateHighWatermark(log.logEndOffset) }
        } catch {
            self.log.error(
                "opening a partition failed", metadata: ["partition": "\(name)", "reason": "\(error)"])
        }
        return Partition(topicPartition: name, topicID: topic.id, log: log, leadership: leadership)
    }
}
