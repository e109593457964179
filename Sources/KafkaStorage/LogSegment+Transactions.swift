// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

extension LogSegment {
    var transactionIndexPath: String { namePrefix + LogFileNames.transactionIndexSuffix + suffix }

    /// Notes transactions that were aborted by markers of this segment, in their order.
    func appendAborted(_ aborted: [AbortedTransaction]) throws(FileError) {
        indexesAreSynced = false
        try transactionIndex.append(aborted, transactionIndexPath, files)
    }

    /// Learns what `.txnindex` holds, where there is one. Throws `corrupt` for one that is damaged.
    ///
    /// - Parameter end: the offset behind the segment's last.
    func loadTransactionIndex(end: Int64) throws(StorageError) {
        try transactionIndex.load(transactionIndexPath, within: baseOffset..<max(end, baseOffset), files)
    }

    /// Adds to `found` the transactions with a marker in this segment, at or above `offset`, that began below `end`; none
    /// where it fails. Returns whether later segments can have no more.
    func collectAborted(
        from offset: Int64, upTo end: Int64, into found: inout [AbortedTransaction]
    ) throws(StorageError) -> Bool {
        let count = found.count
        do throws(StorageError) {
            return try transactionIndex.collect(
                from: offset, upTo: end, into: &found, transactionIndexPath, files)
        } catch {
            found.removeSubrange(count...)
            throw error
        }
    }

    func trimTransactionIndex() throws(FileError) { try transactionIndex.trim(transactionIndexPath, files) }
}
