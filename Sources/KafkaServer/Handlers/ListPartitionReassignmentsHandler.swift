// SPDX-License-Identifier: Apache-2.0
internal import KafkaMetadata
package import KafkaProtocol
internal import KafkaRuntime

/// ListPartitionReassignments (key 46): the moves of partitions to other replicas that are under way (KIP-455).
package enum ListPartitionReassignmentsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...0

    package static func handle(
        _ request: ListPartitionReassignmentsRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<ListPartitionReassignmentsResponse>
    ) -> Reply<ListPartitionReassignmentsResponse> {
        let broker = context.broker
        // It goes through all partitions there are.
        let ticket = ticket()
        broker.runtime.queues.runBlocking {
            ticket.complete(broker.metadata.image.partitionReassignments(request))
        }
        return .later
    }
}
