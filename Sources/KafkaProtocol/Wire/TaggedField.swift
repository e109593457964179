// SPDX-License-Identifier: Apache-2.0
import KafkaBase

/// A tagged field that the schema does not know (KIP-482), kept so that a message can be passed on whole.
public struct TaggedField: Sendable {
    public var tag: UInt32
    public var bytes: [UInt8]

    public init(tag: UInt32, bytes: [UInt8]) {
        self.tag = tag
        self.bytes = bytes
    }
}

/// Walks the tagged fields at the end of a flexible structure. Tags must ascend, and each field's bytes are read
/// through a reader of their own, so that a wrong length cannot reach into what follows.
struct TaggedFieldReader {
    private var left: UInt32
    private var isFirst = true
    private(set) var tag: UInt32 = 0

    init(_ reader: inout ByteReader) throws(WireError) {
        left = try reader.readUnsignedVarint()
        // Each field takes at least two bytes, its tag and its length.
        guard Int(left) <= reader.remaining / 2 else { throw WireError(.invalidLength(Int(left))) }
    }

    /// A reader over the next field, whose tag is then in `tag`; nil after the last.
    @inline(never)
    mutating func next(_ reader: inout ByteReader) throws(WireError) -> ByteReader? {
        if left == 0 { return nil }
        left -= 1
        let next = try reader.readUnsignedVarint()
        guard isFirst || next > tag else { throw WireError(.invalidTag(next)) }
        isFirst = false
        tag = next
        let size = try reader.readUnsignedVarint()
        return ByteReader(try reader.readBorrowed(Int(size)))
    }

    @inline(never)
    func unknown(_ body: ByteReader) -> TaggedField { TaggedField(tag: tag, bytes: [UInt8](body.rest)) }
}

/// Writes the tagged fields at the end of a flexible structure: those of the schema, in ascending order, with the
/// unknown ones merged in.
struct TaggedFieldWriter {
    private let unknown: [TaggedField]
    private var nextUnknown = 0
    private var start = 0
    private var lastTag: Int64 = -1
    /// How many fields of the schema will be written.
    var knownCount: UInt32 = 0

    init(_ unknown: [TaggedField]) { self.unknown = unknown }

    mutating func begin(_ writer: inout ByteWriter) {
        writer.writeUnsignedVarint(knownCount + UInt32(unknown.count))
    }

    private mutating func writeTag(_ tag: UInt32, _ writer: inout ByteWriter) throws(WireError) {
        guard Int64(tag) > lastTag else { throw WireError(.invalidTag(tag)) }
        lastTag = Int64(tag)
        writer.writeUnsignedVarint(tag)
    }

    private mutating func writeUnknown(below limit: Int64, _ writer: inout ByteWriter) throws(WireError) {
        while nextUnknown < unknown.count, Int64(unknown[nextUnknown].tag) < limit {
            let field = unknown[nextUnknown]
            try writeTag(field.tag, &writer)
            writer.writeUnsignedVarint(UInt32(field.bytes.count))
            writer.write(field.bytes)
            nextUnknown += 1
        }
    }

    /// Starts the field `tag` of the schema; its bytes follow.
    @inline(never)
    mutating func open(_ tag: UInt32, _ writer: inout ByteWriter) throws(WireError) {
        // An unknown field of the same number goes first, so that the error names this field.
        try writeUnknown(below: Int64(tag) + 1, &writer)
        try writeTag(tag, &writer)
        start = writer.beginSizedField()
    }

    mutating func close(_ writer: inout ByteWriter) { writer.endSizedField(start) }

    @inline(never)
    mutating func end(_ writer: inout ByteWriter) throws(WireError) { try writeUnknown(below: .max, &writer) }
}

extension ByteReader {
    /// The tagged fields of a structure whose schema has none.
    @inline(never)
    mutating func readUnknownTaggedFields() throws(WireError) -> [TaggedField] {
        var tags = try TaggedFieldReader(&self)
        var fields: [TaggedField] = []
        while let body = try tags.next(&self) { fields.append(tags.unknown(body)) }
        return fields
    }
}

extension ByteWriter {
    /// The tagged fields of a structure whose schema has none.
    @inline(never)
    mutating func writeUnknownTaggedFields(_ fields: [TaggedField]) throws(WireError) {
        if fields.isEmpty { return writeUInt8(0) }
        var tags = TaggedFieldWriter(fields)
        tags.begin(&self)
        try tags.end(&self)
    }

    /// As above in a message that also has versions without tagged fields, where there may be none.
    @inline(never)
    mutating func writeUnknownTaggedFields(
        _ fields: [TaggedField], flexible: Bool, version: Int16
    ) throws(WireError) {
        if flexible { return try writeUnknownTaggedFields(fields) }
        guard fields.isEmpty else { throw WireError(.fieldNotInVersion(version)) }
    }
}
