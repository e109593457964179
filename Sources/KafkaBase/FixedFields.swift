// SPDX-License-Identifier: Apache-2.0

/// Integers that stand one behind the other in bytes whose length was checked as a whole (`ByteReader.readFixed`).
///
/// For the few messages that are read by the million; everything else reads field by field. To read more than there
/// is stops the process: the code that reads has asked for too few bytes.
@usableFromInline
package struct FixedFields {
    @usableFromInline var next: UnsafeRawPointer
    @usableFromInline let end: UnsafeRawPointer

    @inlinable init(_ bytes: UnsafeRawBufferPointer) {
        next = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
        end = next + bytes.count
    }

    @inlinable @inline(__always)
    mutating func take<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> T {
        precondition(end - next >= MemoryLayout<T>.size, "fixed fields are read within what was checked")
        defer { next += MemoryLayout<T>.size }
        return T(bigEndian: next.loadUnaligned(as: T.self))
    }

    @inlinable @inline(__always)
    package mutating func int8() -> Int8 { take(Int8.self) }
    @inlinable @inline(__always)
    package mutating func int16() -> Int16 { take(Int16.self) }
    @inlinable @inline(__always)
    package mutating func int32() -> Int32 { take(Int32.self) }
    @inlinable @inline(__always)
    package mutating func int64() -> Int64 { take(Int64.self) }
    @inlinable @inline(__always)
    package mutating func uint64() -> UInt64 { take(UInt64.self) }
}

extension ByteReader {
    /// The next `count` bytes, to be read as integers.
    @inlinable @inline(__always)
    package mutating func readFixed(_ count: Int) throws(WireError) -> FixedFields {
        FixedFields(try readBorrowed(count))
    }
}

/// Integers and short bytes that are written one behind the other where there is room for all of them
/// (`ByteWriter.writeFixed`): the counterpart of `FixedFields`. To write more than was asked for stops the process.
@usableFromInline
package struct FixedFieldWriter {
    @usableFromInline var next: UnsafeMutableRawPointer
    @usableFromInline let end: UnsafeMutableRawPointer

    @inlinable init(_ next: UnsafeMutableRawPointer, room: Int) {
        self.next = next
        end = next + room
    }

    @inlinable @inline(__always)
    mutating func put<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        precondition(end - next >= MemoryLayout<T>.size, "fixed fields are written within what was reserved")
        next.storeBytes(of: value.bigEndian, as: T.self)
        next += MemoryLayout<T>.size
    }

    @inlinable @inline(__always)
    package mutating func uint8(_ value: UInt8) { put(value) }
    @inlinable @inline(__always)
    package mutating func int16(_ value: Int16) { put(value) }
    @inlinable @inline(__always)
    package mutating func int32(_ value: Int32) { put(value) }
    @inlinable @inline(__always)
    package mutating func int64(_ value: Int64) { put(value) }
    @inlinable @inline(__always)
    package mutating func uint64(_ value: UInt64) { put(value) }

    /// Unsigned LEB128, of at most five bytes.
    @inlinable @inline(__always)
    package mutating func unsignedVarint(_ value: UInt32) {
        var rest = value
        while rest >= 0x80 {
            put(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        put(UInt8(truncatingIfNeeded: rest))
    }

    @inlinable @inline(__always)
    package mutating func bytes(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        precondition(end - next >= bytes.count, "fixed fields are written within what was reserved")
        next.copyMemory(from: source, byteCount: bytes.count)
        next += bytes.count
    }
}

extension ByteWriter {
    /// Has `body` write fields that take at most `maximum` bytes together; room for them is seen to once.
    @inlinable @inline(__always)
    package mutating func writeFixed(_ maximum: Int, _ body: (inout FixedFieldWriter) -> Void) {
        reserve(maximum)
        var fields = FixedFieldWriter(storage + used, room: maximum)
        body(&fields)
        used = fields.next - storage
    }
}
