// SPDX-License-Identifier: Apache-2.0
import KafkaRecords
import KafkaRuntime

/// Prints a time index (`.timeindex`): entries of int64 timestamp and int32 offset, relative to the segment's base.
///
/// Each entry is held against the log: a batch with that last offset must exist, its largest timestamp be the entry's,
/// and the timestamps must grow.
struct TimeIndexDumper {
    let index: IndexDumper

    private static let entrySize = 12

    private struct Entry {
        let timestamp: Int64
        let offset: Int64

        init(_ bytes: UnsafeRawBufferPointer, _ base: Int64) {
            timestamp = Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
            offset = base &+ Int64(Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: Int32.self)))
        }
    }

    func dump(_ path: LogDumper.Path, _ findings: inout DumpFindings) throws(FileError) -> Bool {
        let file = try index.files.open(path.given, .read)
        defer { file.close() }
        guard let base = SegmentDumper.baseOffset(path.name) else {
            index.errors.line("\(path.given): the name does not begin with an offset")
            return false
        }
        if index.options.checksIndexSanityOnly { return try checkSanity(file, base, path) }
        let log = try index.openLog(beside: path)
        defer { log?.close() }
        let offsets = try index.open(path, suffix: ".index", "its entries are looked up from the start of the log")
        defer { offsets?.close() }
        var lookup = PositionLookup(offsets, base: base)
        var entries = IndexEntries(file, entrySize: Self.entrySize, size: try file.size())
        var previous: Int64 = -1
        while let bytes = try entries.next() {
            let entry = Entry(bytes, base)
            if let log { try check(entry, previous, log, try lookup.position(of: entry.offset), path, &findings) }
            if !index.options.verifiesIndexOnly {
                index.output.line("timestamp: \(entry.timestamp) offset: \(entry.offset)")
            }
            previous = entry.timestamp
        }
        return log != nil && offsets != nil
    }

    private func check(
        _ entry: Entry, _ previous: Int64, _ log: any File, _ position: Int64, _ path: LogDumper.Path,
        _ findings: inout DumpFindings
    ) throws(FileError) {
        var stream = LogFileStream(log, from: position, to: try log.size())
        while let batch = try stream.next() {
            let lastOffset = Self.lastOffset(batch)
            if lastOffset < entry.offset { continue }
            guard lastOffset == entry.offset else {
                return findings.offsetsNotFound.add(path.absolute, entry.offset, lastOffset)
            }
            let timestamp = Self.maxTimestamp(batch)
            if timestamp != entry.timestamp {
                findings.timeMismatches.add(path.absolute, entry.timestamp, timestamp)
            }
            if previous >= entry.timestamp { findings.unorderedTimes.add(path.absolute, entry.timestamp, previous) }
            return
        }
        findings.offsetsNotFound.add(path.absolute, entry.offset, -1)
    }

    private static func lastOffset(_ entry: LogFileStream.Entry) -> Int64 {
        if entry.header.magic < 2 { return entry.header.offset }
        return (try? RecordBatchHeader(parsing: entry.bytes))?.lastOffset ?? entry.header.offset
    }

    /// The largest timestamp of the records themselves, as far as they can be read; −1 for none.
    private static func maxTimestamp(_ entry: LogFileStream.Entry) -> Int64 {
        var largest: Int64 = -1
        do throws(RecordError) {
            if entry.header.magic < 2 {
                let message = try LegacyMessage(parsing: entry.bytes)
                try LegacyMessageSet.forEachMessage(in: message, checksums: .ignore) {
                    largest = max(largest, $0.timestamp)
                }
            } else {
                let batch = try RecordBatch(bytes: entry.bytes)
                try batch.forEachRecord(inflateLimit: Int(Int32.max)) { largest = max(largest, $0.timestamp) }
            }
        } catch {
            // The log's own dump tells what is wrong with the batch.
            return largest
        }
        return largest
    }

    private func checkSanity(_ file: any File, _ base: Int64, _ path: LogDumper.Path) throws(FileError) -> Bool {
        let size = try file.size()
        var problem: String?
        if size % Int64(Self.entrySize) != 0 {
            problem = "the size \(size) is not a multiple of \(Self.entrySize)"
        } else if size > 0 {
            let first = try file.readBytes(at: 0, count: Self.entrySize).withUnsafeBytes { Entry($0, base) }
            let last = try file.readBytes(at: size - Int64(Self.entrySize), count: Self.entrySize).withUnsafeBytes {
                Entry($0, base)
            }
            if last.timestamp < first.timestamp {
                problem = "the last timestamp \(last.timestamp) is below the first \(first.timestamp)"
            } else if last.offset < base {
                problem = "the last offset \(last.offset) is below the segment's base \(base)"
            }
        }
        if let problem {
            index.errors.line("\(path.given): \(problem)")
            return false
        }
        index.output.line("\(path.given) passed sanity check.")
        return true
    }
}

/// Finds positions through an offset index for offsets that ascend, in one pass.
private struct PositionLookup: ~Copyable {
    private var entries: IndexEntries?
    private let base: Int64
    private var floor = IndexDumper.Entry(offset: .min, position: 0)
    private var ahead: IndexDumper.Entry?

    init(_ file: (any File)?, base: Int64) {
        self.base = base
        if let file, let size = try? file.size() {
            entries = IndexEntries(file, entrySize: IndexDumper.entrySize, size: size)
        }
    }

    /// The position of the last entry not above `offset`; 0 where there is none, or where the offsets do not ascend.
    mutating func position(of offset: Int64) throws(FileError) -> Int64 {
        if floor.offset > offset { return 0 }
        while true {
            if ahead == nil, let bytes = try entries?.next() { ahead = IndexDumper.parse(bytes, base) }
            guard let next = ahead, next.offset <= offset else { return max(floor.position, 0) }
            floor = next
            ahead = nil
        }
    }
}
