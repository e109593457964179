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

    package static func handle(
        _ request: MetadataRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<MetadataResponse>
    ) -> Reply<MetadataResponse> {
        let missing = topicsToCreate(request, context)
        guard !missing.isEmpty else { return .answer(response(request, context)) }
        // Apache Kafka answers at once and lets the client ask again; creating takes a few milliseconds here, so the
        // client gets the finished topic instead.
        let ticket = ticket()
        context.broker.metadata.autoCreate(missing) { _ in ticket.complete(response(request, context)) }
        return .later
    }

    /// The valid names that do not exist yet, where the client and the configuration allow creating them.
    private static func topicsToCreate(_ request: MetadataRequest, _ context: RequestContext) -> [String] {
        guard request.allowAutoTopicCreation, context.broker.configuration.autoCreateTopics,
            let requested = request.topics
        else { return [] }
        let known = context.broker.metadata.image.topics
        var names: [String] = []
        for topic in requested where topic.topicID.isZero {
            guard let name = topic.name, known.topic(named: name) == nil, TopicName.invalidity(of: name) == nil,
                !names.contains(name)
            else { continue }
            names.append(name)
        }
        return names
    }

    private static func response(_ request: MetadataRequest, _ context: RequestContext) -> MetadataResponse {
        let image = context.broker.metadata.image
        var response = MetadataResponse(
            brokers: image.cluster.unfencedBrokers.compactMap { broker in
                broker.endpoint(listener: context.listenerName).map {
                    .init(nodeID: broker.id, host: $0.host, port: Int32($0.port), rack: broker.rack)
                }
            },
            clusterID: context.broker.clusterID, controllerID: context.broker.nodeID)
        let wantsAll = request.topics == nil || (context.version == 0 && request.topics?.isEmpty == true)
        if wantsAll {
            response.topics = image.topics.all.map { topic($0, image, request, context) }
        } else {
            response.topics = (request.topics ?? []).map { named in find(named, image, request, context) }
        }
        if request.includeClusterAuthorizedOperations {
            response.clusterAuthorizedOperations = AuthorizedOperations.cluster
        }
        return response
    }

    private static func find(
        _ named: MetadataRequest.MetadataRequestTopic, _ image: MetadataImage, _ request: MetadataRequest,
        _ context: RequestContext
    ) -> Topic {
        guard named.topicID.isZero else {
            guard let found = image.topics.topic(id: named.topicID) else {
                return Topic(
                    errorCode: ErrorCode.unknownTopicID.rawValue, name: context.version >= 12 ? nil : "",
                    topicID: named.topicID)
            }
            return topic(found, image, request, context)
        }
        guard let name = named.name else { return Topic(errorCode: ErrorCode.invalidRequest.rawValue, name: "") }
        guard let found = image.topics.topic(named: name) else {
            let isValid = TopicName.invalidity(of: name) == nil
            let error: ErrorCode = isValid ? .unknownTopicOrPartition : .invalidTopicException
            return Topic(errorCode: error.rawValue, name: name, isInternal: TopicName.isInternal(name))
        }
        return topic(found, image, request, context)
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
            offlineReplicas: partition.replicas.filter { !image.cluster.isActive($0) })
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

    private static func bits(_ operations: [Operation]) -> Int32 {
        operations.reduce(0) { $0 | (1 << $1.rawValue) }
    }
}
