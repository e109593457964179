// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime

/// Prints an offset index (`.index`): entries of int32 offset, relative to the segment's base, and int32 position.
///
/// Each entry is held against the log beside it: the batch at the position must have the entry's offset as its last.
struct IndexDumper {
    let options: DumpOptions
    let files: any FileSystem
    let output: TextSink
    let errors: TextSink

    static let entrySize = 8

    struct Entry {
        let offset: Int64
        let position: Int64
    }

    func dump(_ path: LogDumper.Path, _ findings: inout DumpFindings) throws(FileError) -> Bool {
        let file = try files.open(path.given, .read)
        defer { file.close() }
        guard let base = SegmentDumper.baseOffset(path.name) else {
            errors.line("\(path.given): the name does not begin with an offset")
            return false
        }
        if options.checksIndexSanityOnly { return try checkSanity(file, base, path) }
        var entries = IndexEntries(file, entrySize: Self.entrySize, size: try file.size())
        guard let first = try entries.next() else {
            if options.form == .current { output.line("\(path.given) is empty.") }
            return true
        }
        let log = try openLog(beside: path)
        defer { log?.close() }
        var next: UnsafeRawBufferPointer? = first
        while let bytes = next {
            let entry = Self.parse(bytes, base)
            if let log, let found = try lastOffset(in: log, at: entry.position), found != entry.offset {
                findings.indexMismatches.add(path.absolute, entry.offset, found)
            }
            if !options.verifiesIndexOnly { output.line("offset: \(entry.offset) position: \(entry.position)") }
            next = try entries.next()
        }
        return log != nil
    }

    /// The log that the index belongs to; tells that it is missing.
    func openLog(beside path: LogDumper.Path) throws(FileError) -> (any File)? {
        try open(path, suffix: ".log", "its entries are not checked")
    }

    func open(_ path: LogDumper.Path, suffix: String, _ consequence: String) throws(FileError) -> (any File)? {
        guard let dot = path.given.lastIndex(of: ".") else { return nil }
        let other = path.given[..<dot] + suffix
        do throws(FileError) {
            return try files.open(String(other), .read)
        } catch {
            guard error.kind == .notFound else { throw error }
            errors.line("\(path.given): \(other) is not there, \(consequence)")
            return nil
        }
    }

    /// What the broker checks at its start, before it decides to build an index anew.
    private func checkSanity(_ file: any File, _ base: Int64, _ path: LogDumper.Path) throws(FileError) -> Bool {
        let size = try file.size()
        guard size % Int64(Self.entrySize) == 0 else {
            errors.line("\(path.given): the size \(size) is not a multiple of \(Self.entrySize)")
            return false
        }
        if size > 0 {
            let last = try file.readBytes(at: size - Int64(Self.entrySize), count: Self.entrySize)
            let offset = last.withUnsafeBytes { Self.parse($0, base).offset }
            guard offset >= base else {
                errors.line("\(path.given): the last offset \(offset) is below the segment's base \(base)")
                return false
            }
        }
        output.line("\(path.given) passed sanity check.")
        return true
    }

    static func parse(_ bytes: UnsafeRawBufferPointer, _ base: Int64) -> Entry {
        Entry(
            offset: base &+ Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self))),
            position: Int64(Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: Int32.self))))
    }

    /// The last offset of the batch at `position`; −1 where there is none within the size that a batch may have.
    private func lastOffset(in log: any File, at position: Int64) throws(FileError) -> Int64? {
        let size = try log.size()
        guard position >= 0, position <= size else { return -1 }
        let bytes = try log.readBytes(at: position, count: RecordBatchHeader.size)
        let left = min(Int(min(size - position, Int64(Int32.max))), options.maxMessageSize)
        return bytes.withUnsafeBytes { bytes in
            guard let header = try? LogEntryHeader(parsing: bytes), header.sizeInBytes <= left else { return -1 }
            if header.magic < 2 { return header.offset }
            return (try? RecordBatchHeader(parsing: bytes))?.lastOffset ?? -1
        }
    }
}

/// The entries of an index file up to its zero tail, read in pieces.
///
/// An active segment's index is preallocated, and after a crash it stays so: from the second entry on one that is all
/// zeros ends the index. Two at the front mean that it has none.
struct IndexEntries: ~Copyable {
    private static let pieceEntries = 8192

    private let file: any File
    private let entrySize: Int
    private let count: Int64
    private var index: Int64 = 0
    private var piece: [UInt8] = []
    private var pieceStart: Int64 = 0
    private var entry: UnsafeMutableRawBufferPointer

    init(_ file: any File, entrySize: Int, size: Int64) {
        self.file = file
        self.entrySize = entrySize
        count = size / Int64(entrySize)
        entry = .allocate(byteCount: entrySize, alignment: 8)
    }

    deinit { entry.deallocate() }

    /// The next entry's bytes, valid until the next call; nil at the end.
    mutating func next() throws(FileError) -> UnsafeRawBufferPointer? {
        guard let current = try bytes(at: index) else { return nil }
        if current.allSatisfy({ $0 == 0 }) {
            if index > 0 { return nil }
            if let second = try bytes(at: 1), second.allSatisfy({ $0 == 0 }) { return nil }
        }
        entry.copyBytes(from: current)
        index += 1
        return UnsafeRawBufferPointer(entry)
    }

    private mutating func bytes(at index: Int64) throws(FileError) -> ArraySlice<UInt8>? {
        guard index < count else { return nil }
        let size = Int64(entrySize)
        if index < pieceStart || (index - pieceStart + 1) * size > Int64(piece.count) {
            piece = try file.readBytes(at: index * size, count: Self.pieceEntries * entrySize)
            pieceStart = index
        }
        let start = Int((index - pieceStart) * size)
        guard start + entrySize <= piece.count else { return nil }
        return piece[start..<(start + entrySize)]
    }
}
