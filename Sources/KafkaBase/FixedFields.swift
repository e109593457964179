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
}

extension ByteReader {
    /// The next `count` bytes, to be read as integers.
    @inlinable @inline(__always)
    package mutating func readFixed(_ count: Int) throws(WireError) -> FixedFields {
        FixedFields(try readBorrowed(count))
    }
}
