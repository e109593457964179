// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Testing

/// Random requests that make sense, in every served version: whatever a handler answers must fit the version.
@Suite struct AnswerEncodingTests {
    /// Draws the parts of requests.
    private struct Draw {
        let random: any RandomSource
        let ids: [KafkaUUID]
        let version: Int16

        func any<Value>(_ values: [Value]) -> Value { values[Int(random.below(Int64(values.count)))] }
        var flag: Bool { any([true, false]) }
        var name: String { any(["t", "u", "missing", "bad name", "", "__consumer_offsets", "__cluster_metadata"]) }
        var id: KafkaUUID { any(ids + [.zero, KafkaUUID(randomHigh: 9, randomLow: 9)]) }
        var partition: Int32 { any([0, 0, 0, 1, 7, -1, .max]) }
        var offset: Int64 { any([0, 1, 2, 3, 99, -1, -2, -3, -4, -5, -6, .min, .max]) }
        var epoch: Int32 { any([-1, -1, 0, 1, 2, 77, .max]) }

        func list<Value>(_ make: () -> Value) -> [Value] { (0..<Int(random.below(4))).map { _ in make() } }
    }

    private func produce(_ draw: Draw, _ now: Int64) throws -> ProduceRequest {
        let records = try [
            RecordBytes.null, .owned([]), .owned([1, 2, 3]), .owned(Batches.batch(["a"], timestamp: now)),
            .owned(Batches.batch(["a"], key: nil, timestamp: now)), .owned(Batches.batch(["a"], timestamp: .max / 2)),
            .owned(Batches.messageSet(["a"], magic: 0, timestamp: now)),
            .owned(Batches.messageSet(["a"], magic: 1, timestamp: now, key: nil)),
        ]
        return ProduceRequest(
            acks: draw.any([-1, 1, 7]), timeoutMs: 5,
            topicData: draw.list {
                .init(
                    name: draw.version >= 13 ? "" : draw.name, topicID: draw.version >= 13 ? draw.id : .zero,
                    partitionData: draw.list { .init(index: draw.partition, records: draw.any(records)) })
            })
    }

    private func fetch(_ draw: Draw, _ session: Int32) -> FetchRequest {
        let (byID, version) = (draw.version >= 13, draw.version)
        var request = FetchRequest(
            replicaID: version <= 14 ? draw.any([-1, -1, -1, 3]) : -1, maxWaitMs: draw.any([0, 0, 5]),
            minBytes: draw.any([0, 1, 100]), maxBytes: draw.any([0, 100, .max]), isolationLevel: draw.any([0, 1, 5]),
            topics: draw.list {
                .init(
                    topic: byID ? "" : draw.name, topicID: byID ? draw.id : .zero,
                    partitions: draw.list {
                        .init(
                            partition: draw.partition, currentLeaderEpoch: version >= 9 ? draw.epoch : -1,
                            fetchOffset: draw.offset, lastFetchedEpoch: version >= 12 ? draw.epoch : -1,
                            partitionMaxBytes: draw.any([0, 1, 1_000, -1]))
                    })
            })
        guard version >= 7 else { return request }
        request.sessionID = draw.any([0, session, session, 5])
        request.sessionEpoch = draw.any([-1, 0, 0, 1, 2, 3])
        request.forgottenTopicsData = draw.list {
            .init(topic: byID ? "" : draw.name, topicID: byID ? draw.id : .zero, partitions: [draw.partition])
        }
        return request
    }

    private func metadata(_ draw: Draw) -> MetadataRequest {
        let version = draw.version
        return MetadataRequest(
            topics: version >= 1 && draw.flag
                ? nil
                : draw.list {
                    .init(
                        topicID: version >= 10 ? draw.any([draw.id, .zero, .zero]) : .zero,
                        name: version >= 10 && draw.flag ? nil : draw.name)
                },
            allowAutoTopicCreation: version >= 4 ? draw.flag : true,
            includeClusterAuthorizedOperations: (8...10).contains(version) && draw.flag,
            includeTopicAuthorizedOperations: version >= 8 && draw.flag)
    }

    private func createTopics(_ draw: Draw) -> CreateTopicsRequest {
        CreateTopicsRequest(
            topics: draw.list {
                .init(
                    name: draw.any([draw.name, "n\(draw.random.below(1_000))"]),
                    numPartitions: draw.any([-1, 0, 1, 2]),
                    replicationFactor: draw.any([-1, 0, 1, 2]),
                    assignments: draw.any([[], [], [.init(partitionIndex: 0, brokerIDs: [1])]]),
                    configs: draw.list {
                        .init(name: draw.any(["retention.ms", "x"]), value: draw.any(["1", "y", nil]))
                    })
            }, validateOnly: draw.version >= 1 && draw.flag)
    }

    private func call(_ key: APIKey, _ draw: Draw, _ broker: TestBroker, _ session: inout Int32) throws {
        let (connection, version) = (broker.connection, draw.version)
        switch key {
        case .produce: _ = try connection.call(try produce(draw, broker.now), version: version)
        case .fetch:
            let answer = try connection.call(fetch(draw, session), version: version)
            if answer.sessionID != 0 { session = answer.sessionID }
        case .listOffsets:
            let partitions = draw.list {
                ListOffsetsRequest.ListOffsetsPartition(
                    partitionIndex: draw.partition, currentLeaderEpoch: version >= 4 ? draw.epoch : -1,
                    timestamp: draw.offset, maxNumOffsets: version == 0 ? draw.any([0, 1, 5, -1]) : 1)
            }
            _ = try connection.call(
                ListOffsetsRequest(
                    replicaID: -1, isolationLevel: version >= 2 ? draw.any([0, 1]) : 0,
                    topics: draw.list { .init(name: draw.name, partitions: partitions) }), version: version)
        case .metadata: _ = try connection.call(metadata(draw), version: version)
        case .createTopics: _ = try connection.call(createTopics(draw), version: version)
        case .deleteTopics:
            let names = draw.list { draw.any(["n\(draw.random.below(1_000))", "missing", "bad name"]) }
            let states = draw.list { DeleteTopicsRequest.DeleteTopicState(name: draw.any([nil, "x"]), topicID: .zero) }
            _ = try connection.call(
                version >= 6 ? DeleteTopicsRequest(topics: states) : DeleteTopicsRequest(topicNames: names),
                version: version)
        case .deleteRecords:
            let partitions = draw.list {
                DeleteRecordsRequest.DeleteRecordsPartition(partitionIndex: draw.partition, offset: draw.offset)
            }
            _ = try connection.call(
                DeleteRecordsRequest(topics: draw.list { .init(name: draw.name, partitions: partitions) }),
                version: version)
        default: try callOther(key, draw, connection)
        }
    }

    private func callOther(_ key: APIKey, _ draw: Draw, _ connection: TestConnection) throws {
        let version = draw.version
        switch key {
        case .initProducerID:
            _ = try connection.call(
                InitProducerIdRequest(transactionalID: draw.any([nil, "", "x"])), version: version)
        case .offsetForLeaderEpoch:
            let partitions = draw.list {
                OffsetForLeaderEpochRequest.OffsetForLeaderPartition(
                    partition: draw.partition, currentLeaderEpoch: version >= 2 ? draw.epoch : -1,
                    leaderEpoch: draw.epoch)
            }
            _ = try connection.call(
                OffsetForLeaderEpochRequest(
                    replicaID: version >= 3 ? -1 : -2,
                    topics: draw.list { .init(topic: draw.name, partitions: partitions) }), version: version)
        case .describeConfigs:
            let resources = draw.list {
                DescribeConfigsRequest.DescribeConfigsResource(
                    resourceType: draw.any([2, 2, 4, 8, 16, 32, 0, -1]), resourceName: draw.any([draw.name, "1", "2"]),
                    configurationKeys: draw.any([nil, [], ["retention.ms"]]))
            }
            _ = try connection.call(
                DescribeConfigsRequest(
                    resources: resources, includeSynonyms: version >= 1 && draw.flag,
                    includeDocumentation: version >= 3 && draw.flag), version: version)
        case .createPartitions:
            _ = try connection.call(
                CreatePartitionsRequest(
                    topics: draw.list {
                        .init(name: draw.name, count: draw.any([0, 1, 2, -1]), assignments: draw.any([nil, []]))
                    }, validateOnly: draw.flag), version: version)
        case .describeCluster:
            _ = try connection.call(
                DescribeClusterRequest(
                    includeClusterAuthorizedOperations: draw.flag,
                    endpointType: version >= 1 ? draw.any([0, 1, 2]) : 1,
                    includeFencedBrokers: version >= 2 && draw.flag), version: version)
        case .describeTopicPartitions:
            _ = try connection.call(
                DescribeTopicPartitionsRequest(
                    topics: draw.list { .init(name: draw.name) }, responsePartitionLimit: draw.any([-1, 0, 1, 2_000]),
                    cursor: draw.any([nil, .init(topicName: draw.name, partitionIndex: draw.partition)])),
                version: version)
        case .apiVersions:
            _ = try connection.call(
                ApiVersionsRequest(clientSoftwareName: draw.any(["", "a"]), clientSoftwareVersion: "1"),
                version: version)
        case .findCoordinator:
            _ = try connection.call(
                version >= 4
                    ? FindCoordinatorRequest(keyType: draw.any([0, 1, 2, 9]), coordinatorKeys: draw.list { draw.name })
                    : FindCoordinatorRequest(key: draw.name, keyType: version >= 1 ? draw.any([0, 1, 2]) : 0),
                version: version)
        default: try callDirectories(key, draw, connection)
        }
    }

    private func callDirectories(_ key: APIKey, _ draw: Draw, _ connection: TestConnection) throws {
        let version = draw.version
        switch key {
        case .describeLogDirs:
            let topics = draw.list {
                DescribeLogDirsRequest.DescribableLogDirTopic(
                    topic: draw.name, partitions: draw.list { draw.partition })
            }
            _ = try connection.call(DescribeLogDirsRequest(topics: draw.any([nil, topics])), version: version)
        case .alterReplicaLogDirs:
            let dirs = draw.list {
                AlterReplicaLogDirsRequest.AlterReplicaLogDir(
                    path: draw.any(["/data", "/other", "", "nowhere"]),
                    topics: draw.list { .init(name: draw.name, partitions: draw.list { draw.partition }) })
            }
            _ = try connection.call(AlterReplicaLogDirsRequest(dirs: dirs), version: version)
        default: try callConfigurations(key, draw, connection)
        }
    }

    private func callConfigurations(_ key: APIKey, _ draw: Draw, _ connection: TestConnection) throws {
        let version = draw.version
        let kinds: [Int8] = [2, 2, 4, 8, 16, 32, 0, -1]
        switch key {
        case .incrementalAlterConfigs:
            let configs = draw.list {
                IncrementalAlterConfigsRequest.AlterableConfig(
                    name: draw.any(["retention.ms", "cleanup.policy", "x"]),
                    configOperation: draw.any([0, 1, 2, 3, 9]),
                    value: draw.any(["1", "delete", nil]))
            }
            let resources = draw.list {
                IncrementalAlterConfigsRequest.AlterConfigsResource(
                    resourceType: draw.any(kinds), resourceName: draw.any([draw.name, "1", "2", ""]), configs: configs)
            }
            _ = try connection.call(
                IncrementalAlterConfigsRequest(resources: resources, validateOnly: draw.flag), version: version)
        case .alterConfigs:
            let configs = draw.list {
                AlterConfigsRequest.AlterableConfig(
                    name: draw.any(["retention.ms", "x"]), value: draw.any(["1", "y", nil]))
            }
            let resources = draw.list {
                AlterConfigsRequest.AlterConfigsResource(
                    resourceType: draw.any(kinds), resourceName: draw.any([draw.name, "1", "2", ""]), configs: configs)
            }
            _ = try connection.call(
                AlterConfigsRequest(resources: resources, validateOnly: draw.flag), version: version)
        default: try callAdministration(key, draw, connection)
        }
    }

    private func callAdministration(_ key: APIKey, _ draw: Draw, _ connection: TestConnection) throws {
        let version = draw.version
        switch key {
        case .electLeaders:
            let topics = draw.list {
                ElectLeadersRequest.TopicPartitions(topic: draw.name, partitions: draw.list { draw.partition })
            }
            _ = try connection.call(
                ElectLeadersRequest(
                    electionType: version >= 1 ? draw.any([0, 1, 5]) : 0, topicPartitions: draw.any([nil, topics])),
                version: version)
        case .alterPartitionReassignments:
            let topics = draw.list {
                AlterPartitionReassignmentsRequest.ReassignableTopic(
                    name: draw.name,
                    partitions: draw.list {
                        .init(partitionIndex: draw.partition, replicas: draw.any([nil, [], [1], [1, 2], [1, 1]]))
                    })
            }
            _ = try connection.call(
                AlterPartitionReassignmentsRequest(
                    allowReplicationFactorChange: version >= 1 ? draw.flag : true, topics: topics), version: version)
        case .listPartitionReassignments:
            let topics = draw.list {
                ListPartitionReassignmentsRequest.ListPartitionReassignmentsTopics(
                    name: draw.name, partitionIndexes: draw.list { draw.partition })
            }
            _ = try connection.call(
                ListPartitionReassignmentsRequest(topics: draw.any([nil, topics])), version: version)
        case .updateFeatures:
            let updates = draw.list {
                UpdateFeaturesRequest.FeatureUpdateKey(
                    feature: draw.any(["group.version", "metadata.version", "kraft.version", "x"]),
                    maxVersionLevel: draw.any([-1, 0, 1, 30]), allowDowngrade: version == 0 && draw.flag,
                    upgradeType: version >= 1 ? draw.any([0, 1, 2, 3]) : 1)
            }
            _ = try connection.call(
                UpdateFeaturesRequest(featureUpdates: updates, validateOnly: version >= 1 && draw.flag),
                version: version)
        default: try callDescriptions(key, draw, connection)
        }
    }

    private func callDescriptions(_ key: APIKey, _ draw: Draw, _ connection: TestConnection) throws {
        let version = draw.version
        switch key {
        case .describeQuorum:
            let topics = draw.list {
                DescribeQuorumRequest.TopicData(
                    topicName: draw.any(["__cluster_metadata", draw.name]),
                    partitions: draw.list { .init(partitionIndex: draw.any([0, 0, 1])) })
            }
            _ = try connection.call(DescribeQuorumRequest(topics: topics), version: version)
        case .describeProducers:
            let topics = draw.list {
                DescribeProducersRequest.TopicRequest(
                    name: draw.name, partitionIndexes: draw.list { draw.partition })
            }
            _ = try connection.call(DescribeProducersRequest(topics: topics), version: version)
        case .listConfigResources:
            _ = try connection.call(
                ListConfigResourcesRequest(
                    resourceTypes: version >= 1 ? draw.list { draw.any([2, 4, 8, 16, 32, 3]) } : []),
                version: version)
        case .describeClientQuotas:
            let components = draw.list {
                DescribeClientQuotasRequest.ComponentData(
                    entityType: draw.any(["user", "client-id", "ip", "x"]), matchType: draw.any([0, 1, 2, 3]),
                    match: draw.any([nil, nil, "u"]))
            }
            _ = try connection.call(
                DescribeClientQuotasRequest(components: components, strict: draw.flag), version: version)
        case .describeUserScramCredentials:
            let users = draw.list { DescribeUserScramCredentialsRequest.UserName(name: draw.any(["u", "v", ""])) }
            _ = try connection.call(
                DescribeUserScramCredentialsRequest(users: draw.any([users, nil])), version: version)
        case .alterClientQuotas:
            let entries = draw.list {
                AlterClientQuotasRequest.EntryData(
                    entity: draw.list {
                        .init(
                            entityType: draw.any(["user", "client-id", "ip", "x"]),
                            entityName: draw.any([nil, "", "u", "10.0.0.1"]))
                    },
                    ops: draw.list {
                        .init(
                            key: draw.any(ClientQuotaKey.allCases).rawValue, value: draw.any([-1, 0.5, 1, 1e30]),
                            remove: draw.flag)
                    })
            }
            _ = try connection.call(
                AlterClientQuotasRequest(entries: entries, validateOnly: draw.flag), version: version)
        default: try callMembers(key, draw, connection)
        }
    }

    private func callMembers(_ key: APIKey, _ draw: Draw, _ connection: TestConnection) throws {
        let version = draw.version
        let (group, member) = (draw.any(["g", "g", "h", ""]), draw.any(["", "", "m", "missing"]))
        let instance = draw.any([nil, nil, "i"])
        switch key {
        case .joinGroup:
            let protocols = draw.list { JoinGroupRequest.JoinGroupRequestProtocol(name: draw.any(["range", "x"])) }
            _ = try connection.call(
                JoinGroupRequest(
                    groupID: group, sessionTimeoutMs: draw.any([0, 6_000, 10_000]), rebalanceTimeoutMs: 100,
                    memberID: member, groupInstanceID: version >= 5 ? instance : nil,
                    protocolType: draw.any(["consumer", "consumer", ""]), protocols: protocols), version: version)
        case .syncGroup:
            _ = try connection.call(
                SyncGroupRequest(
                    groupID: group, generationID: draw.epoch, memberID: member,
                    groupInstanceID: version >= 3 ? instance : nil, protocolType: draw.any([nil, "consumer"]),
                    protocolName: draw.any([nil, "range"]), assignments: draw.list { .init(memberID: member) }),
                version: version)
        case .heartbeat:
            _ = try connection.call(
                HeartbeatRequest(
                    groupID: group, generationID: draw.epoch, memberID: member,
                    groupInstanceID: version >= 3 ? instance : nil), version: version)
        case .leaveGroup:
            _ = try connection.call(
                version < 3
                    ? LeaveGroupRequest(groupID: group, memberID: member)
                    : LeaveGroupRequest(
                        groupID: group, members: draw.list { .init(memberID: member, groupInstanceID: instance) }),
                version: version)
        case .consumerGroupHeartbeat:
            _ = try connection.call(
                ConsumerGroupHeartbeatRequest(
                    groupID: group, memberID: member, memberEpoch: draw.any([0, 0, 1, -1, -2]), instanceID: instance,
                    rebalanceTimeoutMs: draw.any([-1, 1_000]), subscribedTopicNames: draw.any([nil, ["t"], []]),
                    subscribedTopicRegex: version >= 1 ? draw.any([nil, nil, "t.*", "("]) : nil,
                    serverAssignor: draw.any([nil, "uniform", "x"]), topicPartitions: draw.any([nil, []])),
                version: version)
        default: try callGroups(key, draw, connection, group)
        }
    }

    private func offsetFetch(_ draw: Draw, _ group: String) -> OffsetFetchRequest {
        let version = draw.version
        if version < 8 {
            let topics = draw.list {
                OffsetFetchRequest.OffsetFetchRequestTopic(
                    name: draw.name, partitionIndexes: draw.list { draw.partition })
            }
            return OffsetFetchRequest(groupID: group, topics: version >= 2 && draw.flag ? nil : topics)
        }
        let topics = draw.list {
            OffsetFetchRequest.OffsetFetchRequestTopics(
                name: version >= 10 ? "" : draw.name, topicID: version >= 10 ? draw.id : .zero,
                partitionIndexes: draw.list { draw.partition })
        }
        return OffsetFetchRequest(
            groups: draw.list { .init(groupID: draw.any(["g", "h"]), topics: draw.any([nil, topics])) },
            requireStable: draw.flag)
    }

    private func callGroups(_ key: APIKey, _ draw: Draw, _ connection: TestConnection, _ group: String) throws {
        let version = draw.version
        switch key {
        case .offsetCommit:
            let topics = draw.list {
                OffsetCommitRequest.OffsetCommitRequestTopic(
                    name: version >= 10 ? "" : draw.name, topicID: version >= 10 ? draw.id : .zero,
                    partitions: draw.list {
                        .init(
                            partitionIndex: draw.partition, committedOffset: draw.offset,
                            committedMetadata: draw.any([nil, "", "x"]))
                    })
            }
            _ = try connection.call(OffsetCommitRequest(groupID: group, topics: topics), version: version)
        case .offsetFetch: _ = try connection.call(offsetFetch(draw, group), version: version)
        case .offsetDelete:
            _ = try connection.call(
                OffsetDeleteRequest(
                    groupID: group,
                    topics: draw.list {
                        .init(name: draw.name, partitions: draw.list { .init(partitionIndex: draw.partition) })
                    }), version: version)
        case .describeGroups:
            _ = try connection.call(
                DescribeGroupsRequest(
                    groups: draw.list { draw.any(["g", "h", ""]) },
                    includeAuthorizedOperations: version >= 3 && draw.flag), version: version)
        case .listGroups:
            _ = try connection.call(
                ListGroupsRequest(
                    statesFilter: version >= 4 ? draw.any([[], ["Empty"], ["x"]]) : [],
                    typesFilter: version >= 5 ? draw.any([[], ["classic"], ["y"]]) : []), version: version)
        case .deleteGroups:
            _ = try connection.call(
                DeleteGroupsRequest(groupsNames: draw.list { draw.any(["g", "h", ""]) }), version: version)
        case .consumerGroupDescribe:
            _ = try connection.call(
                ConsumerGroupDescribeRequest(
                    groupIDs: draw.list { draw.any(["g", "h", ""]) }, includeAuthorizedOperations: draw.flag),
                version: version)
        default: Issue.record("\(key) is served and has no requests here")
        }
    }

    @Test(arguments: RequestRouter.served(unstable: true).map(\.key))
    func `every answer fits the version it was asked in`(key: APIKey) throws {
        let broker = try TestBroker(["unstable.api.versions.enable": "true"])
        let ids = [
            try broker.createTopic("t", partitions: 2), try broker.createTopic("u", ["cleanup.policy": "compact"]),
        ]
        try broker.produce(["a", "b"], to: "t")
        try broker.restart()
        try broker.produce(["c"], to: "t")
        try broker.findCoordinator()
        let versions = try #require(RequestRouter.handler(of: key)?.servedVersions)
        let random = SeededRandom(seed: UInt64(UInt16(bitPattern: key.rawValue)))
        var session: Int32 = 0
        for round in 0..<400 {
            // Sessions go on in other versions, too.
            let version = versions.lowerBound + Int16(random.below(Int64(versions.count)))
            do {
                try call(key, Draw(random: random, ids: ids, version: version), broker, &session)
            } catch {
                Issue.record("version \(version), round \(round): \(error) \(broker.log.lines.suffix(2))")
                return
            }
        }
        #expect(!broker.log.contains("cannot be written"))
        #expect(!broker.log.lines.contains { $0.hasPrefix("ERROR") })
    }
}
