// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol

/// Fetch (key 1): reads record batches of partitions; waits for data where there is too little.
/// v1 throttle time · v2 message format 1 · v3 limit for the whole answer · v4 isolation level, batch format 2 ·
/// v5 log start offset · v7 sessions (KIP-227) · v9 leader epoch (KIP-320) · v11 rack · v12 flexible ·
/// v13 topic id · v15 replica state · v16 endpoints of new leaders · v18 high watermark of followers.
/// Versions 0 to 3 are answered in message formats 0 and 1, unlike by Apache Kafka 4.
/// Not served: followers' fetches, reading from followers.
///
/// The request is read where it lies and the answer written as the partitions are read (`FetchAttempt`).
package enum FetchHandler: FrameHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...18

    package static func serve(_ frame: RequestFrame, on connection: RequestConnection, _ broker: BrokerContext) {
        let request: FetchRequestView
        do throws(WireError) {
            request = try FetchRequestView(UnsafeRawBufferPointer(frame.body), version: frame.apiVersion)
        } catch {
            return connection.end(reason: "malformed fetch version \(frame.apiVersion) request: \(error)")
        }
        let place = AnswerPlace(
            FetchResponse.self, correlationID: frame.correlationID, version: frame.apiVersion)
        let joined: JoinedSession?
        do throws(FetchRejection) {
            guard request.replicaID < 0 else {
                // Partitions have one replica each: nobody follows this broker.
                throw FetchRejection(code: .invalidRequest)
            }
            joined = try JoinedSession.join(request, broker)
        } catch {
            connection.answer(place) { (buffer) throws(WireError) in
                try error.write(request, into: &buffer)
                return .complete
            }
            return
        }
        let limits = FetchLimits(
            request, bytesMax: broker.configuration.fetchBytesMax, quota: connection.quota(frame, broker))
        var attempt = FetchAttempt(limits)
        let outcome = connection.answer(place) { (buffer) throws(WireError) in
            if let joined {
                try attempt.write(joined, broker, into: &buffer)
            } else {
                try attempt.write(request, broker, into: &buffer)
            }
            return attempt.isEnough ? .complete : .withheld
        }
        guard outcome == .withheld else { return }
        DelayedFetch.park(
            joined, request, limits, at: connection.reserve(place), bytesSeen: attempt.byteCount, broker)
    }
}
