// SPDX-License-Identifier: Apache-2.0
import KafkaBase

// What the hand-written views of messages read through: as the generated decoders, without copying.
extension ByteReader {
    /// The count of an array that cannot be null.
    @inline(__always)
    mutating func readArrayCount(minimumSize: Int, flexible: Bool) throws(WireError) -> Int {
        let count = flexible ? Int(try readUnsignedVarint()) - 1 : Int(try readInt32())
        guard count >= 0 else { throw WireError(.unexpectedNull) }
        guard count <= remaining / minimumSize else { throw WireError(.invalidLength(count)) }
        return count
    }

    /// The UTF-8 of a string, nil for null; `checks` where it is not known to be UTF-8.
    mutating func readNullableText(
        flexible: Bool, checks: Bool = true
    ) throws(WireError) -> UnsafeRawBufferPointer? {
        let length: Int
        if flexible {
            length = Int(try readUnsignedVarint()) - 1
            guard length <= Int(Int16.max) else { throw WireError(.invalidLength(length)) }
        } else {
            length = Int(try readInt16())
        }
        if length < 0 { return nil }
        return checks ? try readBorrowedText(length) : try readBorrowed(length)
    }

    /// The UTF-8 of a string that cannot be null.
    mutating func readText(flexible: Bool, checks: Bool = true) throws(WireError) -> UnsafeRawBufferPointer {
        guard let text = try readNullableText(flexible: flexible, checks: checks) else {
            throw WireError(.unexpectedNull)
        }
        return text
    }

    /// Passes over tagged fields none of which is of interest.
    mutating func skipTaggedFields() throws(WireError) {
        if skipZero() { return }
        var tags = try TaggedFieldReader(&self)
        while try tags.next(&self) != nil {}
    }
}
