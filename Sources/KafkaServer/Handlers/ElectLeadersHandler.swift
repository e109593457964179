// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// ElectLeaders (key 43): elections of partition leaders that an operator asks for, of the partitions named or of all
/// (KIP-460).
/// v1 unclean elections (type 1), which earlier versions do not have · v2 flexible.
package enum ElectLeadersHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...2

    package static func handle(
        _ request: ElectLeadersRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<ElectLeadersResponse>
    ) -> Reply<ElectLeadersResponse> {
        let ticket = ticket()
        let version = context.version
        context.broker.metadata.submit(
            { controller, _ in controller.electLeaders(request) },
            completion: { result in
                switch result {
                case .success(let response): ticket.complete(response)
                case .failure(let error): ticket.complete(failed(request, error, version: version))
                }
            })
        return .later
    }

    /// Version 0 has no place for an error of the whole request.
    private static func failed(
        _ request: ElectLeadersRequest, _ error: APIError, version: Int16
    ) -> ElectLeadersResponse {
        guard version == 0 else { return ElectLeadersResponse(errorCode: error.code.rawValue) }
        return ElectLeadersResponse(
            replicaElectionResults: (request.topicPartitions ?? []).map { topic in
                .init(
                    topic: topic.topic,
                    partitionResult: topic.partitions.map {
                        .init(partitionID: $0, errorCode: error.code.rawValue, errorMessage: error.message)
                    })
            })
    }
}
