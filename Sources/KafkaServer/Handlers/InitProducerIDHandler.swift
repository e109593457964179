// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// InitProducerId (key 22): gives an idempotent producer its id (KIP-98, KIP-360).
/// v2 flexible · v3 the producer's current id and epoch · v4 PRODUCER_FENCED · v6 two-phase commit, unstable.
/// Not served: transactional ids.
package enum InitProducerIDHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...6

    package static func handle(
        _ request: InitProducerIdRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<InitProducerIdResponse>
    ) -> Reply<InitProducerIdResponse> {
        if let transactionalID = request.transactionalID {
            // Kafka refuses an empty id; others need a transaction coordinator, which is not there.
            return failed(transactionalID.isEmpty ? .invalidRequest : .unsupportedVersion)
        }
        let ticket = ticket()
        context.broker.producerIDs.next { result in
            switch result {
            case .success(let id): ticket.complete(InitProducerIdResponse(producerID: id, producerEpoch: 0))
            case .failure(let error):
                ticket.complete(InitProducerIdResponse(errorCode: error.code.rawValue, producerEpoch: -1))
            }
        }
        return .later
    }

    private static func failed(_ error: ErrorCode) -> Reply<InitProducerIdResponse> {
        .answer(InitProducerIdResponse(errorCode: error.rawValue, producerEpoch: -1))
    }
}
