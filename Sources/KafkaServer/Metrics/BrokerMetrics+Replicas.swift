// SPDX-License-Identifier: Apache-2.0
internal import KafkaMetadata
internal import KafkaReplication
internal import KafkaStorage

extension BrokerMetrics {
    /// What the partitions and the cluster's metadata say.
    func collectReplicas(_ sources: Sources, into snapshot: inout MetricSnapshot) {
        let context = sources.context
        let image = context.metadata.image
        collectLeadership(context, image, into: &snapshot)
        collectCluster(image, isActive: sources.isActiveController(), into: &snapshot)
        collectLogs(context, into: &snapshot)
        let directories = context.logs.directories
        snapshot.add(MetricCatalog.offlineDirectories, directories.count { !$0.isOnline })
        snapshot.add(
            MetricCatalog.directoryOffline,
            directories.map { MetricSample(labels: [$0.path], value: .integer($0.isOnline ? 0 : 1)) })
    }

    private func collectLogs(_ context: BrokerContext, into snapshot: inout MetricSnapshot) {
        var sizes: [MetricSample] = []
        var starts: [MetricSample] = []
        var ends: [MetricSample] = []
        var segments: [MetricSample] = []
        var offline = 0
        var local = 0
        for topic in context.replicas.allTopics() {
            for partition in topic.partitions {
                guard let partition else { continue }
                local += 1
                guard let log = partition.log else {
                    offline += 1
                    continue
                }
                guard sizes.count < limits.partitionsMax else { continue }
                let name = partition.topicPartition
                let labels = [name.topic, "\(name.partition)"]
                let offsets = log.offsets
                sizes.append(MetricSample(labels: labels, value: .integer(log.size)))
                starts.append(MetricSample(labels: labels, value: .integer(offsets.logStartOffset)))
                ends.append(MetricSample(labels: labels, value: .integer(offsets.logEndOffset)))
                segments.append(MetricSample(labels: labels, value: .integer(Int64(log.segmentCount))))
            }
        }
        snapshot.add(MetricCatalog.partitionCount, local)
        snapshot.add(MetricCatalog.offlineReplicas, offline)
        snapshot.add(MetricCatalog.logSize, sizes)
        snapshot.add(MetricCatalog.logStartOffset, starts)
        snapshot.add(MetricCatalog.logEndOffset, ends)
        snapshot.add(MetricCatalog.logSegments, segments)
    }

    private func collectLeadership(
        _ context: BrokerContext, _ image: MetadataImage, into snapshot: inout MetricSnapshot
    ) {
        var leaders = 0
        var underReplicated = 0
        var belowMinimum = 0
        var atMinimum = 0
        var reassigning = 0
        let defaults = ConfigurationLayers(context.configuration, image: image).topicDefaults()
        for topic in image.topics.all {
            let wanted = Int(defaults.applying(image.configs(of: .topic(topic.name))).minInSyncReplicas)
            for (_, partition) in topic.partitions where partition.leader == context.nodeID {
                leaders += 1
                if partition.inSyncReplicas.count < partition.replicas.count { underReplicated += 1 }
                // More replicas than there are cannot be asked for.
                let minimum = min(wanted, partition.replicas.count)
                if partition.inSyncReplicas.count < minimum { belowMinimum += 1 }
                if partition.inSyncReplicas.count == minimum { atMinimum += 1 }
                if partition.isReassigning { reassigning += 1 }
            }
        }
        snapshot.add(MetricCatalog.leaderCount, leaders)
        snapshot.add(MetricCatalog.underReplicated, underReplicated)
        snapshot.add(MetricCatalog.underMinInSync, belowMinimum)
        snapshot.add(MetricCatalog.atMinInSync, atMinimum)
        snapshot.add(MetricCatalog.reassigning, reassigning)
    }

    private func collectCluster(_ image: MetadataImage, isActive: Bool, into snapshot: inout MetricSnapshot) {
        snapshot.add(MetricCatalog.activeController, isActive ? 1 : 0)
        snapshot.add(MetricCatalog.lastAppliedOffset, image.provenance.offset)
        snapshot.add(MetricCatalog.lastAppliedTimestamp, image.provenance.timestamp)
        // As in Apache Kafka, only the active controller speaks for the cluster.
        guard isActive else { return }
        let brokers = image.cluster.allBrokers
        var partitions = 0
        var offline = 0
        var notPreferred = 0
        image.topics.forEachPartition { _, _, partition in
            partitions += 1
            if !partition.hasLeader { offline += 1 }
            if !partition.hasPreferredLeader { notPreferred += 1 }
        }
        snapshot.add(MetricCatalog.activeBrokers, brokers.count { !$0.isFenced })
        snapshot.add(MetricCatalog.fencedBrokers, brokers.count { $0.isFenced })
        snapshot.add(MetricCatalog.topics, image.topics.count)
        snapshot.add(MetricCatalog.partitions, partitions)
        snapshot.add(MetricCatalog.offlinePartitions, offline)
        snapshot.add(MetricCatalog.preferredReplicaImbalance, notPreferred)
    }
}
