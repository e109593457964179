// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
internal import KafkaReplication
internal import KafkaRuntime
internal import KafkaStorage
internal import Logging

/// Brings the partitions of this broker in line with the cluster's metadata. Runs on the metadata queue only, which is
/// what orders its changes.
struct ReplicaUpdater: Sendable {
    /// Milliseconds until what could not be opened is tried again.
    private static let retryInterval: Int64 = 2_000

    let nodeID: Int32
    let replicas: ReplicaManager
    let logs: LogManager
    let log: Logger
    /// nil where nothing is counted.
    let counters: TopicCounterTable?
    /// What the logs of a cluster's topics are configured with, by topic name.
    let logConfigurations: @Sendable (MetadataImage) -> TopicLogConfigurations
    /// Those whose logs could not be opened for want of space or the like.
    let unopened = UnopenedReplicas()
    /// Told where a replica lies when that is not what the metadata say.
    let directoryFound: @Sendable (TopicIDPartition, KafkaUUID) -> Void

    func apply(_ image: MetadataImage, _ delta: MetadataDelta) {
        for deleted in delta.deletedTopics { remove(deleted) }
        var changed: [KafkaUUID] = delta.changedPartitions.map(\.topicID)
        changed += delta.changedConfigs.compactMap { resource in
            resource.kind == .topic ? image.topics.id(ofTopic: resource.name) : nil
        }
        let defaultsChanged = delta.changedConfigs.contains { $0.kind == .broker }
        if defaultsChanged { changed = image.topics.all.map(\.id) }
        if changed.isEmpty, !defaultsChanged, !delta.isEverything { return }
        let configurations = logConfigurations(image)
        if defaultsChanged || delta.isEverything {
            logs.setMoveRate(bytesPerSecond: configurations.moveBytesPerSecond)
        }
        var previous: KafkaUUID?
        for id in changed.sorted() where id != previous {
            previous = id
            if let topic = image.topics.topic(id: id) {
                update(topic, configurations, delta.isEverything ? .log : .nothing)
            }
        }
    }

    private func remove(_ deleted: MetadataDelta.DeletedTopic) {
        guard let topic = replicas.remove(id: deleted.id) else { return }
        if replicas.topic(name: topic.name) == nil { counters?.remove(topic.name) }
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

    private func update(
        _ topic: TopicImage, _ configurations: TopicLogConfigurations, _ expectation: LogExpectation
    ) {
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
                let log = open(topic, index, registration, configuration, expectation)
                partitions.append(
                    Partition(
                        topicPartition: TopicPartition(topic: topic.name, partition: index), topicID: topic.id,
                        log: log, leadership: leadership))
            }
            compareDirectory(topic, index, registration)
        }
        replicas.replace(
            ReplicaManager.Topic(
                name: topic.name, id: topic.id, isInternal: TopicName.isInternal(topic.name),
                partitions: partitions, counters: counters?.counters(of: topic.name)))
    }

    /// Sees to it that what could not be opened is tried again from time to time, until it is there.
    func retryLater(on queue: any SerialQueue, _ published: PublishedMetadata) {
        guard unopened.mustSchedule() else { return }
        queue.schedule(after: Self.retryInterval) {
            retryOpening(published.image)
            retryLater(on: queue, published)
        }
    }

    private func retryOpening(_ image: MetadataImage) {
        let waiting = unopened.takeAll()
        if waiting.isEmpty { return }
        let configurations = logConfigurations(image)
        for (replica, expectation) in waiting {
            guard let topic = image.topics.topic(id: replica.topicID),
                let registration = topic.partition(replica.partition), registration.replicas.contains(nodeID),
                let partition = replicas.topic(id: topic.id)?.partition(replica.partition), partition.log == nil,
                let log = open(
                    topic, replica.partition, registration, configurations.configuration(ofTopic: topic.name),
                    expectation)
            else { continue }
            partition.attach(log)
            compareDirectory(topic, replica.partition, registration)
        }
    }

    private func open(
        _ topic: TopicImage, _ index: Int32, _ registration: PartitionRegistration, _ configuration: LogConfiguration,
        _ expectation: LogExpectation
    ) -> UnifiedLog? {
        let name = TopicPartition(topic: topic.name, partition: index)
        let recorded = registration.directory(ofReplicaOn: nodeID).flatMap { logs.hasDirectory($0) ? $0 : nil }
        do throws(StorageError) {
            let log = try logs.createLog(
                for: name, topicID: topic.id, configuration: configuration, directoryID: recorded,
                expecting: expectation)
            // This broker is the only replica: all of its log is committed.
            log.updateHighWatermark(log.logEndOffset)
            return log
        } catch {
            self.log.error(
                "opening a partition failed", metadata: ["partition": "\(name)", "reason": "\(error)"])
            if case .io(let failure) = error, failure.kind == .noSpace || failure.kind == .tooManyOpenFiles {
                unopened.add(TopicIDPartition(topicID: topic.id, partition: index), expectation)
            }
            return nil
        }
    }

    /// The broker chooses the directory and has the controller note it, so that it knows what a directory takes along
    /// when it fails (KIP-858).
    private func compareDirectory(_ topic: TopicImage, _ index: Int32, _ registration: PartitionRegistration) {
        let name = TopicPartition(topic: topic.name, partition: index)
        guard let recorded = registration.directory(ofReplicaOn: nodeID), let found = logs.directoryID(of: name),
            recorded != found
        else { return }
        directoryFound(TopicIDPartition(topicID: topic.id, partition: index), found)
    }
}
