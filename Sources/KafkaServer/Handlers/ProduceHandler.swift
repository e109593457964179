// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol
internal import KafkaReplication
internal import KafkaRuntime

/// Produce (key 0): appends record batches to partitions.
/// v0 message set format 0 · v1 throttle time · v2 append time, message format 1 · v3 transactional id, batch format 2
/// · v5 log start offset · v7 zstd · v8 errors per record · v9 flexible · v13 topic id. Versions 0 to 2 are served too, unlike
/// by Apache Kafka 4; their messages are converted to batches.
/// Not served: transactional batches.
///
/// The request is read where it lies, whole before anything is appended, and the answer written as the batches are
/// appended (`ProduceAttempt`).
package enum ProduceHandler: FrameHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...13

    package static func serve(_ frame: RequestFrame, on connection: RequestConnection, _ broker: BrokerContext) {
        let version = frame.apiVersion
        let request: ProduceRequestView
        do throws(WireError) {
            request = try ProduceRequestView(UnsafeRawBufferPointer(frame.body), version: version)
        } catch {
            return connection.end(reason: "malformed produce version \(version) request: \(error)")
        }
        // Bytes after the body are passed over, as Kafka does.
        let quota = connection.quota(frame, broker)
        let place = AnswerPlace(ProduceResponse.self, correlationID: frame.correlationID, version: version)
        var attempt = ProduceAttempt(request, broker)
        var throttle: Int64 = 0
        /// The body of the answer, where it must not leave before a sync.
        var unsynced: [UInt8]?
        let outcome = connection.answer(place) { (buffer) throws(WireError) in
            try attempt.append(
                to: broker, group: connection.groupOfAppends, recent: &connection.recentTopic, into: &buffer)
            if let quota { throttle = quota.charge(.produce, requestBytes: frame.size) }
            attempt.end(throttle: throttle, into: &buffer)
            guard request.acks != 0 else { return .withheld }
            if attempt.unsynced.isEmpty { return .complete }
            unsynced = buffer.body()
            return .withheld
        }
        guard outcome == .withheld else { return }
        guard let unsynced else { return leaveUnanswered(attempt, throttle, connection, broker) }
        ProduceSync.begin(
            attempt.unsynced, unsynced, namesErrors: attempt.failed != nil,
            at: connection.reserve(place, throttle: throttle), broker)
    }

    /// The client wants no answer (acks=0).
    private static func leaveUnanswered(
        _ attempt: borrowing ProduceAttempt, _ throttle: Int64, _ connection: RequestConnection, _ broker: BrokerContext
    ) {
        for one in attempt.unsynced {
            one.partition.sync(upTo: one.endOffset, on: broker.runtime.queues) { _ in }
        }
        // The closed connection is how the client notices and asks for metadata again.
        if let failed = attempt.failed { return connection.end(reason: "Produce with acks=0 failed: \(failed)") }
        connection.leaveUnanswered(throttle: throttle)
    }
}
