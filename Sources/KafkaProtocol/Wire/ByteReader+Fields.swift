// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

// The generated decoders call these. They stay out of line: there are thousands of calls.
extension ByteReader {
    /// Fails where bytes are left.
    @inline(never)
    package func expectEnd() throws(WireError) {
        guard remaining == 0 else { throw WireError(.trailingBytes(remaining)) }
    }

    // MARK: Lengths

    /// The length of bytes or the count of an array, at most `Int32.max`; nil for null.
    @inline(never)
    mutating func readLength(flexible: Bool) throws(WireError) -> Int? {
        if flexible {
            let raw = try readUnsignedVarint()
            guard raw <= UInt32(Int32.max) else { throw WireError(.invalidLength(Int(raw) - 1)) }
            return raw == 0 ? nil : Int(raw) - 1
        }
        let raw = try readInt32()
        return raw < 0 ? nil : Int(raw)
    }

    /// The count of an array whose elements take at least `minimumSize` bytes each; nil for null.
    @inline(never)
    mutating func readCount(minimumSize: Int, flexible: Bool) throws(WireError) -> Int? {
        guard let count = try readLength(flexible: flexible) else { return nil }
        guard count <= remaining / minimumSize else { throw WireError(.invalidLength(count)) }
        return count
    }

    // MARK: Strings and bytes

    @inline(never)
    mutating func readNullableString(flexible: Bool, nullable: Bool = true) throws(WireError) -> String? {
        let length: Int
        if flexible {
            length = Int(try readUnsignedVarint()) - 1
            guard length <= Int(Int16.max) else { throw WireError(.invalidLength(length)) }
        } else {
            length = Int(try readInt16())
        }
        if length < 0 {
            guard nullable else { throw WireError(.unexpectedNull) }
            return nil
        }
        return try readString(length)
    }

    @inline(never)
    mutating func readString(flexible: Bool) throws(WireError) -> String {
        // The reader refuses null, so there is always text.
        try readNullableString(flexible: flexible, nullable: false) ?? ""
    }

    @inline(never)
    mutating func readNullableBytes(flexible: Bool, nullable: Bool = true) throws(WireError) -> [UInt8]? {
        guard let length = try readLength(flexible: flexible) else {
            guard nullable else { throw WireError(.unexpectedNull) }
            return nil
        }
        return try readBytes(length)
    }

    @inline(never)
    mutating func readBytes(flexible: Bool) throws(WireError) -> [UInt8] {
        try readNullableBytes(flexible: flexible, nullable: false) ?? []
    }

    // MARK: Structures

    @inline(never)
    mutating func readNullableArray<T: WireStructure>(
        version: Int16, flexible: Bool, nullable: Bool = true
    ) throws(WireError) -> [T]? {
        guard let count = try readCount(minimumSize: T.minimumSize, flexible: flexible) else {
            guard nullable else { throw WireError(.unexpectedNull) }
            return nil
        }
        var elements: [T] = []
        elements.reserveCapacity(count)
        for index in 0..<count {
            do throws(WireError) {
                elements.append(try T(from: &self, version: version))
            } catch {
                throw error.inside(index: index)
            }
        }
        return elements
    }

    @inline(never)
    mutating func readArray<T: WireStructure>(version: Int16, flexible: Bool) throws(WireError) -> [T] {
        try readNullableArray(version: version, flexible: flexible, nullable: false) ?? []
    }

    /// A structure behind a byte that is negative for null.
    @inline(never)
    mutating func readNullableStructure<T: WireStructure>(
        version: Int16, nullable: Bool = true
    ) throws(WireError) -> T? {
        // Versions in which the structure cannot be null have no such byte.
        if nullable, try readInt8() < 0 { return nil }
        return try T(from: &self, version: version)
    }

    /// A structure in a tagged field, behind an unsigned number that is 0 for null: there Kafka's null is not −1.
    @inline(never)
    mutating func readTaggedNullableStructure<T: WireStructure>(version: Int16) throws(WireError) -> T? {
        if try readUnsignedVarint() == 0 { return nil }
        return try T(from: &self, version: version)
    }
}
