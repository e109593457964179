// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
internal import KafkaProtocol
internal import KafkaRaft
internal import KafkaRuntime
internal import KafkaStorage

/// The node's part in its own cluster: first records of the log, registration of the broker.
extension BrokerNode {
    func raftConfiguration(_ storage: OpenStorage) -> RaftNode.Configuration {
        var raft = RaftNode.Configuration(
            nodeID: configuration.nodeID, directoryID: storage.metadataDirectoryID,
            staticVoters: [configuration.nodeID])
        let quorum = configuration.quorum
        raft.snapshots.bytesBetweenSnapshots = quorum.bytesBetweenSnapshotsMax
        raft.snapshots.intervalMilliseconds = quorum.snapshotIntervalMax
        raft.snapshots.retentionBytes = quorum.retentionBytes ?? -1
        raft.snapshots.retentionMilliseconds = quorum.retentionAge ?? -1
        return raft
    }

    func controllerSettings(_ storage: OpenStorage) -> ControllerSettings {
        var settings = ControllerSettings(nodeID: configuration.nodeID, clusterID: storage.clusterID)
        settings.defaultPartitionCount = configuration.partitionsDefault
        settings.defaultReplicationFactor = configuration.replicationFactorDefault
        settings.minInSyncReplicas = configuration.topicDefaults.minInSyncReplicas
        settings.isUncleanLeaderElectionEnabled = configuration.topicDefaults.uncleanLeaderElectionEnabled
        settings.isTopicDeletionEnabled = configuration.deleteTopicsEnabled
        settings.sessionTimeoutMilliseconds = configuration.quorum.sessionTimeout
        return settings
    }

    func metadataLogConfiguration() -> LogConfiguration {
        var log = LogConfiguration()
        log.segmentBytes = Int32(clamping: configuration.quorum.segmentBytes)
        log.segmentMs = configuration.quorum.segmentAge
        // The raft node bounds its batches itself.
        log.maxMessageBytes = .max
        // Only what a snapshot replaces may go, whatever its age and size.
        log.retentionMs = -1
        log.retentionBytes = -1
        return log
    }

    /// Appends the bootstrap records to an empty log.
    func bootstrap(_ quorum: MetadataQuorum, _ storage: OpenStorage) throws {
        let activation = storage.bootstrap.activationRecords(quorum.controller.state)
        try quorum.commitAtStart(activation.records, activation.atomicity)
        let unsupported = Feature.unsupported(in: quorum.published)
        guard unsupported.isEmpty else {
            throw StartError(
                "the metadata log finalises features at levels this release cannot live with: "
                    + unsupported.map { "\($0.name)=\($0.level)" }.joined(separator: ", "))
        }
    }

    /// Registers this incarnation of the broker and unfences it. In a quorum of one nobody has to be waited for.
    func register(
        _ quorum: MetadataQuorum, _ storage: OpenStorage, _ listeners: ListenerGroup, previousBrokerEpoch: Int64
    ) throws {
        let request = BrokerRegistrationRequest(
            brokerID: configuration.nodeID, clusterID: storage.clusterID, incarnationID: runtime.random.uuid(),
            listeners: listeners.endpoints,
            features: Feature.all.map {
                .init(
                    name: $0.name, minSupportedVersion: $0.supportedLevels.lowerBound,
                    maxSupportedVersion: $0.supportedLevels.upperBound)
            },
            rack: configuration.rack, logDirs: storage.directoryIDs, previousBrokerEpoch: previousBrokerEpoch)
        self.registration = request
        let now = runtime.clock.monotonicMilliseconds
        let registration = quorum.controller.registerBroker(
            request, nextOffset: quorum.node.logEndOffset, now: now)
        try check(registration.response.errorCode, "registering the broker")
        try quorum.commitAtStart(registration.records, registration.atomicity)

        let heartbeat = BrokerHeartbeatRequest(
            brokerID: configuration.nodeID, brokerEpoch: registration.response.brokerEpoch,
            currentMetadataOffset: quorum.published.provenance.offset, wantFence: false, wantShutDown: false)
        let unfencing = quorum.controller.brokerHeartbeat(
            heartbeat, nextOffset: quorum.node.logEndOffset, now: now)
        try check(unfencing.response.errorCode, "unfencing the broker")
        try quorum.commitAtStart(unfencing.records, unfencing.atomicity)
    }

    private func check(_ code: Int16, _ what: String) throws {
        guard code != 0 else { return }
        throw StartError("\(what) failed: \(ErrorCode(rawValue: code)?.name ?? "error \(code)")")
    }
}

extension ListenerGroup {
    /// The bound addresses by listener name.
    var addresses: [String: SocketAddress] {
        var addresses: [String: SocketAddress] = [:]
        for bound in bound { addresses[bound.configuration.name] = bound.address }
        return addresses
    }

    /// What clients are told, for the broker's registration.
    var endpoints: [BrokerRegistrationRequest.Listener] {
        bound.compactMap { bound in
            bound.advertised.map {
                .init(
                    name: bound.configuration.name, host: $0.host, port: $0.port,
                    securityProtocol: bound.configuration.securityProtocol.id)
            }
        }
    }
}

extension BrokerRegistrationRequest.Listener {
    func isSame(as other: Self) -> Bool {
        (name, host, port, securityProtocol) == (other.name, other.host, other.port, other.securityProtocol)
    }
}

extension ProducerIDAllocator.Block {
    /// What the controller answered.
    static func from(_ response: AllocateProducerIdsResponse) -> Result<ProducerIDAllocator.Block, APIError> {
        if let code = ErrorCode(rawValue: response.errorCode), code != .none { return .failure(APIError(code)) }
        let first = response.producerIDStart
        return .success(ProducerIDAllocator.Block(first: first, end: first + Int64(response.producerIDLen)))
    }
}
