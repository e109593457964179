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
        do throws(WireError) {
            let head = try FetchRequestHead(UnsafeRawBufferPointer(frame.body), version: frame.apiVersion)
            let place = AnswerPlace(
                FetchResponse.self, correlationID: frame.correlationID, version: frame.apiVersion)
            if head.replicaID < 0, JoinedSession.isNone(head) {
                try answer(head, nil, frame, place, connection, broker)
            } else {
                // What it does to a session must not be done for a request that is malformed further on.
                try answerWhole(FetchRequestView(head), frame, place, connection, broker)
            }
        } catch {
            connection.end(reason: "malformed fetch version \(frame.apiVersion) request: \(error)")
        }
    }

    /// Answers a request that was read whole and may belong to a session.
    private static func answerWhole(
        _ request: FetchRequestView, _ frame: RequestFrame, _ place: AnswerPlace, _ connection: RequestConnection,
        _ broker: BrokerContext
    ) throws(WireError) {
        // Partitions have one replica each: nobody follows this broker.
        guard request.replicaID < 0 else { return reject(request, .invalidRequest, place, connection) }
        let joined: JoinedSession?
        do throws(FetchRejection) {
            joined = try JoinedSession.join(request, broker)
        } catch {
            return reject(request, error.code, place, connection)
        }
        try answer(request.head, joined, frame, place, connection, broker)
    }

    private static func reject(
        _ request: FetchRequestView, _ code: ErrorCode, _ place: AnswerPlace, _ connection: RequestConnection
    ) {
        connection.answer(place) { (buffer) throws(WireError) in
            try FetchRejection(code: code).write(request, into: &buffer)
            return .complete
        }
    }

    /// - Throws: what is wrong with the request, which may show only here where it was not read whole before.
    @inline(__always)
    private static func answer(
        _ request: FetchRequestHead, _ joined: JoinedSession?, _ frame: RequestFrame, _ place: AnswerPlace,
        _ connection: RequestConnection, _ broker: BrokerContext
    ) throws(WireError) {
        let quota = connection.quota(frame, broker)
        var bytesMax = broker.configuration.fetchBytesMax
        if let quota { bytesMax = min(bytesMax, quota.fetchBytesMax ?? .max) }
        let limits = FetchLimits(request, bytesMax: bytesMax)
        var attempt = FetchAttempt(limits, quota)
        var isMalformed = false
        let outcome = connection.answer(place) { (buffer) throws(WireError) in
            do throws(WireError) {
                if let joined {
                    try attempt.write(joined, broker, into: &buffer)
                } else {
                    try attempt.write(request, broker, recent: &connection.recentTopic, into: &buffer)
                }
            } catch {
                guard request.defect != nil else { throw error }
                isMalformed = true
                return .withheld
            }
            return attempt.isEnough && !attempt.isForReplica ? .complete : .withheld
        }
        if isMalformed, let defect = request.defect { throw defect }
        guard outcome == .withheld else { return }
        if attempt.isForReplica {
            return try answerWhole(FetchRequestView(request), frame, place, connection, broker)
        }
        DelayedFetch.park(
            joined, request, limits, quota, at: connection.reserve(place), bytesSeen: attempt.byteCount, broker)
    }
}
