// SPDX-License-Identifier: Apache-2.0
import KafkaRecords
import KafkaRuntime
internal import Synchronization

extension LogState {
    /// Whether any transaction was aborted by a marker in the segment of `offset` or behind it.
    func mayHaveAborted(from offset: Int64) -> Bool {
        // Markers stand behind the records, so that nothing before the offset's segment matters.
        segments[(segmentIndex(for: offset) ?? 0)...].contains { $0.transactionIndex.lastOffset >= offset }
    }

    /// The aborted transactions that have records in `[offset, end)`, and maybe some that end before any is read, in the
    /// order of their markers.
    mutating func abortedTransactions(
        from offset: Int64, upTo end: Int64
    ) throws(StorageError) -> [AbortedTransaction] {
        var found: [AbortedTransaction] = []
        let first = segmentIndex(for: offset) ?? 0
        for index in first..<segments.count where segments[index].transactionIndex.count > 0 {
            do throws(StorageError) {
                if try segments[index].collectAborted(from: offset, upTo: end, into: &found) { break }
            } catch {
                guard error.isDamage else { throw error }
                try rebuildTransactionIndex(ofSegmentAt: index, now: lastAppendTime)
                if try segments[index].collectAborted(from: offset, upTo: end, into: &found) { break }
            }
        }
        return found
    }

    /// Makes `.txnindex` from the batches of a segment and what producers had done before.
    mutating func rebuildTransactionIndex(ofSegmentAt index: Int, now: Int64) throws(StorageError) {
        let segment = segments[index]
        let end = index + 1 < segments.count ? segments[index + 1].baseOffset : nextOffset
        var table = try producerTable(at: segment.baseOffset, now: now)
        let aborted = try replay(from: segment.baseOffset, to: end, into: &table)
        segment.transactionIndex.removeAll()
        segment.healing = .rebuiltIndexes(path: segment.logPath, reason: "no list of aborted transactions")
        try storing { () throws(FileError) in
            try segment.appendAborted(aborted)
            try segment.trimTransactionIndex()
        }
    }

    /// An offset that bounds what lies before `position`, where a read of `segment` ends: no record below the position
    /// is at or above it.
    mutating func upperBound(
        of position: Int64, in segment: LogSegment, limit: LogOffsetMetadata
    ) throws(StorageError) -> Int64 {
        if segment.baseOffset == limit.segmentBaseOffset, position >= limit.position { return limit.offset }
        if position < segment.size {
            let entry = try storing { () throws(FileError) in try segment.offsetIndex.entry(notBefore: position, files)
            }
            // What an index says is believed only as far as the batch bears it out.
            if let entry, entry.position >= position, let batch = try? segment.entry(at: entry.position),
                batch.lastOffset <= entry.offset
            {
                return min(batch.baseOffset, limit.offset)
            }
        }
        let next = segments.first { $0.baseOffset > segment.baseOffset }
        return min(next?.baseOffset ?? limit.offset, limit.offset)
    }
}

extension UnifiedLog {
    /// The aborted transactions that a reader of the committed records in `[offset, end)` must know, in the order of
    /// their markers. There may be some that have no records there.
    public func abortedTransactions(
        from offset: Int64, upTo end: Int64
    ) throws(StorageError) -> [AbortedTransaction] {
        try state.withLock { (state) throws(StorageError) in
            try state.requireWritten()
            return try state.abortedTransactions(from: offset, upTo: end)
        }
    }
}
