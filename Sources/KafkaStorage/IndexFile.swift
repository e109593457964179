// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// The file under a sparse index: entries of one size, appended in order, searched by halving.
///
/// The file of the segment that is written has its full size from the start, as a hole, and is cut to its entries when
/// the segment rolls or closes. Entries reach it by ordinary writes, some at a time, and are read by ordinary reads: a
/// map would stop the process when the disk is full, fails, or somebody cuts the file; a call gives an error. Nothing
/// is opened before it is needed.
///
/// After a crash the file may lack entries or end in zeros; recovery rebuilds it. What is read from it is a hint, to be
/// held against the log: whoever damages the file must not change an answer. Confined to the log's lock.
struct IndexFile: Sendable {
    /// Entries kept in memory before they are written together. They double as the warm part of a search.
    private static let pendingCapacity = 128
    /// Entries that a search reads at once, when it has come so near.
    private static let pieceEntries = 512

    var path: String
    let entrySize: Int
    /// The size of the file while its segment is written, in bytes: a whole number of entries.
    private(set) var maximumBytes: Int
    private(set) var count = 0
    private var isLoaded = false
    private var writtenCount = 0
    private var pending: [UInt8] = []
    /// Open for reading while the segment is in use.
    private var file: (any File)?
    /// The entries that a search read last, from the one numbered `pieceStart` on: who reads a log from its beginning
    /// finds the next ones there.
    private var piece: [UInt8] = []
    private var pieceStart = 0
    /// Whether the file was not cut to its entries when it was loaded, has lost entries since, or gave nonsense. It has to
    /// be made anew, unless its segment is the one that a crash interrupted, whose index is made anew in any case.
    private(set) var isDistrusted = false
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
            let isEmpty = lower == 1 ? try isZeroEntry(0, file, isZero) : false
            entries = isEmpty ? 0 : lower
        }
        isDistrusted = isPreallocated
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
        release()
        isDistrusted = false
        pending = []
        writtenCount = 0
        count = 0
    }

    // MARK: Reading

    /// Shows `body` the bytes of one entry; nil where the file has lost it, which it then no longer counts.
    mutating func withEntry<R>(
        _ index: Int, _ files: any FileSystem, _ body: (UnsafeRawPointer) -> R
    ) throws(FileError) -> R? {
        precondition(index >= 0 && index < count, "the entry must exist")
        if index >= writtenCount {
            return pending.withUnsafeBytes { body($0.baseAddress! + (index - writtenCount) * entrySize) }
        }
        return try withWritten(index, count: 1, files) { body($0.baseAddress!) }
    }

    /// The last entry for which `isAtMost` holds, as `decode` makes it, and its number, given that it holds for a first
    /// part of the entries and no others; nil where it holds for none. What the file lost is left out: a search in a
    /// log may begin at any entry that is not too large.
    mutating func lastEntry<R>(
        _ files: any FileSystem, where isAtMost: (UnsafeRawPointer) -> Bool, _ decode: (UnsafeRawPointer) -> R
    ) throws(FileError) -> (index: Int, entry: R)? {
        if count > writtenCount, let found = lastPending(isAtMost, decode) { return found }
        if let found = lastInPiece(isAtMost, decode) { return found }
        // Each round ends with an answer or with fewer entries.
        while true {
            let before = writtenCount
            let found = try lastWritten(files, isAtMost, decode)
            if writtenCount == before { return found }
        }
    }

    private func lastPending<R>(
        _ isAtMost: (UnsafeRawPointer) -> Bool, _ decode: (UnsafeRawPointer) -> R
    ) -> (index: Int, entry: R)? {
        pending.withUnsafeBytes { bytes in
            last(in: bytes, isAtMost).map { (writtenCount + $0, decode(bytes.baseAddress! + $0 * entrySize)) }
        }
    }

    /// `lastEntry` of those read last; nil where it may be another.
    private func lastInPiece<R>(
        _ isAtMost: (UnsafeRawPointer) -> Bool, _ decode: (UnsafeRawPointer) -> R
    ) -> (index: Int, entry: R)? {
        piece.withUnsafeBytes { bytes in
            guard let index = last(in: bytes, isAtMost) else { return nil }
            let isLast = (index + 1) * entrySize == bytes.count
            if isLast, pieceStart + index + 1 < writtenCount { return nil }
            return (pieceStart + index, decode(bytes.baseAddress! + index * entrySize))
        }
    }

    /// `lastEntry` of those in the file. Where the file turns out to have fewer, so has the index afterwards.
    private mutating func lastWritten<R>(
        _ files: any FileSystem, _ isAtMost: (UnsafeRawPointer) -> Bool, _ decode: (UnsafeRawPointer) -> R
    ) throws(FileError) -> (index: Int, entry: R)? {
        var lower = 0
        var upper = writtenCount
        // The end is asked for most.
        var middle = max(upper - Self.pieceEntries, (lower + upper) / 2)
        while upper - lower > Self.pieceEntries {
            guard let isLow = try withWritten(middle, count: 1, files, { isAtMost($0.baseAddress!) }) else {
                return nil
            }
            if isLow { lower = middle } else { upper = middle }
            middle = (lower + upper) / 2
        }
        guard upper > lower else { return nil }
        var read = piece
        piece = []
        read.removeAll(keepingCapacity: true)
        let isThere: Void? = try withWritten(lower, count: min(Self.pieceEntries, writtenCount - lower), files) {
            read.append(contentsOf: $0)
        }
        guard isThere != nil else { return nil }
        piece = read
        pieceStart = lower
        return piece.withUnsafeBytes { bytes in
            last(in: bytes, isAtMost).map { (lower + $0, decode(bytes.baseAddress! + $0 * entrySize)) }
        }
    }

    /// The number of the last entry in `bytes` for which `isAtMost` holds.
    private func last(in bytes: UnsafeRawBufferPointer, _ isAtMost: (UnsafeRawPointer) -> Bool) -> Int? {
        var lower = 0
        var upper = bytes.count / entrySize
        while lower < upper {
            let middle = (lower + upper) / 2
            if isAtMost(bytes.baseAddress! + middle * entrySize) { lower = middle + 1 } else { upper = middle }
        }
        return lower == 0 ? nil : lower - 1
    }

    /// Shows `body` the bytes of entries in the file. Where they are not all there any more the index forgets what is
    /// not, and the answer is nil.
    private mutating func withWritten<R>(
        _ index: Int, count wanted: Int, _ files: any FileSystem, _ body: (UnsafeRawBufferPointer) -> R
    ) throws(FileError) -> R? {
        guard let file = try reader(files) else {
            lose(from: 0)
            return nil
        }
        let (position, length) = (Int64(index * entrySize), wanted * entrySize)
        let (outcome, read) = withUnsafeTemporaryAllocation(byteCount: length, alignment: 8) {
            buffer -> (Result<R?, FileError>, Int) in
            do throws(FileError) {
                let read = try file.read(into: buffer, at: position)
                return (.success(read == length ? body(UnsafeRawBufferPointer(buffer)) : nil), read)
            } catch {
                return (.failure(error), 0)
            }
        }
        let result = try outcome.get()
        if read < length { lose(from: index + read / entrySize) }
        return result
    }

    /// The file to read from; nil where it is gone.
    private mutating func reader(_ files: any FileSystem) throws(FileError) -> (any File)? {
        if let file { return file }
        do throws(FileError) {
            file = try files.open(path, .read)
        } catch {
            guard error.kind == .notFound else { throw error }
        }
        return file
    }

    /// Somebody cut the file: what was behind is gone, and what is only in memory cannot follow it.
    private mutating func lose(from index: Int) {
        piece = []
        pending.removeAll()
        writtenCount = min(writtenCount, index)
        count = writtenCount
        isPreallocated = false
        isDistrusted = true
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
        piece = []
        pending.removeAll(keepingCapacity: true)
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
        let file = try files.open(path, .readWriteCreate)
        defer { file.close() }
        try file.truncate(to: Int64(byteCount))
        isPreallocated = false
    }

    /// Changes the size that the file grows to.
    mutating func setMaximumBytes(_ bytes: Int) { maximumBytes = bytes / entrySize * entrySize }

    mutating func distrust() { isDistrusted = true }

    /// Lets go of the file; it is opened again when it is needed.
    mutating func release() {
        file = nil
        piece = []
    }
}
