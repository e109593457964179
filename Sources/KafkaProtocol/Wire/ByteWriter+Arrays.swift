// SPDX-License-Identifier: Apache-2.0
import KafkaBase

// Arrays of scalars; the mirror of ByteReader+Arrays.
extension ByteWriter {
    @inline(__always)
    private mutating func writeElements<T>(
        _ elements: [T]?, flexible: Bool, nullable: Bool,
        _ write: (inout ByteWriter, T) throws(WireError) -> Void
    ) throws(WireError) {
        guard let elements else {
            guard nullable else { throw WireError(.unexpectedNull) }
            return writeNullLength(flexible: flexible)
        }
        try writeLength(elements.count, flexible: flexible)
        for index in elements.indices {
            do throws(WireError) {
                try write(&self, elements[index])
            } catch {
                throw error.inside(index: index)
            }
        }
    }

    @inline(never)
    mutating func writeNullableInt8Array(_ values: [Int8]?, flexible: Bool, nullable: Bool = true) throws(WireError) {
        try writeElements(values, flexible: flexible, nullable: nullable) { writer, value throws(WireError) in
            writer.writeInt8(value)
        }
    }

    @inline(never)
    mutating func writeInt8Array(_ values: [Int8], flexible: Bool) throws(WireError) {
        try writeNullableInt8Array(values, flexible: flexible)
    }

    @inline(never)
    mutating func writeNullableInt16Array(
        _ values: [Int16]?, flexible: Bool, nullable: Bool = true
    ) throws(WireError) {
        try writeElements(values, flexible: flexible, nullable: nullable) { writer, value throws(WireError) in
            writer.writeInt16(value)
        }
    }

    @inline(never)
    mutating func writeInt16Array(_ values: [Int16], flexible: Bool) throws(WireError) {
        try writeNullableInt16Array(values, flexible: flexible)
    }

    @inline(never)
    mutating func writeNullableInt32Array(
        _ values: [Int32]?, flexible: Bool, nullable: Bool = true
    ) throws(WireError) {
        try writeElements(values, flexible: flexible, nullable: nullable) { writer, value throws(WireError) in
            writer.writeInt32(value)
        }
    }

    @inline(never)
    mutating func writeInt32Array(_ values: [Int32], flexible: Bool) throws(WireError) {
        try writeNullableInt32Array(values, flexible: flexible)
    }

    @inline(never)
    mutating func writeNullableInt64Array(
        _ values: [Int64]?, flexible: Bool, nullable: Bool = true
    ) throws(WireError) {
        try writeElements(values, flexible: flexible, nullable: nullable) { writer, value throws(WireError) in
            writer.writeInt64(value)
        }
    }

    @inline(never)
    mutating func writeInt64Array(_ values: [Int64], flexible: Bool) throws(WireError) {
        try writeNullableInt64Array(values, flexible: flexible)
    }

    @inline(never)
    mutating func writeNullableUUIDArray(
        _ values: [KafkaUUID]?, flexible: Bool, nullable: Bool = true
    ) throws(WireError) {
        try writeElements(values, flexible: flexible, nullable: nullable) { writer, value throws(WireError) in
            writer.writeUUID(value)
        }
    }

    @inline(never)
    mutating func writeUUIDArray(_ values: [KafkaUUID], flexible: Bool) throws(WireError) {
        try writeNullableUUIDArray(values, flexible: flexible)
    }

    @inline(never)
    mutating func writeNullableStringArray(
        _ values: [String]?, flexible: Bool, nullable: Bool = true
    ) throws(WireError) {
        try writeElements(values, flexible: flexible, nullable: nullable) { writer, value throws(WireError) in
            try writer.writeString(value, flexible: flexible)
        }
    }

    @inline(never)
    mutating func writeStringArray(_ values: [String], flexible: Bool) throws(WireError) {
        try writeNullableStringArray(values, flexible: flexible)
    }
}
