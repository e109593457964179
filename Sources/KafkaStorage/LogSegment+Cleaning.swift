// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

extension LogSegment {
    /// The files of the segment, as they are called now; the `.txnindex` may not be there. The log file comes first.
    var allPaths: [String] { [logPath, offsetIndex.path, timeIndex.path, transactionIndexPath] }

    /// The files' names with another suffix, in the order of `allPaths`.
    func paths(suffix: String) -> [String] {
        [
            LogFileNames.logSuffix, LogFileNames.indexSuffix, LogFileNames.timeIndexSuffix,
            LogFileNames.transactionIndexSuffix,
        ].map { namePrefix + $0 + suffix }
    }

    /// The largest timestamp of the first batch, −1 where there is none.
    func firstBatchTimestamp() throws(StorageError) -> Int64 {
        size == 0 ? -1 : try loadFirstTimestamp()
    }
}
