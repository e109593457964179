// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol

/// What happens to a broker, as far as the partitions on it are concerned.
enum BrokerTransition {
    /// It is fenced, stops in order, or its new incarnation follows one that had stopped in order.
    case leaves(Int32)
    /// It may lead again.
    case returns(Int32)
    /// Its new incarnation may lack records that the old one had acknowledged.
    case stoppedUncleanly(Int32)
    /// Log directories of it have failed (KIP-858), the rest serves on.
    case losesDirectories(Int32, [KafkaUUID])
}

extension Controller {
    /// The changes of leaders and in-sync replicas that follow, in ascending order of topic name and partition.
    func partitionChanges(_ transition: BrokerTransition) -> [MetadataRecord] {
        var records: [MetadataRecord] = []
        image.topics.forEachPartition { topic, index, partition in
            guard Self.concerns(transition, partition) else { return }
            var decision = decision(for: partition, of: topic)
            var returning: Int32?
            switch transition {
            case .leaves(let broker), .losesDirectories(let broker, _): decision.leaving = broker
            case .stoppedUncleanly(let broker): decision.uncleanlyStopped = broker
            case .returns(let broker): returning = broker
            }
            let gone = decision.leaving ?? decision.uncleanlyStopped
            let change = decision.record { broker in
                guard broker != gone, broker == returning || image.cluster.isActive(broker) else { return false }
                return hasOnlineReplica(partition, on: broker)
            }
            guard var change else { return }
            change.topicID = topic.id
            change.partitionID = index
            records.append(.partitionChange(change))
        }
        return records
    }

    /// A decision about a partition to which nothing has happened yet.
    func decision(for partition: PartitionRegistration, of topic: TopicImage) -> PartitionChangeDecision {
        PartitionChangeDecision(
            partition: partition, metadataVersion: image.metadataVersion,
            keepsEligibleLeaderReplicas: image.features.keepsEligibleLeaderReplicas,
            minInSyncReplicas: minInSyncReplicas(topic: topic.name, replicas: partition.replicas.count),
            allowsUncleanElection: allowsUncleanElection(topic: topic.name))
    }

    /// Whether a broker serves and can serve its replica.
    func mayLead(_ partition: PartitionRegistration, _ broker: Int32) -> Bool {
        image.cluster.isActive(broker) && hasOnlineReplica(partition, on: broker)
    }

    private static func concerns(_ transition: BrokerTransition, _ partition: PartitionRegistration) -> Bool {
        switch transition {
        case .leaves(let broker):
            partition.leader == broker || partition.inSyncReplicas.contains(broker)
        case .stoppedUncleanly(let broker):
            partition.leader == broker || partition.inSyncReplicas.contains(broker)
                || partition.eligibleLeaderReplicas.contains(broker)
        case .returns(let broker):
            !partition.hasLeader && partition.replicas.contains(broker)
        case .losesDirectories(let broker, let directories):
            (partition.leader == broker || partition.inSyncReplicas.contains(broker))
                && partition.directory(ofReplicaOn: broker).map { directories.contains($0) } == true
        }
    }

    private func hasOnlineReplica(_ partition: PartitionRegistration, on id: Int32) -> Bool {
        guard let broker = image.cluster.broker(id), let directory = partition.directory(ofReplicaOn: id) else {
            return false
        }
        return broker.hasOnlineDirectory(directory)
    }

    private func minInSyncReplicas(topic: String, replicas: Int) -> Int {
        let configured = dynamicConfig("min.insync.replicas", topic: topic).flatMap { Int32($0) }
        return min(Int(configured ?? settings.minInSyncReplicas), replicas)
    }

    private func allowsUncleanElection(topic: String) -> Bool {
        guard let value = dynamicConfig("unclean.leader.election.enable", topic: topic) else {
            return settings.isUncleanLeaderElectionEnabled
        }
        return value.lowercased() == "true"
    }
}
