// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// `.index`: where in the segment's log file some of the batches begin.
///
/// Entry, 8 bytes: int32 offset less the segment's base offset, int32 position of a batch. The offset is that of the
/// *last* record in the batch. Both ascend strictly. Confined to the log's lock; crash behaviour as `IndexFile`.
struct OffsetIndex: Sendable {
    static let entrySize = 8

    struct Entry: Equatable, Sendable {
        var offset: Int64
        var position: Int64
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
    var isFull: Bool { file.count >= file.maximumEntries }
    var needsRoom: Bool { file.needsRoom }
    var isPreallocated: Bool { file.isPreallocated }

    mutating func create(_ files: any FileSystem) throws(FileError) {
        cachedLast = nil
        try file.create(files)
        cachedLast = Entry(offset: baseOffset, position: 0)
    }

    mutating func load(_ files: any FileSystem) throws(FileError) {
        try file.load(files) { $0.loadUnaligned(as: Int32.self) == 0 }
    }

    mutating func assumeEmpty() {
        file.assumeEmpty()
        cachedLast = Entry(offset: baseOffset, position: 0)
    }

    func check(segmentBytes: Int64, _ files: any FileSystem) throws(FileError) {
        var last = Entry(offset: baseOffset, position: 0)
        try file.check(files) { bytes in
            let entry = Self.decode(bytes, baseOffset)
            defer { last = entry }
            return entry.offset > last.offset && entry.position > last.position && entry.position < segmentBytes
        }
    }

    private static func decode(_ entry: UnsafeRawPointer, _ baseOffset: Int64) -> Entry {
        Entry(
            offset: baseOffset + Int64(Int32(bigEndian: entry.loadUnaligned(as: Int32.self))),
            position: Int64(Int32(bigEndian: entry.loadUnaligned(fromByteOffset: 4, as: Int32.self))))
    }

    /// Whether the file must be made anew.
    var isDistrusted: Bool { file.isDistrusted }

    private mutating func entry(_ index: Int, _ files: any FileSystem) throws(FileError) -> Entry? {
        let base = baseOffset
        return try file.withEntry(index, files) { Self.decode($0, base) }
    }

    /// The last entry; (base offset, 0) where there is none.
    mutating func lastEntry(_ files: any FileSystem) throws(FileError) -> Entry {
        if let cachedLast { return cachedLast }
        try load(files)
        var last: Entry?
        while last == nil, file.count > 0 { last = try entry(file.count - 1, files) }
        cachedLast = last ?? Entry(offset: baseOffset, position: 0)
        return cachedLast!
    }

    /// The entry with the largest offset not above `offset`; (base offset, 0) where there is none.
    mutating func lookup(_ offset: Int64, _ files: any FileSystem) throws(FileError) -> Entry {
        try load(files)
        // A target beyond the range of the format is above all entries.
        let target = Int32(clamping: offset - baseOffset)
        let base = baseOffset
        let found = try file.lastEntry(files) {
            Int32(bigEndian: $0.loadUnaligned(as: Int32.self)) <= target
        } _: {
            Self.decode($0, base)
        }
        guard let found else { return Entry(offset: baseOffset, position: 0) }
        // A batch at the front of the segment has an entry only as the first, if any.
        if found.index > 0, found.entry.position <= 0 { file.distrust() }
        return found.entry
    }

    /// The first entry whose batch begins at `position` or behind it; nil where there is none.
    mutating func entry(notBefore position: Int64, _ files: any FileSystem) throws(FileError) -> Entry? {
        try load(files)
        let target = Int32(clamping: position)
        let before = try file.lastEntry(files) {
            Int32(bigEndian: $0.loadUnaligned(fromByteOffset: 4, as: Int32.self)) < target
        } _: { _ in
        }
        let index = before.map { $0.index + 1 } ?? 0
        return index < file.count ? try entry(index, files) : nil
    }

    /// Adds an entry. `offset` must be above the last one's and in range of the base.
    mutating func append(offset: Int64, position: Int64) {
        precondition(!isFull, "an index entry is added only where there is room")
        precondition(
            cachedLast == nil || count == 0 || (offset > cachedLast!.offset && position > cachedLast!.position),
            "index entries ascend")
        let relative = Int32(offset - baseOffset)
        let place = Int32(position)
        file.append {
            $0.storeBytes(of: relative.bigEndian, as: Int32.self)
            $0.storeBytes(of: place.bigEndian, toByteOffset: 4, as: Int32.self)
        }
        cachedLast = Entry(offset: offset, position: position)
    }

    mutating func writePending(_ files: any FileSystem) throws(FileError) { try file.writePending(files) }

    /// Drops the entries at and above `offset`.
    mutating func truncate(to offset: Int64, _ files: any FileSystem) throws(FileError) {
        try load(files)
        let target = offset - baseOffset
        let kept = try file.lastEntry(files) {
            Int64(Int32(bigEndian: $0.loadUnaligned(as: Int32.self))) < target
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
