// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// `.timeindex`: from which offset on some timestamps were exceeded.
///
/// Entry, 12 bytes: int64 timestamp, int32 offset less the segment's base offset. The timestamp is the largest in the
/// segment so far, the offset the last of the batch that carries it; both ascend. Confined to the log's lock; crash
/// behaviour as `IndexFile`.
struct TimeIndex: Sendable {
    static let entrySize = 12

    struct Entry: Equatable, Sendable {
        /// −1 for none.
        var timestamp: Int64
        var offset: Int64
    }

    let baseOffset: Int64
    private var file: IndexFile
    private var cachedLast: Entry?

    init(path: String, baseOffset: Int64, maximumBytes: Int) {
        self.baseOffset = baseOffset
        file = IndexFile(path: path, entrySize: Self.entrySize, maximumBytes: maximumBytes)
    }

    var path: String {
        get { file.path }
        set { file.path = newValue }
    }
    var count: Int { file.count }
    /// One entry is kept free for the one that is added at roll.
    var isFull: Bool { file.count >= file.maximumEntries - 1 }
    var needsRoom: Bool { file.needsRoom }
    var isPreallocated: Bool { file.isPreallocated }

    mutating func create(_ files: any FileSystem) throws(FileError) {
        cachedLast = nil
        try file.create(files)
        cachedLast = Entry(timestamp: -1, offset: baseOffset)
    }

    mutating func load(_ files: any FileSystem) throws(FileError) {
        // A timestamp of 0 behind another entry is only possible in the zeros of a file that was not cut.
        try file.load(files) { entry in
            entry.loadUnaligned(as: Int64.self) == 0 && entry.loadUnaligned(fromByteOffset: 8, as: Int32.self) == 0
        }
    }

    mutating func assumeEmpty() {
        file.assumeEmpty()
        cachedLast = Entry(timestamp: -1, offset: baseOffset)
    }

    func check(_ files: any FileSystem) throws(FileError) {
        var last = Entry(timestamp: -1, offset: baseOffset)
        try file.check(files) { bytes in
            let entry = Self.decode(bytes, baseOffset)
            defer { last = entry }
            // A page that did not reach the disk reads as zeros, which would ascend where there is one entry.
            let isZero = entry.timestamp == 0 && entry.offset == baseOffset
            return entry.timestamp > last.timestamp && entry.offset >= last.offset && !isZero
        }
    }

    private static func decode(_ entry: UnsafeRawPointer, _ baseOffset: Int64) -> Entry {
        Entry(
            timestamp: Int64(bigEndian: entry.loadUnaligned(as: Int64.self)),
            offset: baseOffset + Int64(Int32(bigEndian: entry.loadUnaligned(fromByteOffset: 8, as: Int32.self))))
    }

    /// Whether the file must be made anew.
    var isDistrusted: Bool { file.isDistrusted }

    /// The last entry; (−1, base offset) where there is none.
    mutating func lastEntry(_ files: any FileSystem) throws(FileError) -> Entry {
        if let cachedLast { return cachedLast }
        try load(files)
        let base = baseOffset
        var last: Entry?
        while last == nil, file.count > 0 {
            last = try file.withEntry(file.count - 1, files) { Self.decode($0, base) }
        }
        cachedLast = last ?? Entry(timestamp: -1, offset: baseOffset)
        return cachedLast!
    }

    /// The entry with the largest timestamp not above `timestamp`; (−1, base offset) where there is none.
    mutating func lookup(_ timestamp: Int64, _ files: any FileSystem) throws(FileError) -> Entry {
        try load(files)
        let base = baseOffset
        let found = try file.lastEntry(files) {
            Int64(bigEndian: $0.loadUnaligned(as: Int64.self)) <= timestamp
        } _: {
            Self.decode($0, base)
        }
        return found?.entry ?? Entry(timestamp: -1, offset: baseOffset)
    }

    /// Adds an entry where `timestamp` is above the last one's; does nothing otherwise, or where the file is full.
    /// The last entry must have been asked for before.
    ///
    /// - Parameter closing: the segment gets its last entry, for which one place is kept.
    mutating func appendIfGrown(timestamp: Int64, offset: Int64, closing: Bool = false) {
        guard let last = cachedLast else { preconditionFailure("an index is loaded before it grows") }
        guard timestamp > last.timestamp, offset >= last.offset || count == 0 else { return }
        guard closing ? file.count < file.maximumEntries : !isFull else { return }
        let relative = Int32(offset - baseOffset)
        file.append {
            $0.storeBytes(of: timestamp.bigEndian, as: Int64.self)
            $0.storeBytes(of: relative.bigEndian, toByteOffset: 8, as: Int32.self)
        }
        cachedLast = Entry(timestamp: timestamp, offset: offset)
    }

    mutating func writePending(_ files: any FileSystem) throws(FileError) { try file.writePending(files) }

    /// Drops the entries at and above `offset`.
    mutating func truncate(to offset: Int64, _ files: any FileSystem) throws(FileError) {
        try load(files)
        let target = offset - baseOffset
        let kept = try file.lastEntry(files) {
            Int64(Int32(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: Int32.self))) < target
        } _: { _ in
        }
        cachedLast = nil
        try file.truncate(toCount: kept.map { $0.index + 1 } ?? 0, files)
    }

    mutating func trim(_ files: any FileSystem) throws(FileError) {
        try load(files)
        try file.trim(files)
    }

    mutating func release() { file.release() }
    mutating func setMaximumBytes(_ bytes: Int) { file.setMaximumBytes(bytes) }
}
