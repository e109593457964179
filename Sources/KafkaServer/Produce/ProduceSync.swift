// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol
internal import KafkaReplication
internal import KafkaRuntime
internal import Synchronization

/// A produce request whose records must be durable before it is answered (`flush.messages`).
///
/// Syncs run on background threads, one at a time per partition, and each covers everything that was appended before
/// it: many producers share one.
final class ProduceSync: Sendable {
    /// What was appended to one partition, and where its answer stands in the response.
    struct Unsynced {
        let partition: Partition
        let endOffset: Int64
        let place: (topic: Int, partition: Int)
    }

    private struct State: ~Copyable {
        var response: ProduceResponse
        var left: Int
    }

    private let ticket: ReplyTicket<ProduceResponse>
    private let broker: BrokerContext
    private let state: Mutex<State>

    private init(
        _ count: Int, _ response: ProduceResponse, _ ticket: ReplyTicket<ProduceResponse>, _ broker: BrokerContext
    ) {
        self.ticket = ticket
        self.broker = broker
        state = Mutex(State(response: response, left: count))
    }

    /// - Parameter response: what is answered where all syncs succeed.
    static func begin(
        _ unsynced: [Unsynced], _ response: ProduceResponse, _ ticket: ReplyTicket<ProduceResponse>,
        _ broker: BrokerContext
    ) {
        let sync = ProduceSync(unsynced.count, response, ticket, broker)
        broker.metrics?.waitingProduces.add(1, ordering: .relaxed)
        for one in unsynced {
            let place = one.place
            one.partition.sync(upTo: one.endOffset, on: broker.runtime.queues) { fault in
                sync.finished(place, fault)
            }
        }
    }

    private func finished(_ place: (topic: Int, partition: Int), _ fault: PartitionFault?) {
        let complete = state.withLock { state -> ProduceResponse? in
            if let fault {
                fault.log(to: broker.log)
                let index = state.response.responses[place.topic].partitionResponses[place.partition].index
                state.response.responses[place.topic].partitionResponses[place.partition] =
                    ProduceResponse.PartitionProduceResponse(
                        index: index, errorCode: fault.code.rawValue, baseOffset: -1, logAppendTimeMs: -1,
                        logStartOffset: -1, recordErrors: fault.namedRecords, errorMessage: fault.message)
            }
            state.left -= 1
            return state.left == 0 ? state.response : nil
        }
        guard let complete else { return }
        broker.metrics?.waitingProduces.subtract(1, ordering: .relaxed)
        ticket.complete(complete)
    }
}
