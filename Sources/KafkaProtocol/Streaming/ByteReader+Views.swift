// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

// What the hand-written views of messages read through: as the generated decoders, without copying.
extension ByteReader {
    /// The count of an array that cannot be null.
    @inlinable @inline(__always)
    mutating func readArrayCount(minimumSize: Int, flexible: Bool) throws(WireError) -> Int {
        let count = flexible ? Int(try readUnsignedVarint()) - 1 : Int(try readInt32())
        guard count >= 0, count <= remaining / minimumSize else { throw badCount(count) }
        return count
    }

    @inline(never) @usableFromInline
    func badCount(_ count: Int) -> WireError { WireError(count < 0 ? .unexpectedNull : .invalidLength(count)) }

    /// The UTF-8 of a string, nil for null; `checks` where it is not known to be UTF-8.
    @inlinable @inline(__always)
    mutating func readNullableText(
        flexible: Bool, checks: Bool = true
    ) throws(WireError) -> UnsafeRawBufferPointer? {
        let length: Int
        if flexible {
            length = Int(try readUnsignedVarint()) - 1
            guard length <= Int(Int16.max) else { throw badCount(length) }
        } else {
            length = Int(try readInt16())
        }
        if length < 0 { return nil }
        return checks ? try readBorrowedText(length) : try readBorrowed(length)
    }

    /// The UTF-8 of a string that cannot be null.
    @inlinable @inline(__always)
    mutating func readText(flexible: Bool, checks: Bool = true) throws(WireError) -> UnsafeRawBufferPointer {
        guard let text = try readNullableText(flexible: flexible, checks: checks) else { throw badCount(-1) }
        return text
    }

    /// Passes over tagged fields none of which is of interest.
    @inlinable @inline(__always)
    mutating func skipTaggedFields() throws(WireError) {
        if !skipZero() { try skipSomeTaggedFields() }
    }

    @inline(never) @usableFromInline
    mutating func skipSomeTaggedFields() throws(WireError) {
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

extension NamedTopic {
    /// Bytes that `write` takes at most.
    @inlinable
    var sizeMaximum: Int { max(16, 3 + name.count) }

    /// Writes what names the topic.
    ///
    /// - Precondition: the name, where that is written, has at most 32,767 bytes.
    @inlinable @inline(__always)
    func write(byID: Bool, flexible: Bool, into fields: inout FixedFieldWriter) {
        if byID {
            fields.uint64(id.high)
            fields.uint64(id.low)
            return
        }
        precondition(
            name.count <= Int(Int16.max), "a topic's name comes from a request or is checked when it is made")
        if flexible {
            fields.unsignedVarint(UInt32(name.count) + 1)
        } else {
            fields.int16(Int16(name.count))
        }
        fields.bytes(name)
    }
}

extension ByteWriter {
    /// Writes the name of a topic, or its id, and room for the count of its partitions; returns where that is.
    @inlinable @inline(__always)
    mutating func beginTopic(_ topic: NamedTopic, byID: Bool, flexible: Bool) -> Int {
        writeFixed(topic.sizeMaximum + 4) { fields in
            topic.write(byID: byID, flexible: flexible, into: &fields)
            fields.arrayCount(flexible: flexible)
        }
        return count - (flexible ? 1 : 4)
    }

    /// Fills in the count and ends what the array is part of, without tagged fields.
    @inlinable @inline(__always)
    mutating func endArrayAndTags(_ start: Int, count: Int, flexible: Bool) {
        endArray(start, count: count, flexible: flexible)
        if flexible { writeFixed(1) { $0.uint8(0) } }
    }
}

extension FixedFieldWriter {
    /// Room for the count of an array, which `ByteWriter.endArray` fills in.
    @inlinable @inline(__always)
    mutating func arrayCount(flexible: Bool) {
        if flexible { uint8(0) } else { int32(0) }
    }
}
