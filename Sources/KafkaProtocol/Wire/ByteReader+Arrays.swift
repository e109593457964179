// SPDX-License-Identifier: Apache-2.0
import KafkaBase

// Arrays of scalars, one method a type: the generated code stays free of generics here.
extension ByteReader {
    @inline(__always)
    private mutating func readElements<T>(
        _ minimumSize: Int, flexible: Bool, nullable: Bool,
        _ read: (inout ByteReader) throws(WireError) -> T
    ) throws(WireError) -> [T]? {
        guard let count = try readCount(minimumSize: minimumSize, flexible: flexible) else {
            guard nullable else { throw WireError(.unexpectedNull) }
            return nil
        }
        var elements: [T] = []
        elements.reserveCapacity(count)
        for index in 0..<count {
            do throws(WireError) {
                elements.append(try read(&self))
            } catch {
                throw error.inside(index: index)
            }
        }
        return elements
    }

    @inline(never)
    mutating func readNullableInt8Array(flexible: Bool, nullable: Bool = true) throws(WireError) -> [Int8]? {
        try readElements(1, flexible: flexible, nullable: nullable) { reader throws(WireError) in
            try reader.readInt8()
        }
    }

    @inline(never)
    mutating func readInt8Array(flexible: Bool) throws(WireError) -> [Int8] {
        try readNullableInt8Array(flexible: flexible, nullable: false) ?? []
    }

    @inline(never)
    mutating func readNullableInt16Array(flexible: Bool, nullable: Bool = true) throws(WireError) -> [Int16]? {
        try readElements(2, flexible: flexible, nullable: nullable) { reader throws(WireError) in
            try reader.readInt16()
        }
    }

    @inline(never)
    mutating func readInt16Array(flexible: Bool) throws(WireError) -> [Int16] {
        try readNullableInt16Array(flexible: flexible, nullable: false) ?? []
    }

    @inline(never)
    mutating func readNullableInt32Array(flexible: Bool, nullable: Bool = true) throws(WireError) -> [Int32]? {
        try readElements(4, flexible: flexible, nullable: nullable) { reader throws(WireError) in
            try reader.readInt32()
        }
    }

    @inline(never)
    mutating func readInt32Array(flexible: Bool) throws(WireError) -> [Int32] {
        try readNullableInt32Array(flexible: flexible, nullable: false) ?? []
    }

    @inline(never)
    mutating func readNullableInt64Array(flexible: Bool, nullable: Bool = true) throws(WireError) -> [Int64]? {
        try readElements(8, flexible: flexible, nullable: nullable) { reader throws(WireError) in
            try reader.readInt64()
        }
    }

    @inline(never)
    mutating func readInt64Array(flexible: Bool) throws(WireError) -> [Int64] {
        try readNullableInt64Array(flexible: flexible, nullable: false) ?? []
    }

    @inline(never)
    mutating func readNullableUUIDArray(flexible: Bool, nullable: Bool = true) throws(WireError) -> [KafkaUUID]? {
        try readElements(16, flexible: flexible, nullable: nullable) { reader throws(WireError) in
            try reader.readUUID()
        }
    }

    @inline(never)
    mutating func readUUIDArray(flexible: Bool) throws(WireError) -> [KafkaUUID] {
        try readNullableUUIDArray(flexible: flexible, nullable: false) ?? []
    }

    @inline(never)
    mutating func readNullableStringArray(flexible: Bool, nullable: Bool = true) throws(WireError) -> [String]? {
        try readElements(flexible ? 1 : 2, flexible: flexible, nullable: nullable) { reader throws(WireError) in
            try reader.readString(flexible: flexible)
        }
    }

    @inline(never)
    mutating func readStringArray(flexible: Bool) throws(WireError) -> [String] {
        try readNullableStringArray(flexible: flexible, nullable: false) ?? []
    }
}
