// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol
internal import Logging

/// FindCoordinator (key 10): which broker coordinates a group, a transaction or a share partition.
/// v1 kind of key · v3 flexible · v4 many keys (KIP-699) · v5 abortable errors · v6 share keys (KIP-932).
///
/// The first question about a group creates `__consumer_offsets` and is answered when it is there; Apache Kafka lets the
/// client ask again meanwhile. Not served: coordinators of transactions and of share partitions; the error is one that
/// clients do not retry, so that a transactional producer fails at once and says why.
package enum FindCoordinatorHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...6

    /// Keys of one request; its answer is much longer than it.
    private static let keysMaximum = 10_000

    private enum KeyType {
        static let group: Int8 = 0
        static let transaction: Int8 = 1
        static let share: Int8 = 2
    }

    /// A coordinator, or why there is none.
    private struct Outcome {
        var error = ErrorCode.none
        var message: String?
        var nodeID: Int32 = -1
        var host = ""
        var port: Int32 = -1
    }

    package static func handle(
        _ request: FindCoordinatorRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<FindCoordinatorResponse>
    ) -> Reply<FindCoordinatorResponse> {
        guard request.coordinatorKeys.count <= keysMaximum else {
            return .close(reason: "FindCoordinator for \(request.coordinatorKeys.count) keys")
        }
        let broker = context.broker
        let image = broker.metadata.image
        guard request.keyType == KeyType.group, image.topics.topic(named: OffsetsTopic.name) == nil else {
            return .answer(answer(request, context, failure: nil))
        }
        let ticket = ticket()
        broker.metadata.createTopics(OffsetsTopic.creation(broker.configuration.coordinator, image)) { result in
            ticket.complete(answer(request, context, failure: failure(of: result, broker.log)))
        }
        return .later
    }

    /// Why the topic could not be created; nil where it is there.
    private static func failure(of result: Result<CreateTopicsResponse, APIError>, _ log: Logger) -> String? {
        let error: APIError
        switch result {
        case .failure(let failure): error = failure
        case .success(let response):
            guard let topic = response.topics.first, topic.errorCode != ErrorCode.none.rawValue,
                topic.errorCode != ErrorCode.topicAlreadyExists.rawValue
            else { return nil }
            error = APIError(ErrorCode(rawValue: topic.errorCode) ?? .unknownServerError, topic.errorMessage)
        }
        let reason = "\(error.code.name): \(error.message ?? "")"
        log.error("creating \(OffsetsTopic.name) failed", metadata: ["reason": "\(reason)"])
        return reason
    }

    private static func answer(
        _ request: FindCoordinatorRequest, _ context: RequestContext, failure: String?
    ) -> FindCoordinatorResponse {
        guard context.version >= 4 else {
            let outcome = find(request.key, request.keyType, context, failure)
            return FindCoordinatorResponse(
                errorCode: outcome.error.rawValue, errorMessage: outcome.message, nodeID: outcome.nodeID,
                host: outcome.host, port: outcome.port)
        }
        return FindCoordinatorResponse(
            coordinators: request.coordinatorKeys.map { key in
                let outcome = find(key, request.keyType, context, failure)
                return .init(
                    key: key, nodeID: outcome.nodeID, host: outcome.host, port: outcome.port,
                    errorCode: outcome.error.rawValue, errorMessage: outcome.message)
            })
    }

    private static func find(
        _ key: String, _ keyType: Int8, _ context: RequestContext, _ failure: String?
    ) -> Outcome {
        let known = context.version >= 6 ? KeyType.group...KeyType.share : KeyType.group...KeyType.transaction
        guard known.contains(keyType) else {
            return Outcome(error: .invalidRequest, message: "There is no coordinator of kind \(keyType)")
        }
        guard keyType == KeyType.group else {
            return Outcome(
                error: .unsupportedVersion,
                message: "This broker coordinates neither transactions nor share groups")
        }
        if let failure { return Outcome(error: .coordinatorNotAvailable, message: failure) }
        let image = context.broker.metadata.image
        guard let partition = context.broker.groups.partition(of: key),
            let registration = image.topics.topic(named: OffsetsTopic.name)?.partition(partition),
            registration.hasLeader,
            let endpoint = image.cluster.broker(registration.leader)?.endpoint(listener: context.listenerName)
        else {
            return Outcome(error: .coordinatorNotAvailable, message: "The group's coordinator is not available")
        }
        return Outcome(nodeID: registration.leader, host: endpoint.host, port: Int32(endpoint.port))
    }
}
