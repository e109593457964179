// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// Metadata (key 3): the brokers, the topics and who leads their partitions.
/// v1 rack, controller, null for all topics · v2 cluster id · v4 auto-creation on request · v5 offline replicas ·
/// v7 leader epoch · v8 authorised operations · v9 flexible · v10 topic ids · v12 topics by id · v13 error for all.
package enum MetadataHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...13

    typealias Topic = MetadataResponse.MetadataResponseTopic

    /// The first version that finds topics by id.
    private static let firstTopicIDVersion: Int16 = 12

    package static func handle(
        _ request: MetadataRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<MetadataResponse>
    ) -> Reply<MetadataResponse> {
        if context.version < firstTopicIDVersion, namesByID(request) { return .answer(refusal(request)) }
        let asked = distinctTopics(request)
        let missing = topicsToCreate(asked, request, context)
        guard !missing.isEmpty else { return .answer(response(request, asked, [:], context)) }
        // Apache Kafka answers at once and lets the client ask again; creating takes a few milliseconds here, so the
        // client gets the finished topic instead.
        let ticket = ticket()
        context.broker.metadata.autoCreate(missing) { faults in
            ticket.complete(response(request, asked, faults, context))
        }
        return .later
    }

    private static func namesByID(_ request: MetadataRequest) -> Bool {
        request.topics?.contains { $0.name == nil || !$0.topicID.isZero } ?? false
    }

    private static func refusal(_ request: MetadataRequest) -> MetadataResponse {
        MetadataResponse(
            topics: (request.topics ?? []).map {
                Topic(errorCode: ErrorCode.invalidRequest.rawValue, name: $0.name ?? "", topicID: $0.topicID)
            })
    }

    /// Each topic that was asked for, once: an answer may be a thousand times as long as the name that asks for it.
    private static func distinctTopics(_ request: MetadataRequest) -> [MetadataRequest.MetadataRequestTopic] {
        var names: Set<String> = []
        var ids: Set<KafkaUUID> = []
        return (request.topics ?? []).filter { topic in
            topic.topicID.isZero ? names.insert(topic.name ?? "").inserted : ids.insert(topic.topicID).inserted
        }
    }

    /// The valid names that do not exist yet, where the client and the configuration allow creating them. Internal
    /// topics are made by who keeps something in them.
    private static func topicsToCreate(
        _ asked: [MetadataRequest.MetadataRequestTopic], _ request: MetadataRequest, _ context: RequestContext
    ) -> [String] {
        guard request.allowAutoTopicCreation, context.broker.configuration.autoCreateTopics else { return [] }
        let known = context.broker.metadata.image.topics
        return asked.compactMap { topic in
            guard topic.topicID.isZero, let name = topic.name, known.topic(named: name) == nil,
                TopicName.invalidity(of: name) == nil, !TopicName.isInternal(name), name != TopicName.clusterMetadata
            else { return nil }
            return name
        }
    }

    /// - Parameter faults: why topics could not be created.
    private static func response(
        _ request: MetadataRequest, _ asked: [MetadataRequest.MetadataRequestTopic], _ faults: [String: APIError],
        _ context: RequestContext
    ) -> MetadataResponse {
        let image = context.broker.metadata.image
        var response = MetadataResponse(
            brokers: image.cluster.unfencedBrokers.compactMap { broker in
                broker.endpoint(listener: context.listenerName).map {
                    .init(nodeID: broker.id, host: $0.host, port: Int32($0.port), rack: broker.rack)
                }
            },
            clusterID: context.broker.clusterID, controllerID: context.broker.nodeID)
        let wantsAll = request.topics == nil || (context.version == 0 && asked.isEmpty)
        if wantsAll {
            response.topics = image.topics.all.map { topic($0, image, request, context) }
        } else {
            response.topics = asked.map { named in find(named, image, faults, request, context) }
        }
        if request.includeClusterAuthorizedOperations {
            response.clusterAuthorizedOperations = AuthorizedOperations.cluster
        }
        return response
    }

    private static func find(
        _ named: MetadataRequest.MetadataRequestTopic, _ image: MetadataImage, _ faults: [String: APIError],
        _ request: MetadataRequest, _ context: RequestContext
    ) -> Topic {
        guard named.topicID.isZero else {
            guard let found = image.topics.topic(id: named.topicID) else {
                return Topic(errorCode: ErrorCode.unknownTopicID.rawValue, name: nil, topicID: named.topicID)
            }
            return topic(found, image, request, context)
        }
        guard let name = named.name else { return Topic(errorCode: ErrorCode.invalidRequest.rawValue, name: nil) }
        guard let found = image.topics.topic(named: name) else {
            return Topic(
                errorCode: faultForMissing(name, faults).rawValue, name: name, isInternal: TopicName.isInternal(name))
        }
        return topic(found, image, request, context)
    }

    /// What keeps asking from helping is told as it is; for the rest the client asks again.
    private static func faultForMissing(_ name: String, _ faults: [String: APIError]) -> ErrorCode {
        if TopicName.invalidity(of: name) != nil { return .invalidTopicException }
        return switch faults[name]?.code {
        case .invalidTopicException: .invalidTopicException
        case .invalidReplicationFactor: .invalidReplicationFactor
        case .invalidPartitions: .invalidPartitions
        case .policyViolation: .policyViolation
        default: .unknownTopicOrPartition
        }
    }

    private static func topic(
        _ topic: TopicImage, _ image: MetadataImage, _ request: MetadataRequest, _ context: RequestContext
    ) -> Topic {
        Topic(
            name: topic.name, topicID: topic.id, isInternal: TopicName.isInternal(topic.name),
            partitions: topic.partitions.map { index, partition in
                partitionEntry(index, partition, image, context)
            },
            topicAuthorizedOperations: request.includeTopicAuthorizedOperations
                ? AuthorizedOperations.topic : AuthorizedOperations.notAsked)
    }

    private static func partitionEntry(
        _ index: Int32, _ partition: PartitionRegistration, _ image: MetadataImage, _ context: RequestContext
    ) -> MetadataResponse.MetadataResponsePartition {
        let hasLeader =
            partition.hasLeader
            && image.cluster.broker(partition.leader)?.endpoint(listener: context.listenerName) != nil
        return .init(
            errorCode: hasLeader ? 0 : ErrorCode.leaderNotAvailable.rawValue, partitionIndex: index,
            leaderID: hasLeader ? partition.leader : PartitionRegistration.noLeader,
            leaderEpoch: partition.leaderEpoch, replicaNodes: partition.replicas,
            isrNodes: partition.inSyncReplicas,
            offlineReplicas: partition.replicas.filter { image.cluster.broker($0)?.canServe(partition) != true })
    }
}

/// The operations a client may perform, as bits by operation code (KIP-430). Without an authorizer: all there are.
enum AuthorizedOperations {
    static let notAsked = Int32.min

    private enum Operation: Int32 {
        case read = 3
        case write = 4
        case create = 5
        case delete = 6
        case alter = 7
        case describe = 8
        case clusterAction = 9
        case describeConfigs = 10
        case alterConfigs = 11
        case idempotentWrite = 12
    }

    static let topic = bits([
        .read, .write, .create, .describe, .delete, .alter, .describeConfigs, .alterConfigs,
    ])
    static let cluster = bits([
        .create, .clusterAction, .describeConfigs, .alterConfigs, .idempotentWrite, .alter, .describe,
    ])

    static let group = bits([.read, .delete, .describe, .describeConfigs, .alterConfigs])

    private static func bits(_ operations: [Operation]) -> Int32 {
        operations.reduce(0) { $0 | (1 << $1.rawValue) }
    }
}
