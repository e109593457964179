// SPDX-License-Identifier: Apache-2.0

/// A sliding buffer between a decoder, which appends at its end, and a reader, which consumes from its front.
///
/// Grows by doubling and only as bytes really arrive, so a length field alone never makes it allocate.
struct InflateWindow: ~Copyable {
    private var storage: UnsafeMutableRawPointer
    private(set) var capacity: Int
    private var start = 0
    private var end = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 16)
        storage = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { storage.deallocate() }

    /// What was appended and not yet consumed; valid until the next call of `fill`.
    var unread: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: storage + start, count: end - start) }

    mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= end - start, "only bytes that are there can be consumed")
        start += count
        if start == end {
            start = 0
            end = 0
        }
    }

    /// Shows `body` at least `minimum` free bytes behind the unread ones; it returns how many it has filled.
    mutating func fill(
        minimum: Int, _ body: (UnsafeMutableRawBufferPointer) throws(RecordError) -> Int
    ) throws(RecordError) -> Int {
        makeRoom(minimum)
        let filled = try body(UnsafeMutableRawBufferPointer(start: storage + end, count: capacity - end))
        precondition(filled >= 0 && filled <= capacity - end, "more bytes reported than there was room for")
        end += filled
        return filled
    }

    private mutating func makeRoom(_ minimum: Int) {
        if capacity - end >= minimum { return }
        let count = end - start
        // Moving to the front is enough where at least half of the buffer has been consumed; else it would be moved
        // again and again for little room.
        if capacity - count >= minimum, start >= capacity / 2 {
            storage.copyMemory(from: storage + start, byteCount: count)
        } else {
            let newCapacity = max(capacity * 2, count + minimum)
            let newStorage = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 16)
            newStorage.copyMemory(from: storage + start, byteCount: count)
            storage.deallocate()
            storage = newStorage
            capacity = newCapacity
        }
        start = 0
        end = count
    }
}
