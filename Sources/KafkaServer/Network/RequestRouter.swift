// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol

/// Sends each request to the handler of its API.
package enum RequestRouter {
    /// An API that is served, with the versions that are.
    package struct Served {
        package let key: APIKey
        package let versions: ClosedRange<Int16>
    }

    /// The one place that says which APIs are served; nil for those that are not.
    package static func handler(of key: APIKey) -> (any FrameHandler.Type)? {
        switch key {
        case .produce: ProduceHandler.self
        case .fetch: FetchHandler.self
        case .listOffsets: ListOffsetsHandler.self
        case .metadata: MetadataHandler.self
        case .findCoordinator: FindCoordinatorHandler.self
        case .apiVersions: ApiVersionsHandler.self
        case .createTopics: CreateTopicsHandler.self
        case .deleteTopics: DeleteTopicsHandler.self
        case .deleteRecords: DeleteRecordsHandler.self
        case .initProducerID: InitProducerIDHandler.self
        case .offsetForLeaderEpoch: OffsetForLeaderEpochHandler.self
        case .describeConfigs: DescribeConfigsHandler.self
        case .offsetCommit: OffsetCommitHandler.self
        case .offsetFetch: OffsetFetchHandler.self
        case .joinGroup: JoinGroupHandler.self
        case .heartbeat: HeartbeatHandler.self
        case .leaveGroup: LeaveGroupHandler.self
        case .syncGroup: SyncGroupHandler.self
        case .describeGroups: DescribeGroupsHandler.self
        case .listGroups: ListGroupsHandler.self
        case .deleteGroups: DeleteGroupsHandler.self
        case .offsetDelete: OffsetDeleteHandler.self
        case .consumerGroupHeartbeat: ConsumerGroupHeartbeatHandler.self
        case .consumerGroupDescribe: ConsumerGroupDescribeHandler.self
        case .alterConfigs: AlterConfigsHandler.self
        case .createPartitions: CreatePartitionsHandler.self
        case .incrementalAlterConfigs: IncrementalAlterConfigsHandler.self
        case .describeCluster: DescribeClusterHandler.self
        case .describeTopicPartitions: DescribeTopicPartitionsHandler.self
        case .describeLogDirs: DescribeLogDirsHandler.self
        case .alterReplicaLogDirs: AlterReplicaLogDirsHandler.self
        case .electLeaders: ElectLeadersHandler.self
        case .alterPartitionReassignments: AlterPartitionReassignmentsHandler.self
        case .listPartitionReassignments: ListPartitionReassignmentsHandler.self
        case .describeClientQuotas: DescribeClientQuotasHandler.self
        case .alterClientQuotas: AlterClientQuotasHandler.self
        case .describeQuorum: DescribeQuorumHandler.self
        case .updateFeatures: UpdateFeaturesHandler.self
        case .describeProducers: DescribeProducersHandler.self
        case .listConfigResources: ListConfigResourcesHandler.self
        case .describeUserScramCredentials: DescribeUserScramCredentialsHandler.self
        case .saslHandshake, .addPartitionsToTxn, .addOffsetsToTxn, .endTxn,
            .writeTxnMarkers, .txnOffsetCommit, .describeAcls, .createAcls, .deleteAcls,
            .saslAuthenticate, .createDelegationToken,
            .renewDelegationToken, .expireDelegationToken, .describeDelegationToken,
            .alterUserScramCredentials,
            .vote, .beginQuorumEpoch, .endQuorumEpoch, .alterPartition, .envelope,
            .fetchSnapshot, .brokerRegistration, .brokerHeartbeat, .unregisterBroker,
            .describeTransactions, .listTransactions, .allocateProducerIDs,
            .controllerRegistration, .getTelemetrySubscriptions, .pushTelemetry,
            .assignReplicasToDirs, .shareGroupHeartbeat, .shareGroupDescribe, .shareFetch,
            .shareAcknowledge, .addRaftVoter, .removeRaftVoter, .updateRaftVoter, .initializeShareGroupState,
            .readShareGroupState, .writeShareGroupState, .deleteShareGroupState, .readShareGroupStateSummary,
            .streamsGroupHeartbeat, .streamsGroupDescribe, .describeShareGroupOffsets, .alterShareGroupOffsets,
            .deleteShareGroupOffsets, .streamsGroupTopologyDescriptionUpdate, .unregisterController:
            nil
        }
    }

    /// What ApiVersions advertises, in the order of the keys: only what works.
    ///
    /// - Parameter unstable: whether versions that Kafka marks as unstable are listed
    ///   (`unstable.api.versions.enable`).
    package static func served(unstable: Bool) -> [Served] {
        APIKey.allCases.compactMap { key in
            guard let versions = handler(of: key)?.servedVersions else { return nil }
            guard !unstable, let firstUnstable = key.firstUnstableVersion, versions.contains(firstUnstable) else {
                return Served(key: key, versions: versions)
            }
            return Served(key: key, versions: versions.lowerBound...(firstUnstable - 1))
        }
    }

    /// Has the request answered, or ends the connection where the API or its version is not served.
    static func route(_ frame: RequestFrame, on connection: RequestConnection, _ broker: BrokerContext) {
        guard let key = frame.key else { return connection.end(reason: "unknown API key \(frame.apiKey)") }
        switch key {
        // Named here as well so that the compiler specialises the two paths that carry the data.
        case .produce: serve(ProduceHandler.self, frame, on: connection, broker)
        case .fetch: serve(FetchHandler.self, frame, on: connection, broker)
        case .apiVersions where !ApiVersionsHandler.servedVersions.contains(frame.apiVersion):
            connection.respond(
                Answer(ApiVersionsHandler.unsupportedVersionResponse()), correlationID: frame.correlationID,
                version: 0)
        // Not advertised, but clients that are set up for SASL ask all the same: told that they may not, they say so, where
        // the end of the connection would have them try again.
        case .saslHandshake where key.versions.contains(frame.apiVersion):
            connection.respond(
                Answer(SaslHandshakeResponse(errorCode: ErrorCode.illegalSaslState.rawValue)),
                correlationID: frame.correlationID, version: frame.apiVersion)
        default:
            guard let handler = handler(of: key) else { return connection.end(reason: "API \(key) is not served") }
            serve(handler, frame, on: connection, broker)
        }
    }

    @inline(__always)
    private static func serve(
        _ handler: any FrameHandler.Type, _ frame: RequestFrame, on connection: RequestConnection,
        _ broker: BrokerContext
    ) {
        guard handler.servedVersions.contains(frame.apiVersion) else {
            return connection.end(
                reason: "\(frame.key?.name ?? "") version \(frame.apiVersion) is not supported")
        }
        handler.serve(frame, on: connection, broker)
    }
}
