// SPDX-License-Identifier: Apache-2.0
import DequeModule
import KafkaRuntime

/// A range of a file that waits to be sent. A file of the operating system stays open until the range is gone.
struct FileRange {
    enum Source {
        case posix(PinnedFile)
        /// Any other file is read piece by piece.
        case other(any File)
    }

    let source: Source
    var offset: Int64
    var count: Int
    /// Up to here the page cache was found, or made, to hold the file; it is not asked again: if the pages are gone,
    /// waiting for the disk is the lesser evil.
    var residentEnd: Int64 = 0
}

/// Holds a use of the file.
final class PinnedFile: Sendable {
    let file: PosixFile
    let descriptor: Int32

    /// nil when the file is closed.
    init?(_ file: PosixFile) {
        guard let descriptor = file.beginUse() else { return nil }
        self.file = file
        self.descriptor = descriptor
    }

    deinit { file.endUse() }
}

/// What a connection has to send, in order: bytes in pooled buffers, and file ranges.
///
/// The bytes added last stand in `tail`, outside the queue, because nearly every answer consists of nothing else.
struct OutputQueue {
    struct Chunk {
        let memory: UnsafeMutableRawBufferPointer
        var start = 0
        var end = 0

        var count: Int { end - start }
        var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[start..<end]) }
        var room: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: memory[end...]) }
    }

    enum Piece {
        case bytes(Chunk)
        case file(FileRange)
    }

    /// The first chunk: room for some small answers. Many connections may have such ones at the same time.
    private static let firstChunkSize = 4 << 10
    /// Large enough for a 64 KiB range of a file and the answers around it, so that they go out together.
    static let chunkSize = 128 << 10
    private static let largestChunk = 1 << 20
    /// A stuck chunk that holds no more than this is moved to a smaller one.
    private static let stuckSize = 16 << 10

    private(set) var queue: Deque<Piece> = []
    private(set) var tail: Chunk?
    /// Bytes of all pieces.
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    // MARK: Adding

    /// false when there is no memory.
    mutating func append(_ bytes: UnsafeRawBufferPointer, pool: inout BufferPool) -> Bool {
        var rest = bytes
        while rest.count > 0 {
            guard let room = makeRoom(for: rest.count, pool: &pool) else { return false }
            let taken = min(room.count, rest.count)
            room.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<taken]))
            filled(taken)
            rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
        }
        return true
    }

    /// Room for at least `size` bytes in one stretch, or nil when there is no memory.
    mutating func contiguousRoom(_ size: Int, pool: inout BufferPool) -> UnsafeMutableRawBufferPointer? {
        if let tail, tail.room.count >= size { return tail.room }
        return newTail(size, pool: &pool)
    }

    /// Counts bytes that were put into the room.
    mutating func filled(_ added: Int) {
        tail!.end += added
        count += added
    }

    mutating func append(_ range: FileRange) {
        closeTail()
        queue.append(.file(range))
        count += range.count
    }

    private mutating func makeRoom(for size: Int, pool: inout BufferPool) -> UnsafeMutableRawBufferPointer? {
        if let tail, tail.end < tail.memory.count { return tail.room }
        return newTail(size, pool: &pool)
    }

    private mutating func newTail(_ size: Int, pool: inout BufferPool) -> UnsafeMutableRawBufferPointer? {
        let isFirst = tail == nil && size <= Self.firstChunkSize / 2
        let wanted = isFirst ? Self.firstChunkSize : min(max(size, Self.chunkSize), Self.largestChunk)
        guard let memory = pool.acquire(wanted) else { return nil }
        closeTail(pool: &pool)
        tail = Chunk(memory: memory)
        return memory
    }

    /// Moves the tail into the queue, so that something can stand behind it.
    private mutating func closeTail() {
        if let tail { queue.append(.bytes(tail)) }
        tail = nil
    }

    /// The same, but gives back a tail without bytes.
    private mutating func closeTail(pool: inout BufferPool) {
        if let tail, tail.count == 0 {
            pool.release(tail.memory)
            self.tail = nil
        }
        closeTail()
    }

    // MARK: Taking

    /// The file range at the front, when it is one.
    var frontFile: FileRange? {
        if case .file(let range)? = queue.first { return range }
        return nil
    }

    /// Notes that the page cache holds the range at the front up to `end`.
    mutating func noteResident(upTo end: Int64) {
        guard case .file(var range)? = queue.first else { return }
        range.residentEnd = end
        queue[0] = .file(range)
    }

    /// Puts bytes that were read from the range at the front in its place, before what is left of it.
    mutating func replaceFrontFile(with chunk: Chunk) {
        guard case .file(var range)? = queue.popFirst() else { return }
        range.offset += Int64(chunk.count)
        range.count -= chunk.count
        if range.count > 0 { queue.prepend(.file(range)) }
        queue.prepend(.bytes(chunk))
    }

    /// Drops `sent` bytes of the file range at the front.
    mutating func consumeFile(_ sent: Int) {
        guard case .file(var range)? = queue.popFirst() else { return }
        range.offset += Int64(sent)
        range.count -= sent
        count -= sent
        if range.count > 0 { queue.prepend(.file(range)) }
    }

    /// Drops `sent` bytes of the pieces at the front, which are all bytes.
    mutating func consumeBytes(_ sent: Int, pool: inout BufferPool) {
        count -= sent
        var rest = sent
        while case .bytes(var chunk)? = queue.first {
            let taken = min(rest, chunk.count)
            chunk.start += taken
            rest -= taken
            if chunk.count > 0 {
                queue[0] = .bytes(chunk)
                return
            }
            queue.removeFirst()
            pool.release(chunk.memory)
        }
        guard var chunk = tail, queue.isEmpty else { return }
        chunk.start += rest
        if chunk.count == 0 {
            pool.release(chunk.memory)
            tail = nil
        } else {
            tail = chunk
        }
    }

    /// Moves a few bytes that have to wait out of a large buffer.
    mutating func shrinkStuckTail(pool: inout BufferPool) {
        guard let chunk = tail, chunk.count <= Self.stuckSize, chunk.memory.count > 2 * Self.stuckSize,
            let smaller = pool.acquire(max(chunk.count, 1))
        else { return }
        smaller.copyMemory(from: chunk.bytes)
        pool.release(chunk.memory)
        tail = Chunk(memory: smaller, end: chunk.count)
    }

    mutating func removeAll(pool: inout BufferPool) {
        for case .bytes(let chunk) in queue { pool.release(chunk.memory) }
        if let tail { pool.release(tail.memory) }
        queue.removeAll()
        tail = nil
        count = 0
    }
}
