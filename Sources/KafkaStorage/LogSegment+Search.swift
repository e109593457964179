// SPDX-License-Identifier: Apache-2.0
import KafkaRecords
import KafkaRuntime

extension LogSegment {
    /// Bytes read at once while headers are looked for: many small batches, or one header of a large one.
    private static let windowBytes = 4096

    /// The batch that begins at `position`; nil at the end of the segment. Throws `corrupt` for what is not a batch:
    /// whatever the segment counts was checked when it was written or recovered, so the disk has changed it.
    func entry(at position: Int64) throws(StorageError) -> SegmentEntry? {
        try firstEntry(from: position) { _ in true }
    }

    /// The batch that holds `offset`, or the first one behind it; nil where the segment ends before.
    func entry(holding offset: Int64) throws(StorageError) -> SegmentEntry? {
        let start = try storing { () throws(FileError) in try offsetIndex.lookup(offset, files).position }
        return try firstEntry(from: start) { $0.lastOffset >= offset }
    }

    /// The offset behind the last batch; the base offset of an empty segment.
    func readNextOffset() throws(StorageError) -> Int64 {
        if size == 0 { return baseOffset }
        let start = try storing { () throws(FileError) in try offsetIndex.lastEntry(files).position }
        guard start < size else {
            throw .corrupt(path: offsetIndex.path, position: 0, reason: "it points behind the segment, to \(start)")
        }
        var next = baseOffset
        _ = try firstEntry(from: start) { entry in
            next = entry.nextOffset
            return false
        }
        return next
    }

    /// Walks the batches from `position`, where one begins, to the end, until `isWanted` accepts one.
    func firstEntry(
        from position: Int64, where isWanted: (SegmentEntry) throws(StorageError) -> Bool
    ) throws(StorageError) -> SegmentEntry? {
        guard position < size else { return nil }
        let file = try storing { () throws(FileError) in try openFile() }
        var found = Result<SegmentEntry?, StorageError>.success(nil)
        withUnsafeTemporaryAllocation(byteCount: Self.windowBytes, alignment: 16) { window in
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
            if try isWanted(entry) { return entry }
            position = entry.end
        }
        return nil
    }

    private func damaged(at position: Int64, _ reason: String) -> StorageError {
        .corrupt(path: logPath, position: position, reason: reason)
    }
}
