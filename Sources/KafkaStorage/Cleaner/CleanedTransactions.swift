// SPDX-License-Identifier: Apache-2.0
import KafkaRecords

/// Which transactions a cleaning is in the middle of, batch by batch in the order of the log.
///
/// Records of aborted transactions can go at once. A marker can go only when its transaction has no batch left before
/// it: without the marker, what is left would never be decided, or would be shown though it was aborted.
struct CleanedTransactions {
    private struct OngoingAbort {
        let transaction: AbortedTransaction
        var hasBatches: Bool
    }

    /// Not begun yet, by first offset, the next at the end.
    private var aborted: [AbortedTransaction]
    private var ongoingAborts: [Int64: OngoingAbort] = [:]
    /// Producers with batches of a transaction that was not aborted.
    private var ongoingCommits: Set<Int64> = []
    /// Aborted transactions whose marker stays, in the order of the markers. Whoever writes them takes them out.
    var retainedAborts: [AbortedTransaction] = []

    /// - Parameter aborted: all that have a batch in what is gone through, in any order.
    init(_ aborted: [AbortedTransaction]) {
        self.aborted = aborted.sorted { $0.firstOffset > $1.firstOffset }
    }

    /// Takes in a batch of data; true where all its records can go, because they were aborted.
    mutating func sawData(_ batch: RecordBatchHeader) -> Bool {
        begin(upTo: batch.lastOffset)
        guard batch.attributes.isTransactional else { return false }
        if let abort = ongoingAborts[batch.producerID] {
            if abort.transaction.lastOffset > batch.lastOffset {
                ongoingAborts[batch.producerID]?.hasBatches = true
                return true
            }
            // Its marker was passed, or is missing: this is of another transaction.
            ongoingAborts[batch.producerID] = nil
        }
        ongoingCommits.insert(batch.producerID)
        return false
    }

    /// Takes in a control batch; true where nothing needs it any more.
    ///
    /// - Parameter type: of its record; nil where an earlier cleaning has taken that out.
    mutating func sawControl(_ batch: RecordBatchHeader, _ type: ControlRecordType?, isEmpty: Bool) -> Bool {
        begin(upTo: batch.lastOffset)
        if isEmpty { return true }
        switch type {
        case .abort:
            guard let abort = ongoingAborts.removeValue(forKey: batch.producerID), abort.hasBatches else { return true }
            retainedAborts.append(abort.transaction)
            return false
        case .commit:
            return ongoingCommits.remove(batch.producerID) == nil
        default:
            return false
        }
    }

    private mutating func begin(upTo offset: Int64) {
        while let next = aborted.last, next.firstOffset <= offset {
            aborted.removeLast()
            // A second transaction of a producer cannot begin before the marker of its first.
            if next.lastOffset >= offset, ongoingAborts[next.producerID] == nil {
                ongoingAborts[next.producerID] = OngoingAbort(transaction: next, hasBatches: false)
            }
        }
    }
}
