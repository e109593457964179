// SPDX-License-Identifier: Apache-2.0
private import KafkaBase
package import KafkaProtocol

extension MetadataImage {
    /// Calls `body` with the records that make this image from an empty one, in the order of a snapshot: the feature
    /// levels first, because they say how the rest is to be read.
    package func forEachRecord<Failure: Error>(
        _ body: (MetadataRecord) throws(Failure) -> Void
    ) throws(Failure) {
        try forEachFeatureRecord(body)
        for (_, broker) in cluster.brokers { try body(.registerBroker(registration(broker))) }
        if metadataVersion.supportsControllerRegistration {
            for (_, controller) in cluster.controllers { try body(.registerController(controller)) }
        }
        for topic in topics.all {
            try body(.topic(TopicRecord(name: topic.name, topicID: topic.id)))
            for (index, partition) in topic.partitions {
                try body(.partition(partition.record(topicID: topic.id, partition: index, at: metadataVersion)))
            }
        }
        for (resource, values) in configs {
            for (key, value) in values {
                try body(
                    .config(
                        ConfigRecord(
                            resourceType: resource.rawKind, resourceName: resource.name, name: key, value: value)))
            }
        }
        for (entity, values) in clientQuotas.entities {
            for (key, value) in values { try body(.clientQuota(entity.record(key: key, value: value))) }
        }
        if let producerIDs { try body(.producerIDs(producerIDs)) }
        for (_, entry) in accessControlEntries { try body(.accessControlEntry(entry)) }
        for (_, credential) in scramCredentials { try body(.userScramCredential(credential)) }
        for (_, token) in delegationTokens { try body(.delegationToken(token)) }
    }

    /// All records of a snapshot.
    package var records: [MetadataRecord] {
        var records: [MetadataRecord] = []
        forEachRecord { records.append($0) }
        return records
    }

    private func forEachFeatureRecord<Failure: Error>(
        _ body: (MetadataRecord) throws(Failure) -> Void
    ) throws(Failure) {
        if let level = features.finalizedMetadataVersion {
            try body(
                .featureLevel(FeatureLevelRecord(name: MetadataVersion.featureName, featureLevel: level.rawValue)))
        }
        for (name, level) in features.otherLevels {
            try body(.featureLevel(FeatureLevelRecord(name: name, featureLevel: level)))
        }
        if let state = features.zkMigrationState, metadataVersion.supportsMigrationState {
            try body(.zkMigrationState(ZkMigrationStateRecord(zkMigrationState: state)))
        }
    }

    /// The registration without what the finalised level has no room for.
    private func registration(_ broker: BrokerRegistration) -> RegisterBrokerRecord {
        var record = broker.record
        if !metadataVersion.supportsControlledShutdown { record.inControlledShutdown = false }
        if !metadataVersion.supportsMigrationState { record.isMigratingZkBroker = false }
        if !metadataVersion.supportsDirectories { record.logDirs = [] }
        if !metadataVersion.supportsCordonedDirectories { record.cordonedLogDirs = nil }
        return record
    }
}
