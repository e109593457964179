// SPDX-License-Identifier: Apache-2.0

/// The bytes a connection has received and its handler has not used, in a buffer that exists only while there are any.
///
/// Methods that may need memory answer false when there is none; the contents are then as before.
struct InputBuffer {
    /// Buffers grow to what the handler asks for at once up to this size, and beyond it only as the bytes arrive, so that
    /// an announced length alone reserves little.
    private static let trustedSize = 4 << 20
    /// Buffers above this size are exchanged for smaller ones when little is left in them.
    private static let keptSize = 64 << 10

    private var memory: UnsafeMutableRawBufferPointer?
    private var start = 0
    private var end = 0
    /// What the handler said it needs from the first byte on; 0 when it did not say.
    private(set) var needed = 0

    var count: Int { end - start }
    var isEmpty: Bool { end == start }

    /// Whether showing the bytes can get the handler any further.
    var isWorthShowing: Bool { count >= needed }

    var bytes: UnsafeMutableRawBufferPointer {
        guard let memory else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        return UnsafeMutableRawBufferPointer(rebasing: memory[start..<end])
    }

    /// Where the next bytes belong: up to what is needed, or to the buffer's end where that is unknown.
    var room: UnsafeMutableRawBufferPointer {
        guard let memory else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        let limit = needed > count ? min(memory.count, start + needed) : memory.count
        return UnsafeMutableRawBufferPointer(rebasing: memory[end..<limit])
    }

    /// Counts bytes that were read into `room`.
    mutating func filled(_ added: Int) { end += added }

    /// Adds bytes behind those kept; `needed`, where given, counts from the first byte kept.
    mutating func append(_ added: UnsafeRawBufferPointer, needed: Int? = nil, pool: inout BufferPool) -> Bool {
        self.needed = needed ?? self.needed
        guard added.count > 0 else { return true }
        guard reserve(max(wanted, count + added.count), pool: &pool), let base = memory?.baseAddress,
            let source = added.baseAddress
        else { return false }
        (base + end).copyMemory(from: source, byteCount: added.count)
        end += added.count
        return true
    }

    /// Drops what the handler used, and notes what it needs to go on.
    mutating func consume(_ used: Int, needed: Int, pool: inout BufferPool) -> Bool {
        start += used
        self.needed = needed
        if isEmpty {
            release(pool: &pool)
            return true
        }
        return reserve(wanted, pool: &pool)
    }

    /// Sees to it that `room` is not empty.
    mutating func makeRoom(_ least: Int, pool: inout BufferPool) -> Bool {
        reserve(needed > count ? wanted : count + least, pool: &pool)
    }

    /// Forgets everything.
    mutating func release(pool: inout BufferPool) {
        if let memory { pool.release(memory) }
        self = InputBuffer()
    }

    /// The size the buffer should have.
    private var wanted: Int { needed > count ? min(needed, max(Self.trustedSize, 2 * count)) : count }

    /// Room for `size` bytes counted from the first one kept.
    private mutating func reserve(_ size: Int, pool: inout BufferPool) -> Bool {
        if let memory, memory.count >= size, memory.count <= max(Self.keptSize, 4 * size) {
            if memory.count - start < size { move(to: memory) }
            return true
        }
        guard let other = pool.acquire(size) else { return false }
        let old = memory
        move(to: other)
        if let old { pool.release(old) }
        return true
    }

    private mutating func move(to target: UnsafeMutableRawBufferPointer) {
        target.copyMemory(from: UnsafeRawBufferPointer(bytes))
        memory = target
        end -= start
        start = 0
    }
}
