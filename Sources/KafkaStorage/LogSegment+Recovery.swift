// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

extension LogSegment {
    /// Empties the indexes, so that `recovered` can build them again.
    func resetIndexes() {
        assumeEmptyIndexes()
        transactionIndex.removeAll()
        largest = TimeIndex.Entry(timestamp: -1, offset: baseOffset)
        firstTimestamp = nil
        bytesSinceIndexEntry = 0
        size = 0
    }

    /// Counts a batch that was found good, in place of one that is appended.
    func recovered(_ entry: SegmentEntry) throws(FileError) {
        try makeRoom()
        added(lastOffset: entry.lastOffset, maxTimestamp: entry.maxTimestamp, byteCount: entry.size)
    }

    /// Cuts the file, of `fileSize` bytes, to the batches that were found good, and the indexes to their entries.
    func finishRecovery(fileSize: Int64) throws(StorageError) {
        // Blocks that were reserved behind the end are given back, too; small segments have none.
        if size < fileSize || size >= Self.reserveThreshold {
            try storing { () throws(FileError) in try openFile().truncate(to: size) }
        }
        reservedEnd = 0
        try trimIndexes()
    }

    /// Takes the indexes of an empty segment for empty without opening them.
    func assumeEmptyIndexes() {
        offsetIndex.assumeEmpty()
        timeIndex.assumeEmpty()
    }

    /// Throws where an index file, read from its first entry to its last, does not ascend, or points beyond the
    /// segment: its last pages did not reach the disk.
    func checkIndexes() throws(FileError) {
        try offsetIndex.check(segmentBytes: size, files)
        try timeIndex.check(files)
    }
}
