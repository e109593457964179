// SPDX-License-Identifier: Apache-2.0

/// Batches that wait to be written together, one behind the other.
///
/// Those in memory that their owner has lent (`WriteGroup.lend`) stay where they lie; others, and small ones, are copied.
/// Memory is taken for the first and given back when they are written: logs that are not written to hold none.
///
/// Unchecked: owned by one segment, under its log's lock. What is lent is not touched any more after `end`, which the
/// commit of its group sees to before the owner has its memory back.
struct DeferredBytes: @unchecked Sendable {
    /// Stretches of memory that may wait at once.
    private static let piecesMax = 128
    /// Lent batches below this size are copied all the same: a piece of their own would cost more.
    private static let lentSizeMin = 512

    private var storage: UnsafeMutablePointer<UnsafeRawBufferPointer>?
    private var pieceCount = 0
    /// Where copies stand, one behind the other.
    private var copies: UnsafeMutableRawPointer?
    private var copiesCapacity = 0
    private var copiesCount = 0
    /// Bytes of all pieces.
    private(set) var count = 0
    /// The first offset of the first batch.
    private(set) var firstOffset: Int64 = -1

    var isEmpty: Bool { count == 0 }

    /// The bytes, in their order, and a last piece that is free for whoever writes them.
    var pieces: UnsafeMutableBufferPointer<UnsafeRawBufferPointer> {
        UnsafeMutableBufferPointer(start: storage, count: storage == nil ? 0 : pieceCount + 1)
    }

    /// Whether there is room for `added` more bytes, where at most `limit` may wait.
    func hasRoom(for added: Int, limit: Int) -> Bool {
        count + added <= limit && pieceCount < Self.piecesMax
    }

    /// - Parameters:
    ///   - isLent: whether `bytes` stay as they are until the commit.
    ///   - limit: the most bytes that are ever added; the same until `end`.
    mutating func append(_ bytes: UnsafeRawBufferPointer, isLent: Bool, firstOffset: Int64, limit: Int) {
        if bytes.isEmpty { return }
        if count == 0 { self.firstOffset = firstOffset }
        if isLent, bytes.count >= Self.lentSizeMin { add(bytes) } else { copy(bytes, limit: limit) }
        count += bytes.count
    }

    private mutating func add(_ piece: UnsafeRawBufferPointer) {
        precondition(pieceCount < Self.piecesMax, "more is deferred than there is room for")
        let storage = storage ?? .allocate(capacity: Self.piecesMax + 1)
        storage[pieceCount] = piece
        pieceCount += 1
        storage[pieceCount] = UnsafeRawBufferPointer(start: nil, count: 0)
        self.storage = storage
    }

    private mutating func copy(_ bytes: UnsafeRawBufferPointer, limit: Int) {
        if copies == nil {
            copies = .allocate(byteCount: limit, alignment: 16)
            copiesCapacity = limit
        }
        guard let copies else { return }
        precondition(copiesCount + bytes.count <= copiesCapacity, "more is deferred than there is room for")
        let target = UnsafeMutableRawBufferPointer(start: copies + copiesCount, count: bytes.count)
        target.copyMemory(from: bytes)
        copiesCount += bytes.count
        if let storage, pieceCount > 0, let last = storage[pieceCount - 1].baseAddress,
            last + storage[pieceCount - 1].count == UnsafeRawPointer(target.baseAddress)
        {
            // It lies right behind the one before.
            storage[pieceCount - 1] = UnsafeRawBufferPointer(
                start: last, count: storage[pieceCount - 1].count + bytes.count)
        } else {
            add(UnsafeRawBufferPointer(target))
        }
    }

    /// Forgets everything and gives the memory back.
    mutating func end() {
        storage?.deallocate()
        storage = nil
        pieceCount = 0
        copies?.deallocate()
        copies = nil
        copiesCount = 0
        count = 0
    }
}
