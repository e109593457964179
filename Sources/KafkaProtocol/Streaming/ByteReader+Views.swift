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
    @inline(__always)
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
    @inline(__always)
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

extension RequestMessage {
    /// What the generated decoder has against `bytes`: views only find that something is wrong, the decoder says where.
    @inline(never)
    static func refusal(of bytes: UnsafeRawBufferPointer, version: Int16) -> WireError? {
        var reader = ByteReader(bytes)
        do throws(WireError) { _ = try Self(from: &reader, version: version) } catch { return error }
        return nil
    }
}

extension ByteWriter {
    /// Writes what names a topic.
    ///
    /// - Parameter topic: its name, where that is written, has at most 32,767 bytes.
    @inline(__always)
    mutating func writeName(of topic: NamedTopic, byID: Bool, flexible: Bool) {
        if byID { return writeUUID(topic.id) }
        precondition(
            topic.name.count <= Int(Int16.max), "a topic's name comes from a request or is checked when it is made")
        if flexible {
            writeUnsignedVarint(UInt32(topic.name.count) + 1)
        } else {
            writeInt16(Int16(topic.name.count))
        }
        write(topic.name)
    }
}
