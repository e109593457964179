// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// The file under a sparse index: entries of one size, appended in order, searched by halving.
///
/// The file of the segment that is written has its full size from the start, as a hole, and is cut to its entries when
/// the segment rolls or closes. Entries reach it by ordinary writes, some at a time, and are read through a map: a
/// store into a mapped hole would stop the process when the disk is full, a write gives an error. Nothing is opened
/// or mapped before it is needed, and no descriptor is kept.
///
/// After a crash the file may lack entries or end in zeros; recovery rebuilds it. Confined to the log's lock.
struct IndexFile: Sendable {
    /// Entries kept in memory before they are written together. They double as the warm part of a search.
    private static let pendingCapacity = 128
    /// The part at the end that a search tries first: entries there are in the cache when the tail is read.
    private static let warmBytes = 8192
    private static let smallestMapBytes = 64 << 10

    var path: String
    let entrySize: Int
    /// The size of the file while its segment is written, in bytes: a whole number of entries.
    private(set) var maximumBytes: Int
    private(set) var count = 0
    private var isLoaded = false
    private var writtenCount = 0
    private var pending: [UInt8] = []
    private var mapping: (any MappedFile)?
    /// Whether the file has, or may have, more bytes than entries.
    private(set) var isPreallocated = false

    init(path: String, entrySize: Int, maximumBytes: Int) {
        self.path = path
        self.entrySize = entrySize
        self.maximumBytes = maximumBytes / entrySize * entrySize
    }

    var maximumEntries: Int { maximumBytes / entrySize }
    var byteCount: Int { count * entrySize }

    // MARK: Opening

    /// Makes an empty file of full size; what was there is gone.
    mutating func create(_ files: any FileSystem) throws(FileError) {
        let file = try files.open(path, .readWriteCreate)
        defer { file.close() }
        forget()
        isPreallocated = true
        try file.truncate(to: 0)
        try file.truncate(to: Int64(maximumBytes))
        isLoaded = true
    }

    /// Learns how many entries the file has; one that is missing has none. `isZero` says whether an entry that is not
    /// the first is only the zeros of a file that was not cut to size.
    mutating func load(
        _ files: any FileSystem, isZero: (UnsafeRawBufferPointer) -> Bool
    ) throws(FileError) {
        if isLoaded { return }
        let file: any File
        do throws(FileError) {
            file = try files.open(path, .read)
        } catch {
            guard error.kind == .notFound else { throw error }
            isLoaded = true
            return
        }
        defer { file.close() }
        let size = try file.size()
        var entries = Int(clamping: size) / entrySize
        isPreallocated = size != Int64(entries * entrySize)
        if entries > 1, try isZeroEntry(entries - 1, file, isZero) {
            // Entries ascend, so that the zeros stand together at the end.
            isPreallocated = true
            var lower = 1
            var upper = entries - 1
            while lower < upper {
                let middle = (lower + upper) / 2
                if try isZeroEntry(middle, file, isZero) { upper = middle } else { lower = middle + 1 }
            }
            entries = lower
        }
        writtenCount = entries
        count = entries
        isLoaded = true
    }

    /// Takes the file for empty, or missing, without opening it. What it really holds is overwritten, or cut off when
    /// it is trimmed.
    mutating func assumeEmpty() {
        forget()
        isPreallocated = false
        isLoaded = true
    }

    /// Reads the file from its first byte to its last and shows every entry to `isGood`; throws where it says no, or
    /// the file has no whole number of entries.
    func check(_ files: any FileSystem, isGood: (UnsafeRawPointer) -> Bool) throws(FileError) {
        let file = try files.open(path, .read)
        defer { file.close() }
        let size = try file.size()
        var position: Int64 = 0
        while position < size {
            let chunk = try file.readBytes(at: position, count: Int(min(size - position, Int64(4096 * entrySize))))
            let isChunkGood = chunk.withUnsafeBytes { bytes in
                bytes.count % entrySize == 0 && !bytes.isEmpty
                    && stride(from: 0, to: bytes.count, by: entrySize).allSatisfy { isGood(bytes.baseAddress! + $0) }
            }
            guard isChunkGood else { throw FileError(.inputOutput, operation: "check of entries", path: path) }
            position += Int64(chunk.count)
        }
    }

    private func isZeroEntry(
        _ index: Int, _ file: any File, _ isZero: (UnsafeRawBufferPointer) -> Bool
    ) throws(FileError) -> Bool {
        let bytes = try file.readBytes(at: Int64(index * entrySize), count: entrySize)
        return bytes.withUnsafeBytes(isZero)
    }

    private mutating func forget() {
        mapping = nil
        pending = []
        writtenCount = 0
        count = 0
    }

    // MARK: Reading

    /// Shows `body` the bytes of one entry.
    mutating func withEntry<R>(
        _ index: Int, _ files: any FileSystem, _ body: (UnsafeRawPointer) -> R
    ) throws(FileError) -> R {
        precondition(index >= 0 && index < count, "the entry must exist")
        if index >= writtenCount {
            return pending.withUnsafeBytes { body($0.baseAddress! + (index - writtenCount) * entrySize) }
        }
        return body(try mapped(files) + index * entrySize)
    }

    /// Shows `body` the bytes of the last entry, without mapping the file for it.
    mutating func withLastEntry<R>(
        _ files: any FileSystem, _ body: (UnsafeRawPointer) -> R
    ) throws(FileError) -> R {
        if !pending.isEmpty || mapping != nil { return try withEntry(count - 1, files, body) }
        let file = try files.open(path, .read)
        defer { file.close() }
        let bytes = try file.readBytes(at: Int64((count - 1) * entrySize), count: entrySize)
        guard bytes.count == entrySize else {
            throw FileError(.inputOutput, operation: "read (the file became shorter)", path: path)
        }
        return bytes.withUnsafeBytes { body($0.baseAddress!) }
    }

    /// The last entry for which `isAtMost` holds, given that it holds for a first part of the entries and no others;
    /// nil where it holds for none.
    mutating func lastEntry(
        _ files: any FileSystem, where isAtMost: (UnsafeRawPointer) -> Bool
    ) throws(FileError) -> Int? {
        var lower = 0
        var upper = count
        for start in [writtenCount, count - Self.warmBytes / entrySize] where start > lower && start < upper {
            if try withEntry(start, files, isAtMost) { lower = start } else { upper = start }
        }
        while lower < upper {
            let middle = (lower + upper) / 2
            if try withEntry(middle, files, isAtMost) { lower = middle + 1 } else { upper = middle }
        }
        return lower == 0 ? nil : lower - 1
    }

    /// The address of the entries in the file, all of which are mapped.
    private mutating func mapped(_ files: any FileSystem) throws(FileError) -> UnsafeRawPointer {
        let needed = writtenCount * entrySize
        if let mapping, mapping.bytes.count >= needed { return UnsafeRawPointer(mapping.bytes.baseAddress!) }
        mapping = nil
        let file = try files.open(path, .read)
        defer { file.close() }
        let size = try file.size()
        guard size >= Int64(needed) else {
            throw FileError(.inputOutput, operation: "map (the file became shorter)", path: path)
        }
        var length = Self.smallestMapBytes
        while length < needed { length *= 2 }
        let map = try file.map(length: Int(min(Int64(length), size)))
        mapping = map
        return UnsafeRawPointer(map.bytes.baseAddress!)
    }

    // MARK: Writing

    /// Whether the next `append` needs `makeRoom` first.
    var needsRoom: Bool { pending.count >= Self.pendingCapacity * entrySize }

    /// Writes the entries that are only in memory. To be called before bytes are appended to the log, so that a
    /// failure finds the log unchanged.
    mutating func writePending(_ files: any FileSystem) throws(FileError) {
        if pending.isEmpty { return }
        let file = try files.open(path, .readWriteCreate)
        defer { file.close() }
        if !isPreallocated {
            try file.truncate(to: Int64(max(maximumBytes, writtenCount * entrySize)))
            isPreallocated = true
        }
        try file.write(pending, at: Int64(writtenCount * entrySize))
        writtenCount = count
        pending.removeAll(keepingCapacity: true)
    }

    /// Adds an entry of `entrySize` bytes, which `fill` writes.
    mutating func append(_ fill: (UnsafeMutableRawPointer) -> Void) {
        precondition(isLoaded, "an index is loaded before it grows")
        withUnsafeTemporaryAllocation(byteCount: entrySize, alignment: 8) { entry in
            fill(entry.baseAddress!)
            pending.append(contentsOf: entry)
        }
        count += 1
    }

    /// Drops all entries from the one numbered `newCount` on.
    mutating func truncate(toCount newCount: Int, _ files: any FileSystem) throws(FileError) {
        guard newCount < count else { return }
        if newCount >= writtenCount {
            pending.removeLast((count - newCount) * entrySize)
            count = newCount
            return
        }
        pending.removeAll(keepingCapacity: true)
        mapping = nil
        let file = try files.open(path, .readWrite)
        defer { file.close() }
        // What was written stays counted until it is gone from the file.
        count = writtenCount
        try file.truncate(to: Int64(newCount * entrySize))
        isPreallocated = false
        writtenCount = newCount
        count = newCount
    }

    /// Writes what is pending and cuts the file to its entries; makes the file where there is none.
    mutating func trim(_ files: any FileSystem) throws(FileError) {
        try writePending(files)
        mapping = nil
        let file = try files.open(path, .readWriteCreate)
        defer { file.close() }
        try file.truncate(to: Int64(byteCount))
        isPreallocated = false
    }

    /// Changes the size that the file grows to.
    mutating func setMaximumBytes(_ bytes: Int) { maximumBytes = bytes / entrySize * entrySize }

    /// Gives the map back; it is made again when it is needed.
    mutating func release() { mapping = nil }
}
