// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaProtocol

/// A broker as it registered with the controller, fenced or not.
package struct BrokerRegistration: Sendable {
    /// What the newest RegisterBrokerRecord said, with every change since.
    package internal(set) var record: RegisterBrokerRecord
    /// The offset of the newest RegisterBrokerRecord: the broker may be unfenced once it has replayed up to here. −1 where
    /// it came from a snapshot, which every broker replays before it registers.
    package let registrationOffset: Int64

    package init(_ record: RegisterBrokerRecord, registrationOffset: Int64) {
        self.record = record
        self.registrationOffset = registrationOffset
    }

    package var id: Int32 { record.brokerID }
    /// Names this incarnation towards the controller: the log offset at which it was registered.
    package var epoch: Int64 { record.brokerEpoch }
    package var incarnationID: KafkaUUID { record.incarnationID }
    package var rack: String? { record.rack }
    /// Whether the broker must not lead or serve clients.
    package var isFenced: Bool { record.fenced }
    package var isInControlledShutdown: Bool { record.inControlledShutdown }
    /// Whether new leaders and replicas may be put on it.
    package var isActive: Bool { !isFenced && !isInControlledShutdown }
    /// The ids of its online log directories.
    package var directories: [KafkaUUID] { record.logDirs }
    package var endpoints: [RegisterBrokerRecord.BrokerEndpoint] { record.endPoints }

    /// Its address on the listener of this name.
    package func endpoint(listener: String) -> RegisterBrokerRecord.BrokerEndpoint? {
        record.endPoints.first { $0.name == listener }
    }

    /// The levels of a feature that the broker supports.
    package func supportedLevels(ofFeature name: String) -> ClosedRange<Int16>? {
        guard let feature = record.features.first(where: { $0.name == name }),
            feature.minSupportedVersion <= feature.maxSupportedVersion
        else { return nil }
        return feature.minSupportedVersion...feature.maxSupportedVersion
    }

    /// The directory that a new replica on this broker is recorded in: its only one, or none yet.
    package var defaultDirectory: KafkaUUID {
        switch directories.count {
        case 0: DirectoryID.migrating
        case 1: directories[0]
        default: DirectoryID.unassigned
        }
    }

    /// Whether the broker can serve its replica of this partition.
    package func canServe(_ partition: PartitionRegistration) -> Bool {
        isActive && partition.directory(ofReplicaOn: id).map(hasOnlineDirectory) == true
    }

    /// Whether a replica in this directory can be served.
    package func hasOnlineDirectory(_ id: KafkaUUID) -> Bool {
        if directories.isEmpty || directories.contains(id) { return true }
        return id == DirectoryID.unassigned || id == DirectoryID.migrating
    }
}

/// The members of the cluster.
package struct ClusterImage: Sendable {
    package internal(set) var brokers = SortedMap<Int32, BrokerRegistration>()
    /// By node id; what each controller said in its newest registration (KIP-919).
    package internal(set) var controllers = SortedMap<Int32, RegisterControllerRecord>()

    package init() {}

    package func broker(_ id: Int32) -> BrokerRegistration? { brokers[id] }
    package func isActive(_ id: Int32) -> Bool { brokers[id]?.isActive ?? false }
    /// In ascending order of id.
    package var allBrokers: [BrokerRegistration] { brokers.values }
    /// Those that are not fenced, in ascending order of id: what clients are told of.
    package var unfencedBrokers: [BrokerRegistration] { brokers.values.filter { !$0.isFenced } }

    /// The broker that registered the directory.
    package func broker(ofDirectory id: KafkaUUID) -> Int32? {
        brokers.first { $0.value.directories.contains(id) }?.key
    }
}
