// SPDX-License-Identifier: Apache-2.0
import DequeModule
import KafkaBase
import KafkaRecords

/// What an idempotent producer knows about one partition: the batches that are not acknowledged, in order, and how far
/// they have been sent. After a failure everything unacknowledged is sent again in the same order with the same
/// sequence numbers, once no answer is outstanding; the broker drops what it already has.
struct PartitionSender {
    struct Batch {
        let firstNumber: Int64
        let count: Int
        let baseSequence: Int32
        let bytes: [UInt8]
    }

    struct Acknowledged: Equatable, Sendable {
        let firstNumber: Int64
        let count: Int
        /// −1 where the broker only said that it had the batch already.
        let baseOffset: Int64
    }

    enum Outcome {
        case acknowledged(baseOffset: Int64)
        case mustRetry
        case fatal(String)
    }

    let partition: TopicPartition
    let total: Int64
    private(set) var acknowledged: [Acknowledged] = []
    private(set) var failure: String?
    private(set) var retries = 0
    private var unacknowledged: Deque<Batch> = []
    /// How many of `unacknowledged`, from the front, were sent and wait for an answer or for a retry.
    private var sent = 0
    private var outstanding = 0
    private var mustRewind = false
    private var nextNumber: Int64 = 0
    private var nextSequence: Int32 = 0

    init(partition: TopicPartition, total: Int64) {
        self.partition = partition
        self.total = total
    }

    var isFinished: Bool { failure != nil || (nextNumber == total && unacknowledged.isEmpty) }

    /// Whether a failure has to be waited out before `next` gives anything.
    var isStalled: Bool { mustRewind }

    /// The next batch to send; nil while `limit` are outstanding or nothing is left. `make` builds a new one from the
    /// first number and sequence and returns its record count with its bytes.
    mutating func next(
        limit: Int, make: (Int64, Int32) throws(RecordError) -> (count: Int, bytes: [UInt8])
    ) throws(RecordError) -> Batch? {
        guard failure == nil, !mustRewind, outstanding < limit else { return nil }
        if sent == unacknowledged.count {
            guard nextNumber < total else { return nil }
            let made = try make(nextNumber, nextSequence)
            unacknowledged.append(
                Batch(firstNumber: nextNumber, count: made.count, baseSequence: nextSequence, bytes: made.bytes))
            nextNumber += Int64(made.count)
            nextSequence = RecordBatchHeader.incrementSequence(nextSequence, by: Int32(made.count))
        }
        defer {
            sent += 1
            outstanding += 1
        }
        return unacknowledged[sent]
    }

    /// Takes the answer to `batch`. Answers to one connection's requests come in the order they were sent.
    mutating func finish(_ batch: Batch, _ outcome: Outcome) {
        outstanding -= 1
        switch outcome {
        case .acknowledged(let baseOffset):
            guard let first = unacknowledged.first, first.firstNumber == batch.firstNumber else {
                // A predecessor failed although it was appended (its replication timed out). Both are sent again, and
                // the broker will say that it has them.
                mustRewind = true
                return
            }
            unacknowledged.removeFirst()
            sent -= 1
            acknowledged.append(
                Acknowledged(firstNumber: batch.firstNumber, count: batch.count, baseOffset: baseOffset))
        case .mustRetry:
            mustRewind = true
            retries += 1
        case .fatal(let reason):
            failure = reason
        }
    }

    /// Begins again with the first unacknowledged batch; false while answers are outstanding.
    mutating func rewind() -> Bool {
        guard outstanding == 0 else { return false }
        sent = 0
        mustRewind = false
        return true
    }
}
