// SPDX-License-Identifier: Apache-2.0

/// A growing output buffer: integers are written big-endian.
///
/// A *splice* marks a place where bytes that do not pass through this buffer (a range of a log segment) belong:
/// `length` counts them, `bytes` does not hold them. Whoever sends the buffer interleaves the two.
public struct ByteWriter: ~Copyable {
    public struct Splice: Equatable, Sendable {
        /// Index into `bytes` at which the spliced bytes stand.
        public let position: Int
        /// How many bytes are spliced in.
        public let length: Int

        public init(position: Int, length: Int) {
            self.position = position
            self.length = length
        }
    }

    @usableFromInline var storage: UnsafeMutableRawPointer
    @usableFromInline var capacity: Int
    @usableFromInline var used: Int
    /// In ascending order of position.
    public private(set) var splices: [Splice]

    public init(capacity: Int = 256) {
        self.capacity = max(capacity, 16)
        storage = .allocate(byteCount: self.capacity, alignment: 16)
        used = 0
        splices = []
    }

    deinit { storage.deallocate() }

    /// Bytes held in this buffer, without the spliced ones.
    @inlinable public var count: Int { used }

    /// Bytes written, the spliced ones included.
    public var length: Int { splices.isEmpty ? used : splices.reduce(used) { $0 + $1.length } }

    /// The bytes written, borrowed until the next mutation.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: storage, count: count) }

    public func toArray() -> [UInt8] { [UInt8](bytes) }

    /// Forgets the contents; keeps the memory unless it has grown past `keeping` bytes.
    public mutating func removeAll(keeping limit: Int = .max) {
        used = 0
        if !splices.isEmpty { splices.removeAll(keepingCapacity: true) }
        if capacity > limit {
            storage.deallocate()
            capacity = max(limit, 16)
            storage = .allocate(byteCount: capacity, alignment: 16)
        }
    }

    /// Cuts the contents back to `newCount` bytes, dropping splices behind them.
    public mutating func truncate(to newCount: Int) {
        precondition(newCount >= 0 && newCount <= count, "truncation must shorten")
        used = newCount
        if !splices.isEmpty { splices.removeAll { $0.position > newCount } }
    }

    @inlinable @inline(__always)
    public mutating func reserve(_ additional: Int) {
        if capacity - used < additional { grow(additional) }
    }

    @inline(never) @usableFromInline
    mutating func grow(_ additional: Int) {
        let newCapacity = max(capacity * 2, count + additional)
        let newStorage = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 16)
        newStorage.copyMemory(from: storage, byteCount: count)
        storage.deallocate()
        storage = newStorage
        capacity = newCapacity
    }

    @inline(__always)
    private mutating func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        reserve(MemoryLayout<T>.size)
        (storage + count).storeBytes(of: value.bigEndian, as: T.self)
        used += MemoryLayout<T>.size
    }

    public mutating func writeInt8(_ value: Int8) { store(value) }
    public mutating func writeUInt8(_ value: UInt8) { store(value) }
    public mutating func writeInt16(_ value: Int16) { store(value) }
    public mutating func writeUInt16(_ value: UInt16) { store(value) }
    public mutating func writeInt32(_ value: Int32) { store(value) }
    public mutating func writeUInt32(_ value: UInt32) { store(value) }
    public mutating func writeInt64(_ value: Int64) { store(value) }
    public mutating func writeUInt64(_ value: UInt64) { store(value) }
    public mutating func writeFloat64(_ value: Double) { store(value.bitPattern) }
    public mutating func writeBool(_ value: Bool) { store(value ? 1 as UInt8 : 0) }

    public mutating func writeUUID(_ value: KafkaUUID) {
        store(value.high)
        store(value.low)
    }

    /// Unsigned LEB128.
    @inline(__always)
    public mutating func writeUnsignedVarint(_ value: UInt32) {
        // Nearly all are lengths and counts below 128.
        if value < 0x80 { store(UInt8(truncatingIfNeeded: value)) } else { writeUnsignedVarlong(UInt64(value)) }
    }

    /// Unsigned LEB128.
    public mutating func writeUnsignedVarlong(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            store(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        store(UInt8(truncatingIfNeeded: rest))
    }

    /// Zig-zag LEB128, as inside record batches.
    public mutating func writeVarint(_ value: Int32) {
        writeUnsignedVarlong(UInt64(UInt32(bitPattern: (value << 1) ^ (value >> 31))))
    }

    /// Zig-zag LEB128, as inside record batches.
    public mutating func writeVarlong(_ value: Int64) {
        writeUnsignedVarlong(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    public mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count)
        (storage + count).copyMemory(from: source, byteCount: bytes.count)
        used += bytes.count
    }

    public mutating func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { write($0) }
    }

    /// Writes the text's UTF-8 without any length.
    public mutating func writeUTF8(_ text: String) {
        var text = text
        text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
    }

    /// Notes that `length` bytes from elsewhere stand here.
    public mutating func splice(length: Int) {
        precondition(length >= 0, "a splice has a length of at least 0")
        if length > 0 { splices.append(Splice(position: count, length: length)) }
    }

    /// Room for `size` bytes that `overwriteInt32` and its like fill in later; returns its position.
    public mutating func reserveField(_ size: Int) -> Int {
        reserve(size)
        let position = count
        (storage + count).initializeMemory(as: UInt8.self, repeating: 0, count: size)
        used += size
        return position
    }

    public mutating func overwriteInt32(_ value: Int32, at position: Int) {
        precondition(position >= 0 && position + 4 <= count, "the overwritten field must be inside the buffer")
        (storage + position).storeBytes(of: value.bigEndian, as: Int32.self)
    }

    public mutating func overwriteUInt32(_ value: UInt32, at position: Int) {
        overwriteInt32(Int32(bitPattern: value), at: position)
    }

    /// Room for the length of a sized field whose bytes follow; `endSizedField` fills it in. Returns where it starts.
    public mutating func beginSizedField() -> Int { reserveField(1) }

    /// Writes the unsigned LEB128 length of the bytes since `beginSizedField`.
    public mutating func endSizedField(_ start: Int) {
        precondition(start >= 0 && start < count, "the sized field must have begun in this buffer")
        precondition(splices.last.map { $0.position <= start } ?? true, "a sized field cannot hold spliced bytes")
        fillVarint(UInt32(count - start - 1), at: start)
    }

    /// Room for the count of an array whose elements follow; `endArray` fills it in. Returns where it starts.
    @inlinable @inline(__always)
    package mutating func beginArray(flexible: Bool) -> Int {
        if flexible { writeUInt8(0) } else { writeInt32(0) }
        return count - (flexible ? 1 : 4)
    }

    /// Writes how many elements followed `beginArray`.
    @inlinable @inline(__always)
    package mutating func endArray(_ start: Int, count elements: Int, flexible: Bool) {
        precondition(elements >= 0 && elements < Int(Int32.max), "an array has as many elements as a count can say")
        guard flexible else { return overwriteInt32(Int32(elements), at: start) }
        precondition(start >= 0 && start < count, "the array must have begun in this buffer")
        fillVarint(UInt32(elements) + 1, at: start)
    }

    /// Writes an unsigned LEB128 for which one byte was kept free.
    @inlinable @inline(__always)
    mutating func fillVarint(_ value: UInt32, at start: Int) {
        if value < 0x80 {
            (storage + start).storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
        } else {
            fillLongVarint(value, at: start)
        }
    }

    /// Longer ones move up what follows, since they are seldom.
    @inline(never) @usableFromInline
    mutating func fillLongVarint(_ value: UInt32, at start: Int) {
        var extra = 1
        while value >> (7 * (extra + 1)) > 0 { extra += 1 }
        reserve(extra)
        (storage + start + 1 + extra).copyMemory(from: storage + start + 1, byteCount: count - start - 1)
        used += extra
        for index in splices.indices.reversed() {
            guard splices[index].position > start else { break }
            splices[index] = Splice(position: splices[index].position + extra, length: splices[index].length)
        }
        for index in 0...extra {
            let more: UInt8 = index < extra ? 0x80 : 0
            let byte = UInt8(truncatingIfNeeded: value >> (7 * index)) & 0x7F | more
            (storage + start + index).storeBytes(of: byte, as: UInt8.self)
        }
    }

    /// Gives `body` the address of at least `maximum` free bytes at the end; `body` returns how many it filled.
    public mutating func append<E: Error>(
        maximum: Int, _ body: (UnsafeMutableRawBufferPointer) throws(E) -> Int
    ) throws(E) {
        reserve(maximum)
        let filled = try body(UnsafeMutableRawBufferPointer(start: storage + count, count: capacity - count))
        precondition(filled >= 0 && filled <= capacity - count, "more bytes reported than there was room for")
        used += filled
    }
}

// Moved between queues with its owner; never shared.
extension ByteWriter: @unchecked Sendable {}
