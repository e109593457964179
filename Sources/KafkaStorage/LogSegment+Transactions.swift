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

    func trimTransactionIndex() throws(FileError) { try transactionIndex.trim(transactionIndexPath, files) }
}
