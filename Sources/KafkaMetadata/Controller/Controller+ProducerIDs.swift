// SPDX-License-Identifier: Apache-2.0
private import KafkaBase
package import KafkaProtocol

extension Controller {
    /// How many producer ids a broker gets at a time.
    package static let producerIDBlockSize: Int32 = 1_000

    /// AllocateProducerIds (key 67): hands a broker ids that no producer of the cluster has had.
    package func allocateProducerIDs(
        _ request: AllocateProducerIdsRequest
    ) -> ControllerResult<AllocateProducerIdsResponse> {
        do throws(APIError) {
            _ = try checkBroker(request.brokerID, epoch: request.brokerEpoch)
            let first = image.nextProducerID
            let (next, overflow) = first.addingReportingOverflow(Int64(Self.producerIDBlockSize))
            guard !overflow else {
                throw APIError(.unknownServerError, "Exhausted all producer ids: the next block begins at \(first).")
            }
            let record = ProducerIdsRecord(
                brokerID: request.brokerID, brokerEpoch: request.brokerEpoch, nextProducerID: next)
            return ControllerResult(
                [.producerIDs(record)],
                response: AllocateProducerIdsResponse(producerIDStart: first, producerIDLen: Self.producerIDBlockSize))
        } catch {
            return ControllerResult(response: AllocateProducerIdsResponse(errorCode: error.code.rawValue))
        }
    }
}
