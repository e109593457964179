// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRuntime

/// `.txnindex`: the transactions that were aborted by a marker in the segment, in the order of their markers.
///
/// The file is made with its first entry; segments without aborted transactions have none. Entries are written as they
/// come, and read when somebody reads committed records. No descriptor is kept, and the path is the segment's to know.
/// Confined to the log's lock.
struct TransactionIndex: Sendable {
    private static let entrySize = AbortedTransaction.entrySize
    /// Entries read at once.
    private static let pieceEntries = 128

    private(set) var count = 0
    /// The marker's offset of the last entry, −1 where there is none.
    private(set) var lastOffset: Int64 = -1
    /// Whether `count` is known: always, unless the segment was found with such a file.
    private(set) var isLoaded = true
    /// Whether there is, or may be, a file.
    private(set) var mayHaveFile = false

    var byteCount: Int { count * Self.entrySize }

    // MARK: Opening

    /// Notes that there is a file which was not looked at.
    mutating func noteFile() {
        removeAll()
        isLoaded = false
        mayHaveFile = true
    }

    /// Checks every entry of the file: whole, in order, and with a marker in `segment`. Throws `corrupt` where one is
    /// not as it should be; the index then has what stands before it.
    mutating func load(
        _ path: String, within segment: Range<Int64>, _ files: any FileSystem
    ) throws(StorageError) {
        if isLoaded { return }
        removeAll()
        let file: any File
        do throws(FileError) {
            file = try files.open(path, .read)
        } catch {
            guard error.kind == .notFound else { throw .io(error) }
            return
        }
        defer { file.close() }
        let size = try storing { () throws(FileError) in try file.size() }
        while Int64(byteCount) < size {
            let piece = try read(file, from: count)
            if piece.isEmpty {
                throw .corrupt(path: path, position: Int64(byteCount), reason: "\(size) bytes are no whole entries")
            }
            for entry in piece {
                guard let entry, entry.lastOffset > lastOffset, segment.contains(entry.lastOffset) else {
                    throw .corrupt(path: path, position: Int64(byteCount), reason: "not an aborted transaction")
                }
                count += 1
                lastOffset = entry.lastOffset
            }
        }
    }

    /// The whole entries from the one numbered `index` on, at most `pieceEntries`; nil for one that makes no sense.
    private func read(_ file: any File, from index: Int) throws(StorageError) -> [AbortedTransaction?] {
        let bytes = try storing { () throws(FileError) in
            try file.readBytes(at: Int64(index * Self.entrySize), count: Self.pieceEntries * Self.entrySize)
        }
        return bytes.withUnsafeBytes { bytes in
            stride(from: 0, through: bytes.count - Self.entrySize, by: Self.entrySize).map {
                AbortedTransaction(entryAt: $0, of: bytes)
            }
        }
    }

    // MARK: Reading

    /// Adds to `found` the transactions with a marker at or above `offset` that began below `end`. Returns whether
    /// later segments can have no more of them. The index must be loaded.
    func collect(
        from offset: Int64, upTo end: Int64, into found: inout [AbortedTransaction], _ path: String,
        _ files: any FileSystem
    ) throws(StorageError) -> Bool {
        guard lastOffset >= offset else { return false }
        let file = try storing { () throws(FileError) in try files.open(path, .read) }
        defer { file.close() }
        var index = try firstEntry(notBelow: offset, file, path)
        while index < count {
            let piece = try read(file, from: index).prefix(count - index)
            if piece.isEmpty { throw damaged(path, index) }
            for entry in piece {
                guard let entry else { throw damaged(path, index) }
                if entry.firstOffset < end { found.append(entry) }
                if entry.lastStableOffset >= end { return true }
                index += 1
            }
        }
        return false
    }

    /// The number of the first entry whose marker is not below `offset`.
    private func firstEntry(notBelow offset: Int64, _ file: any File, _ path: String) throws(StorageError) -> Int {
        var lower = 0
        var upper = count
        while upper - lower > Self.pieceEntries {
            let middle = (lower + upper) / 2
            let bytes = try storing { () throws(FileError) in
                try file.readBytes(at: Int64(middle * Self.entrySize), count: Self.entrySize)
            }
            guard let entry = bytes.withUnsafeBytes({ AbortedTransaction(entryAt: 0, of: $0) }) else {
                throw damaged(path, middle)
            }
            if entry.lastOffset < offset { lower = middle + 1 } else { upper = middle }
        }
        let rest = try read(file, from: lower).prefix(upper - lower)
        let place = rest.firstIndex { ($0?.lastOffset ?? .max) >= offset }
        return lower + (place ?? rest.count)
    }

    private func damaged(_ path: String, _ index: Int) -> StorageError {
        .corrupt(path: path, position: Int64(index * Self.entrySize), reason: "not an aborted transaction")
    }

    // MARK: Writing

    /// Writes entries behind the last one; on failure there are no new ones. The index must be loaded.
    mutating func append(
        _ aborted: [AbortedTransaction], _ path: String, _ files: any FileSystem
    ) throws(FileError) {
        guard let last = aborted.last else { return }
        precondition(
            isLoaded && last.lastOffset > lastOffset, "aborted transactions are noted in order of their markers")
        mayHaveFile = true
        let file = try files.open(path, .readWriteCreate)
        defer { file.close() }
        // What a failed write, or a segment of the same name, left behind the entries would be taken for some.
        if try file.size() > Int64(byteCount) { try file.truncate(to: Int64(byteCount)) }
        var writer = ByteWriter(capacity: aborted.count * Self.entrySize)
        for entry in aborted { entry.write(to: &writer) }
        try file.write(UnsafeRawBufferPointer(writer.bytes), at: Int64(byteCount))
        count += aborted.count
        lastOffset = last.lastOffset
    }

    /// Forgets all entries; the file is overwritten, or cut by `trim`.
    mutating func removeAll() {
        count = 0
        lastOffset = -1
        isLoaded = true
    }

    /// Drops the transactions with a marker at or above `offset`. The index must be loaded.
    mutating func truncate(to offset: Int64, _ path: String, _ files: any FileSystem) throws(StorageError) {
        guard lastOffset >= offset else { return }
        let file = try storing { () throws(FileError) in try files.open(path, .readWrite) }
        defer { file.close() }
        let kept = try firstEntry(notBelow: offset, file, path)
        let last = kept == 0 ? [] : try read(file, from: kept - 1).prefix(1)
        guard kept == 0 || last.first.flatMap({ $0 }) != nil else { throw damaged(path, kept - 1) }
        try storing { () throws(FileError) in try file.truncate(to: Int64(kept * Self.entrySize)) }
        count = kept
        lastOffset = last.first.flatMap { $0?.lastOffset } ?? -1
    }

    /// Cuts the file to its entries, and removes one without any.
    mutating func trim(_ path: String, _ files: any FileSystem) throws(FileError) {
        guard isLoaded, mayHaveFile else { return }
        guard let status = try files.status(path), count == 0 || status.size != Int64(byteCount) else { return }
        if count == 0 {
            try files.remove(path)
            mayHaveFile = false
            return
        }
        let file = try files.open(path, .readWrite)
        defer { file.close() }
        try file.truncate(to: Int64(byteCount))
    }
}
