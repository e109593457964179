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
        indexesWait = false
    }

    /// `makeRoom`, for indexes that can be made again from the batches: where the disk is full, the entries stay in memory
    /// until the next sync of the segment or its closing, and nobody is kept from the batches for want of their index.
    func makeRoomIfThereIsSpace() throws(FileError) {
        if indexesWait { return }
        do throws(FileError) { try makeRoom() } catch {
            guard error.kind == .noSpace else { throw error }
            indexesWait = true
        }
    }

    /// `trimIndexes` likewise.
    func trimIndexesIfThereIsSpace() throws(StorageError) {
        do throws(StorageError) { try trimIndexes() } catch {
            guard case .io(let failure) = error, failure.kind == .noSpace else { throw error }
            indexesWait = true
        }
    }

    /// Counts a batch that was found good, in place of one that is appended.
    func recovered(_ entry: SegmentEntry) throws(FileError) {
        try makeRoomIfThereIsSpace()
        added(lastOffset: entry.lastOffset, maxTimestamp: entry.maxTimestamp, byteCount: entry.size)
    }

    /// Cuts the file, of `fileSize` bytes, to the batches that were found good, and the indexes to their entries.
    func finishRecovery(fileSize: Int64) throws(StorageError) {
        // Blocks that were reserved behind the end are given back, too; small segments have none.
        if size < fileSize || size >= Self.reserveThreshold {
            try storing { () throws(FileError) in try cut(to: size) }
        }
        try trimIndexesIfThereIsSpace()
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
