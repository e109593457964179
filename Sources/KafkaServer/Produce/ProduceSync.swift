// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol
internal import KafkaReplication
internal import KafkaRuntime
internal import Synchronization

/// A produce request whose records must be durable before it is answered (`flush.messages`).
///
/// Syncs run on background threads, one at a time per partition, and each covers everything that was appended before
/// it: many producers share one. The answer, as it will be where all goes well, is written before and kept meanwhile.
///
/// Confined to the reactor of the connection, which is what makes it `@unchecked Sendable`.
final class ProduceSync: @unchecked Sendable {
    /// What was appended to one partition, and where its answer stands in the response.
    struct Unsynced {
        let partition: Partition
        let endOffset: Int64
        let place: (topic: Int, partition: Int)
    }

    private let place: ReservedPlace
    /// The body of the answer where all syncs succeed.
    private let body: [UInt8]
    /// Whether the answer names errors, which metrics count when it is sent.
    private let namesErrors: Bool
    private let broker: BrokerContext
    private var left: Int
    private var faults: [(place: (topic: Int, partition: Int), fault: PartitionFault)] = []

    private init(
        _ count: Int, _ body: [UInt8], namesErrors: Bool, _ place: ReservedPlace, _ broker: BrokerContext
    ) {
        self.place = place
        self.body = body
        self.namesErrors = namesErrors
        self.broker = broker
        left = count
    }

    /// - Parameter body: what is answered where all syncs succeed.
    static func begin(
        _ unsynced: [Unsynced], _ body: [UInt8], namesErrors: Bool, at place: ReservedPlace,
        _ broker: BrokerContext
    ) {
        let sync = ProduceSync(unsynced.count, body, namesErrors: namesErrors, place, broker)
        broker.metrics?.waitingProduces.add(1, ordering: .relaxed)
        for one in unsynced {
            let place = one.place
            one.partition.sync(upTo: one.endOffset, on: broker.runtime.queues, tellingOn: sync.place.queue) { fault in
                sync.finished(place, fault)
            }
        }
    }

    private func finished(_ at: (topic: Int, partition: Int), _ fault: PartitionFault?) {
        if let fault {
            fault.log(to: broker.log)
            faults.append((at, fault))
        }
        left -= 1
        guard left == 0 else { return }
        broker.metrics?.waitingProduces.subtract(1, ordering: .relaxed)
        if faults.isEmpty, !namesErrors { return place.answer { $0.write(body: body) } }
        place.answer { (buffer) throws(WireError) in
            try buffer.write(Answer(try failing()), version: place.answer.version)
        }
    }

    /// The answer, with what could not be synced as failed.
    private func failing() throws(WireError) -> ProduceResponse {
        let version = place.answer.version
        // Typed throws do not pass through an array's `withUnsafeBytes`.
        var response = try body.withUnsafeBytes { body -> Result<ProduceResponse, WireError> in
            Result { () throws(WireError) in try ProduceResponse(decoding: body, version: version) }
        }.get()
        for (at, fault) in faults {
            let index = response.responses[at.topic].partitionResponses[at.partition].index
            response.responses[at.topic].partitionResponses[at.partition] = .init(
                index: index, errorCode: fault.code.rawValue, baseOffset: -1, logAppendTimeMs: -1,
                logStartOffset: -1, recordErrors: fault.namedRecords, errorMessage: fault.message)
        }
        return response
    }
}
