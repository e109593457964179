// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol

/// FindCoordinator (key 10): which broker coordinates a group, a transaction or a share partition.
/// v1 kind of key · v3 flexible · v4 many keys (KIP-699) · v5 abortable errors · v6 share keys (KIP-932).
///
/// There is no coordinator yet, and the answer is the one Kafka gives while it has none. The API is served because
/// librdkafka compresses with lz4 only where it is advertised (docs/decisions/0011).
package enum FindCoordinatorHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...6

    package static func handle(
        _ request: FindCoordinatorRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<FindCoordinatorResponse>
    ) -> Reply<FindCoordinatorResponse> {
        .answer(answer(request, version: context.version))
    }

    package static func answer(_ request: FindCoordinatorRequest, version: Int16) -> FindCoordinatorResponse {
        let (error, message) = outcome(keyType: request.keyType, version: version)
        guard version >= 4 else {
            return FindCoordinatorResponse(errorCode: error.rawValue, errorMessage: message, nodeID: -1, port: -1)
        }
        return FindCoordinatorResponse(
            coordinators: request.coordinatorKeys.map { key in
                .init(key: key, nodeID: -1, port: -1, errorCode: error.rawValue, errorMessage: message)
            })
    }

    private static func outcome(keyType: Int8, version: Int16) -> (error: ErrorCode, message: String) {
        let known: ClosedRange<Int8> = version >= 6 ? 0...2 : 0...1
        guard known.contains(keyType) else { return (.invalidRequest, "There is no coordinator of kind \(keyType)") }
        return (.coordinatorNotAvailable, "This broker does not coordinate groups or transactions yet")
    }
}
