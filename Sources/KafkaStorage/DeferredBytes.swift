// SPDX-License-Identifier: Apache-2.0

/// Batches that wait to be written together, copied one behind the other.
///
/// The memory is taken at the first and given back when they are written: logs that are not written to hold none.
/// Unchecked: owned by one segment, under its log's lock.
struct DeferredBytes: @unchecked Sendable {
    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0
    private(set) var count = 0
    /// The first offset of the first batch.
    private(set) var firstOffset: Int64 = -1

    var isEmpty: Bool { count == 0 }
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }

    mutating func begin(capacity: Int, firstOffset: Int64) {
        precondition(memory == nil, "what was deferred before is written first")
        memory = .allocate(byteCount: capacity, alignment: 16)
        self.capacity = capacity
        self.firstOffset = firstOffset
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let memory, let source = bytes.baseAddress else { return }
        precondition(count + bytes.count <= capacity, "more is deferred than there is room for")
        (memory + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    /// Forgets everything and gives the memory back.
    mutating func end() {
        memory?.deallocate()
        memory = nil
        count = 0
    }
}
