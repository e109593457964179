// SPDX-License-Identifier: Apache-2.0

/// Walks the records of one magic-2 batch without allocating per record.
///
/// Records of an uncompressed batch are read where they lie. A compressed batch is inflated through a window that is
/// as large as its largest record needs, 64 KiB at first and within a limit, so that neither a huge batch nor a bomb
/// takes memory.
/// At the end the number of records is compared with the header's. After an error the walk is over.
public struct RecordReader: ~Copyable {
    /// What a batch may inflate to where the caller has no opinion: as much as a request can announce anyway.
    public static let defaultInflateLimit = 256 << 20
    /// What may be inflated where all of it is held in memory at once, as in conversions.
    public static let heldInflateLimit = 64 << 20

    private let header: RecordBatchHeader
    private let recordLimit: Int
    private var cursor: RecordCursor
    private var inflation: Inflation?
    /// Bytes of `inflation`'s window that the cursor began with.
    private var windowCount = 0
    /// Records read so far.
    private(set) var index = 0

    /// `records` is everything behind the header, and must outlive the reader.
    init(
        header: RecordBatchHeader, records: UnsafeRawBufferPointer, inflateLimit: Int, recordLimit: Int
    ) throws(RecordError) {
        self.header = header
        self.recordLimit = recordLimit
        guard let compression = header.attributes.compression else {
            throw .unknownCompression(Int8(header.attributes.rawValue & BatchAttributes.codecMask))
        }
        if compression == .none || records.isEmpty {
            // An empty slice may have no address; the placeholder is never read through.
            let base = records.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
            cursor = RecordCursor(position: base, end: base + records.count)
            inflation = nil
        } else {
            let base = UnsafeRawPointer(bitPattern: 1)!
            cursor = RecordCursor(position: base, end: base)
            inflation = Inflation(records, type: compression, limit: inflateLimit)
        }
    }

    /// The next record; nil behind the last. The view is valid until the next call.
    public mutating func next() throws(RecordError) -> RecordView? {
        guard let parsed = try nextParsed() else { return nil }
        return RecordView(
            offset: header.baseOffset &+ Int64(parsed.offsetDelta),
            timestamp: timestamp(of: parsed),
            sequence: header.baseSequence < 0
                ? -1 : RecordBatchHeader.incrementSequence(header.baseSequence, by: parsed.offsetDelta),
            key: parsed.key, value: parsed.value,
            headers: RecordHeaders(count: parsed.headersCount, bytes: parsed.headers),
            sizeInBytes: parsed.sizeInBytes)
    }

    @inline(__always)
    func timestamp(of parsed: RecordCursor.Parsed) -> Int64 {
        switch header.attributes.timestampType {
        case .createTime: header.baseTimestamp &+ parsed.timestampDelta
        case .logAppendTime: header.maxTimestamp
        }
    }

    @inline(__always)
    mutating func nextParsed() throws(RecordError) -> RecordCursor.Parsed? {
        guard index < Int(header.recordsCount) else {
            try checkEnd()
            return nil
        }
        if inflation != nil { try loadRecord() }
        let start = cursor
        do throws(RecordDefect) {
            let parsed = try cursor.readRecord()
            index += 1
            return parsed
        } catch {
            throw failure(error, start)
        }
    }

    /// Passes over records whose offsets follow each other, for as long as they are plain (`RecordCursor.skip`) and their
    /// timestamps are in the range; returns how many. Raises `latest` to the largest timestamp. None of a compressed batch,
    /// nor of one whose timestamps are the broker's.
    mutating func skipPlain(needsKey: Bool, timestamps: ClosedRange<Int64>, latest: inout Int64) -> Int {
        guard inflation == nil, header.attributes.timestampType == .createTime else { return 0 }
        let count = cursor.skip(
            RecordCursor.PlainRecords(
                limit: Int(header.recordsCount) - index, firstDelta: index, needsKey: needsKey,
                baseTimestamp: header.baseTimestamp, timestamps: timestamps),
            latest: &latest)
        index += count
        return count
    }

    @inline(never)
    private func failure(_ defect: RecordDefect, _ start: RecordCursor) -> RecordError {
        let available = start.end - start.position
        // Running out between two records is a wrong count, inside one a damaged record.
        if available == 0 { return .wrongRecordCount(expected: Int(header.recordsCount), found: index) }
        if defect == .truncated, let size = try? start.nextRecordSize(), size <= available {
            // The record is all there, but its parts run over its own end.
            return .invalidRecord(index: index, .wrongLength)
        }
        return .invalidRecord(index: index, defect)
    }

    private mutating func checkEnd() throws(RecordError) {
        guard cursor.position == cursor.end, header.recordsCount >= 0, try inflation?.more() != true else {
            throw .wrongRecordCount(expected: Int(header.recordsCount), found: index + 1)
        }
    }

    /// Inflates until the window holds the next record whole, or the end is reached.
    @inline(never)
    private mutating func loadRecord() throws(RecordError) {
        if try holdsWholeRecord() { return }
        inflation?.consume(windowCount - (cursor.end - cursor.position))
        var goesOn = true
        while goesOn {
            goesOn = try inflation?.more() ?? false
            // The window may have moved even where nothing came.
            guard let unread = inflation?.unread, let base = unread.baseAddress else { return }
            windowCount = unread.count
            cursor = RecordCursor(position: base, end: base + unread.count)
            if try holdsWholeRecord() { return }
        }
    }

    private func holdsWholeRecord() throws(RecordError) -> Bool {
        do throws(RecordDefect) {
            guard let size = try cursor.nextRecordSize() else { return false }
            if cursor.end - cursor.position >= size { return true }
            if size <= recordLimit { return false }
        } catch {
            throw .invalidRecord(index: index, error)
        }
        throw .inflatesTooLarge(limit: recordLimit)
    }
}
