// SPDX-License-Identifier: Apache-2.0

/// A cursor over received bytes: every read is checked once against the end, integers are big-endian.
///
/// The reader borrows its memory: it must not outlive the buffer it was made from. It allocates nothing itself;
/// `readString` and `readBytes` copy only bytes that were really received.
public struct ByteReader {
    @usableFromInline let base: UnsafeRawPointer
    @usableFromInline var offset: Int
    /// Bytes in the whole buffer.
    public let end: Int

    @inlinable
    public init(_ bytes: UnsafeRawBufferPointer) {
        // An empty buffer may have no address; the placeholder is never read through.
        base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
        offset = 0
        end = bytes.count
    }

    /// Bytes read so far.
    @inlinable public var position: Int { offset }

    /// Bytes not read yet.
    @inlinable public var remaining: Int { end - offset }

    /// The bytes not read yet, borrowed.
    @inlinable public var rest: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + offset, count: end - offset)
    }

    @inline(never) @usableFromInline
    func truncated(_ needed: Int) -> WireError {
        WireError(.truncated(needed: needed, available: end - offset))
    }

    @inline(never) @usableFromInline
    func cannotRead(_ count: Int) -> WireError {
        count < 0 ? WireError(.invalidLength(count)) : truncated(count)
    }

    @inline(__always)
    private mutating func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(WireError) -> T {
        let size = MemoryLayout<T>.size
        guard end - offset >= size else { throw truncated(size) }
        let value = (base + offset).loadUnaligned(as: T.self)
        offset += size
        return T(bigEndian: value)
    }

    public mutating func readInt8() throws(WireError) -> Int8 { try load(Int8.self) }
    public mutating func readUInt8() throws(WireError) -> UInt8 { try load(UInt8.self) }
    public mutating func readInt16() throws(WireError) -> Int16 { try load(Int16.self) }
    public mutating func readUInt16() throws(WireError) -> UInt16 { try load(UInt16.self) }
    public mutating func readInt32() throws(WireError) -> Int32 { try load(Int32.self) }
    public mutating func readUInt32() throws(WireError) -> UInt32 { try load(UInt32.self) }
    public mutating func readInt64() throws(WireError) -> Int64 { try load(Int64.self) }
    public mutating func readUInt64() throws(WireError) -> UInt64 { try load(UInt64.self) }
    public mutating func readFloat64() throws(WireError) -> Double { Double(bitPattern: try load(UInt64.self)) }
    /// Any non-zero byte is true, as in Kafka's own reader.
    public mutating func readBool() throws(WireError) -> Bool { try load(UInt8.self) != 0 }

    public mutating func readUUID() throws(WireError) -> KafkaUUID {
        guard end - offset >= 16 else { throw truncated(16) }
        return KafkaUUID(high: try load(UInt64.self), low: try load(UInt64.self))
    }

    /// Unsigned LEB128 of at most 32 bits.
    @inlinable @inline(__always)
    public mutating func readUnsignedVarint() throws(WireError) -> UInt32 {
        // Nearly all are lengths and counts below 128.
        if let byte = peek, byte < 0x80 {
            offset += 1
            return UInt32(byte)
        }
        return try readLongVarint()
    }

    /// The next byte, which is not read thereby; nil at the end.
    @inlinable
    var peek: UInt8? { offset < end ? (base + offset).load(as: UInt8.self) : nil }

    /// Reads the next byte where it is zero: tagged fields of which there are none, nearly always.
    @inlinable @inline(__always)
    package mutating func skipZero() -> Bool {
        guard peek == 0 else { return false }
        offset += 1
        return true
    }

    /// Reads the next three bytes where they are these.
    @inlinable @inline(__always)
    package mutating func skip(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> Bool {
        guard end - offset >= 3 else { return false }
        let next = base + offset
        guard next.load(as: UInt8.self) == first, next.load(fromByteOffset: 1, as: UInt8.self) == second,
            next.load(fromByteOffset: 2, as: UInt8.self) == third
        else { return false }
        offset += 3
        return true
    }

    @inline(never) @usableFromInline
    mutating func readLongVarint() throws(WireError) -> UInt32 {
        // Two bytes, up to 16,383: most lengths of batches.
        if end - offset >= 2 {
            let low = (base + offset).load(as: UInt8.self)
            let high = (base + offset + 1).load(as: UInt8.self)
            if low >= 0x80, high < 0x80 {
                offset += 2
                return UInt32(low & 0x7F) | UInt32(high) << 7
            }
        }
        var result: UInt32 = 0
        var shift: UInt32 = 0
        while true {
            let byte = try load(UInt8.self)
            // The fifth byte carries the four highest bits and must be the last.
            if shift == 28, byte > 0x0F { throw WireError(.invalidVarint) }
            result |= UInt32(byte & 0x7F) << shift
            if byte < 0x80 { return result }
            shift += 7
        }
    }

    /// Unsigned LEB128 of at most 64 bits.
    public mutating func readUnsignedVarlong() throws(WireError) -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try load(UInt8.self)
            if shift == 63, byte > 0x01 { throw WireError(.invalidVarint) }
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return result }
            shift += 7
        }
    }

    /// Zig-zag LEB128 of 32 bits, as inside record batches.
    public mutating func readVarint() throws(WireError) -> Int32 {
        let raw = try readUnsignedVarint()
        return Int32(bitPattern: (raw >> 1) ^ (0 &- (raw & 1)))
    }

    /// Zig-zag LEB128 of 64 bits, as inside record batches.
    public mutating func readVarlong() throws(WireError) -> Int64 {
        let raw = try readUnsignedVarlong()
        return Int64(bitPattern: (raw >> 1) ^ (0 &- (raw & 1)))
    }

    /// The next `count` bytes, borrowed from the buffer.
    @inlinable @inline(__always)
    public mutating func readBorrowed(_ count: Int) throws(WireError) -> UnsafeRawBufferPointer {
        guard count >= 0, end - offset >= count else { throw cannotRead(count) }
        let bytes = UnsafeRawBufferPointer(start: base + offset, count: count)
        offset += count
        return bytes
    }

    public mutating func readBytes(_ count: Int) throws(WireError) -> [UInt8] {
        [UInt8](try readBorrowed(count))
    }

    /// The next `count` bytes as text; refuses what is not UTF-8.
    public mutating func readString(_ count: Int) throws(WireError) -> String {
        let bytes = try readBorrowed(count)
        // Nearly all text is ASCII, for which the plain initializer is several times faster than the validating one.
        if Self.isASCII(bytes) { return String(decoding: bytes, as: UTF8.self) }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw WireError(.invalidUTF8) }
        return text
    }

    /// The next `count` bytes, which must be UTF-8, borrowed from the buffer.
    @inlinable @inline(__always)
    package mutating func readBorrowedText(_ count: Int) throws(WireError) -> UnsafeRawBufferPointer {
        let bytes = try readBorrowed(count)
        guard Self.isASCII(bytes) || Self.isUTF8(bytes) else { throw WireError(.invalidUTF8) }
        return bytes
    }

    @inline(never) @usableFromInline
    static func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool { String(validating: bytes, as: UTF8.self) != nil }

    /// Looks at eight bytes at a time, the last of which may have been looked at before.
    @inlinable
    static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let count = bytes.count
        guard let base = bytes.baseAddress, count > 0 else { return true }
        var seen: UInt64 = 0
        if count >= 8 {
            var index = 0
            while index + 8 < count {
                seen |= (base + index).loadUnaligned(as: UInt64.self)
                index += 8
            }
            seen |= (base + (count - 8)).loadUnaligned(as: UInt64.self)
        } else if count >= 4 {
            seen = UInt64(base.loadUnaligned(as: UInt32.self))
            seen |= UInt64((base + (count - 4)).loadUnaligned(as: UInt32.self))
        } else {
            // Of one to three bytes these are all.
            seen = UInt64(base.load(as: UInt8.self)) | UInt64((base + count / 2).load(as: UInt8.self))
            seen |= UInt64((base + (count - 1)).load(as: UInt8.self))
        }
        return seen & 0x8080_8080_8080_8080 == 0
    }

    public mutating func skip(_ count: Int) throws(WireError) { _ = try readBorrowed(count) }
}
