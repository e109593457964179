// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// Indexes are believed only as far as the batches they lead to bear them out. Whatever was done to their files, a
/// search finds the right batch, and the segment then has good indexes again.
extension LogSegment {
    /// How far a search may have to walk from where the index led it before the index is taken to lack entries.
    var sparseBytes: Int64 { max(1 << 20, 16 * Int64(indexIntervalBytes)) }

    // MARK: Offsets

    /// What the index says of `offset`, where the file holds what it should.
    func lookup(_ offset: Int64) throws(StorageError) -> OffsetIndex.Entry {
        let mark = try storing { () throws(FileError) in try offsetIndex.lookup(offset, files) }
        return offsetIndex.isDistrusted && !indexesAreRebuilt ? try rebuiltLookup(offset) : mark
    }

    /// Builds the indexes anew, then looks `offset` up.
    func rebuiltLookup(_ offset: Int64) throws(StorageError) -> OffsetIndex.Entry {
        try rebuildIndexes("entries that the batches do not bear out")
        return try storing { () throws(FileError) in try offsetIndex.lookup(offset, files) }
    }

    /// Whether a search for `offset` may begin at `entry`, to which `mark` led: all batches before it end below.
    static func bearsOut(_ mark: OffsetIndex.Entry, _ entry: SegmentEntry, _ offset: Int64) -> Bool {
        // Apache Kafka up to 3 wrote one entry for several batches, with the last offset of the last of them.
        mark.position == 0 || (entry.baseOffset <= offset && entry.lastOffset <= mark.offset)
    }

    func isInside(_ mark: OffsetIndex.Entry) -> Bool {
        mark.position == 0 || (mark.position > 0 && mark.position < size)
    }

    /// The position that `mark` names, if a search for `offset` may begin there; nil where the index is wrong.
    func verified(_ mark: OffsetIndex.Entry, _ offset: Int64) throws(StorageError) -> Int64? {
        if mark.position == 0 { return 0 }
        guard isInside(mark) else { return nil }
        do throws(StorageError) {
            guard let entry = try entry(at: mark.position), Self.bearsOut(mark, entry, offset) else { return nil }
            return mark.position
        } catch {
            guard case .corrupt = error, !indexesAreRebuilt else { throw error }
            return nil
        }
    }

    // MARK: Timestamps

    /// An offset before which no batch has a timestamp of at least `timestamp`.
    func offset(beforeTimestamp timestamp: Int64) throws(StorageError) -> Int64 {
        guard timestamp > 0 else { return baseOffset }
        var mark = try storing { () throws(FileError) in try timeIndex.lookup(timestamp - 1, files) }
        let isGood = timeIndex.isDistrusted ? false : try isTrue(mark)
        if !isGood {
            try rebuildIndexes("times that the batches do not bear out")
            mark = try storing { () throws(FileError) in try timeIndex.lookup(timestamp - 1, files) }
        }
        return mark.offset
    }

    /// Whether the batch that an entry names has the timestamp. Every such entry says truly that nothing before it has
    /// a larger one.
    private func isTrue(_ mark: TimeIndex.Entry) throws(StorageError) -> Bool {
        if mark.timestamp < 0 { return mark.offset == baseOffset }
        guard mark.offset >= baseOffset, let batch = try entry(holding: mark.offset) else { return false }
        return batch.baseOffset <= mark.offset && batch.maxTimestamp == mark.timestamp
    }

    /// Finds the largest timestamp: that of the time index's last entry, or a larger one behind it, in a segment that
    /// was not closed or whose index lost its end.
    func loadLargest() throws(StorageError) {
        var best = try storing { () throws(FileError) in
            _ = try offsetIndex.lastEntry(files)
            return try timeIndex.lastEntry(files)
        }
        let isGood = timeIndex.isDistrusted || offsetIndex.isDistrusted ? false : try isTrue(best)
        guard isGood else { return try rebuildIndexes("times that the batches do not bear out") }
        _ = try firstEntry(from: try position(before: best.offset), windowBytes: Self.scanWindowBytes) { entry in
            if entry.maxTimestamp > best.timestamp {
                best = TimeIndex.Entry(timestamp: entry.maxTimestamp, offset: entry.lastOffset)
            }
            return false
        }
        largest = best
    }

    // MARK: Building

    /// Makes both sparse indexes from the batches' headers, up to the first that is no batch, and writes them.
    func rebuildIndexes(_ reason: String) throws(StorageError) {
        indexesAreRebuilt = true
        healing = .rebuiltIndexes(path: logPath, reason: reason)
        assumeEmptyIndexes()
        largest = TimeIndex.Entry(timestamp: -1, offset: baseOffset)
        bytesSinceIndexEntry = 0
        indexesWait = false
        do throws(StorageError) {
            _ = try firstEntry(from: 0, windowBytes: Self.scanWindowBytes) { entry throws(StorageError) in
                try storing { () throws(FileError) in try makeRoomIfThereIsSpace() }
                index(lastOffset: entry.lastOffset, maxTimestamp: entry.maxTimestamp, position: entry.position)
                bytesSinceIndexEntry += entry.size
                return false
            }
        } catch {
            // Whoever wants what lies behind the damage comes upon it.
            guard case .corrupt = error else { throw error }
        }
        try trimIndexesIfThereIsSpace()
    }
}
