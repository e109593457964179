// SPDX-License-Identifier: Apache-2.0
import KafkaBase

// The generated encoders call these; the mirror of ByteReader+Fields.
extension ByteWriter {
    // MARK: Lengths

    @inline(never)
    mutating func writeLength(_ length: Int, flexible: Bool) throws(WireError) {
        guard length < Int(Int32.max) else { throw WireError(.valueTooLarge(length)) }
        if flexible {
            writeUnsignedVarint(UInt32(length) + 1)
        } else {
            writeInt32(Int32(length))
        }
    }

    mutating func writeNullLength(flexible: Bool) {
        if flexible { writeUInt8(0) } else { writeInt32(-1) }
    }

    // MARK: Strings and bytes

    @inline(never)
    mutating func writeString(_ text: String, flexible: Bool) throws(WireError) {
        let length = text.utf8.count
        guard length <= Int(Int16.max) else { throw WireError(.valueTooLarge(length)) }
        if flexible {
            writeUnsignedVarint(UInt32(length) + 1)
        } else {
            writeInt16(Int16(length))
        }
        writeUTF8(text)
    }

    @inline(never)
    mutating func writeNullableString(_ text: String?, flexible: Bool, nullable: Bool = true) throws(WireError) {
        if let text { return try writeString(text, flexible: flexible) }
        guard nullable else { throw WireError(.unexpectedNull) }
        if flexible { writeUInt8(0) } else { writeInt16(-1) }
    }

    @inline(never)
    mutating func writeBytes(_ bytes: [UInt8], flexible: Bool) throws(WireError) {
        try writeLength(bytes.count, flexible: flexible)
        write(bytes)
    }

    @inline(never)
    mutating func writeNullableBytes(_ bytes: [UInt8]?, flexible: Bool, nullable: Bool = true) throws(WireError) {
        if let bytes { return try writeBytes(bytes, flexible: flexible) }
        guard nullable else { throw WireError(.unexpectedNull) }
        writeNullLength(flexible: flexible)
    }

    // MARK: Structures

    @inline(never)
    mutating func writeArray<T: WireStructure>(
        _ elements: [T], version: Int16, flexible: Bool
    ) throws(WireError) {
        try writeLength(elements.count, flexible: flexible)
        for index in elements.indices {
            do throws(WireError) {
                try elements[index].encode(into: &self, version: version)
            } catch {
                throw error.inside(index: index)
            }
        }
    }

    @inline(never)
    mutating func writeNullableArray<T: WireStructure>(
        _ elements: [T]?, version: Int16, flexible: Bool, nullable: Bool = true
    ) throws(WireError) {
        if let elements { return try writeArray(elements, version: version, flexible: flexible) }
        guard nullable else { throw WireError(.unexpectedNull) }
        writeNullLength(flexible: flexible)
    }

    @inline(never)
    mutating func writeNullableStructure<T: WireStructure>(
        _ structure: T?, version: Int16, nullable: Bool = true
    ) throws(WireError) {
        guard let structure else {
            guard nullable else { throw WireError(.unexpectedNull) }
            writeInt8(-1)
            return
        }
        if nullable { writeInt8(1) }
        try structure.encode(into: &self, version: version)
    }

    @inline(never)
    mutating func writeTaggedNullableStructure<T: WireStructure>(
        _ structure: T?, version: Int16
    ) throws(WireError) {
        guard let structure else { return writeUInt8(0) }
        writeUInt8(1)
        try structure.encode(into: &self, version: version)
    }
}
