// SPDX-License-Identifier: Apache-2.0
import KafkaRecords
import KafkaRuntime

extension LogSegment {
    /// Bytes read at once while headers are looked for: many small batches, or one header of a large one.
    static let windowBytes = 4096
    /// The same, where a longer way is to be gone.
    static let scanWindowBytes = 64 << 10

    /// The batch that begins at `position`; nil at the end of the segment. Throws `corrupt` for what is not a batch:
    /// whatever the segment counts was checked when it was written or recovered, so the disk has changed it.
    func entry(at position: Int64) throws(StorageError) -> SegmentEntry? {
        try firstEntry(from: position) { _ in true }
    }

    /// The batch that holds `offset`, or the first one behind it; nil where the segment ends before.
    func entry(holding offset: Int64) throws(StorageError) -> SegmentEntry? {
        var mark = try lookup(offset)
        if settings.verifiesReads, mark.position > 0, try entry(at: mark.position)?.lastOffset != mark.offset {
            // The offset in the batch is not under its checksum. From the segment's start every batch is held against
            // the one before it.
            mark = OffsetIndex.Entry(offset: baseOffset, position: 0)
        }
        passedPosition = -1
        let found: SegmentEntry?
        do throws(StorageError) {
            guard isInside(mark) else { throw damaged(at: mark.position, "the index leads out of the segment") }
            var isFirst = true
            found = try firstEntry(from: mark.position) { entry throws(StorageError) in
                if isFirst, !Self.bearsOut(mark, entry, offset) {
                    throw damaged(at: mark.position, "the index leads to another batch")
                }
                isFirst = false
                if entry.lastOffset >= offset { return true }
                passedPosition = entry.position
                return false
            }
        } catch {
            guard case .corrupt = error, mark.position > 0, !indexesAreRebuilt else { throw error }
            let found = try search(offset, from: try rebuiltLookup(offset))
            // So it was the index, and not the batches: it may be built again.
            indexesAreRebuilt = false
            return found
        }
        if (found?.position ?? size) - mark.position > sparseBytes, !indexesAreRebuilt, !offsetIndex.isFull {
            try rebuildIndexes("too few entries")
        }
        return found
    }

    private func search(_ offset: Int64, from mark: OffsetIndex.Entry) throws(StorageError) -> SegmentEntry? {
        try firstEntry(from: mark.position) { $0.lastOffset >= offset }
    }

    // MARK: Walking

    /// The offset behind the last batch; the base offset of an empty segment.
    func readNextOffset() throws(StorageError) -> Int64 {
        if size == 0 { return baseOffset }
        let mark = try storing { () throws(FileError) in try offsetIndex.lastEntry(files) }
        let isTrusted = !offsetIndex.isDistrusted || indexesAreRebuilt
        let start = try orRebuilt(isTrusted ? verified(mark, mark.offset) : nil, .max)
        var next = baseOffset
        _ = try firstEntry(from: start) { entry in
            next = entry.nextOffset
            return false
        }
        // Entries for offsets that are not there would stand in the way of new ones.
        if mark.position > 0, mark.offset >= next, !indexesAreRebuilt { try rebuildIndexes("entries behind the end") }
        return next
    }

    /// Where a batch begins that is not behind the one that holds `offset`, and mostly not far before it.
    func position(before offset: Int64) throws(StorageError) -> Int64 {
        let mark = try lookup(offset)
        return try orRebuilt(verified(mark, offset), offset)
    }

    /// An offset of a batch that begins at `position` or, as far as the index knows, not far behind it; where it knows
    /// none, the last one before `end` that it does know.
    func offset(atOrBehind position: Int64, upTo end: Int64) throws(StorageError) -> Int64 {
        let mark = try lookup(end)
        let entry = try storing { () throws(FileError) in try offsetIndex.entry(notBefore: position, files) }
        return min(entry?.offset ?? mark.offset, mark.offset)
    }

    private func orRebuilt(_ position: Int64?, _ offset: Int64) throws(StorageError) -> Int64 {
        if let position { return position }
        return try rebuiltLookup(offset).position
    }

    /// Walks the batches from `position`, where one begins, to the end, until `isWanted` accepts one.
    func firstEntry(
        from position: Int64, windowBytes: Int = windowBytes,
        where isWanted: (SegmentEntry) throws(StorageError) -> Bool
    ) throws(StorageError) -> SegmentEntry? {
        guard position < size else { return nil }
        let file = try storing { () throws(FileError) in try openFile() }
        var found = Result<SegmentEntry?, StorageError>.success(nil)
        withUnsafeTemporaryAllocation(byteCount: windowBytes, alignment: 16) { window in
            do throws(StorageError) {
                found = .success(try search(file, window, from: position, isWanted))
            } catch {
                found = .failure(error)
            }
        }
        return try found.get()
    }

    private func search(
        _ file: any File, _ window: UnsafeMutableRawBufferPointer, from start: Int64,
        _ isWanted: (SegmentEntry) throws(StorageError) -> Bool
    ) throws(StorageError) -> SegmentEntry? {
        var position = start
        var windowStart: Int64 = 0
        var filled = 0
        var expected = baseOffset
        while position < size {
            let needed = Int64(min(Int64(SegmentEntry.prefixSize), size - position))
            if position < windowStart || position + needed > windowStart + Int64(filled) {
                windowStart = position
                let count = min(window.count, Int(size - position))
                let target = UnsafeMutableRawBufferPointer(rebasing: window[..<count])
                filled = try storing { () throws(FileError) in try file.read(into: target, at: position) }
            }
            let inWindow = Int(position - windowStart)
            let bytes = UnsafeRawBufferPointer(rebasing: window[min(inWindow, filled)..<filled])
            let entry: SegmentEntry
            do throws(RecordError) {
                entry = try SegmentEntry(parsing: bytes, position: position)
            } catch {
                throw damaged(at: position, "\(error)")
            }
            guard entry.end <= size else { throw damaged(at: position, "the batch runs over the end") }
            guard entry.baseOffset >= expected, entry.lastOffset - baseOffset <= Int64(Int32.max) else {
                throw damaged(at: position, "offset \(entry.baseOffset) is out of order")
            }
            if try isWanted(entry) { return entry }
            position = entry.end
            expected = entry.nextOffset
        }
        return nil
    }

    func damaged(at position: Int64, _ reason: String) -> StorageError {
        .corrupt(path: logPath, position: position, reason: reason)
    }
}
