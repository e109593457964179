// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// AlterPartitionReassignments (key 45): begins and gives up moves of partitions to other replicas (KIP-455).
/// v1 a guard against changes of the replication factor (KIP-860).
package enum AlterPartitionReassignmentsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...1

    package static func handle(
        _ request: AlterPartitionReassignmentsRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<AlterPartitionReassignmentsResponse>
    ) -> Reply<AlterPartitionReassignmentsResponse> {
        let ticket = ticket()
        context.broker.metadata.submit(
            { controller, _ in controller.alterPartitionReassignments(request) },
            completion: { result in
                switch result {
                case .success(let response): ticket.complete(response)
                case .failure(let error):
                    ticket.complete(
                        AlterPartitionReassignmentsResponse(
                            allowReplicationFactorChange: request.allowReplicationFactorChange,
                            errorCode: error.code.rawValue, errorMessage: error.message))
                }
            })
        return .later
    }
}
