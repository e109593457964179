// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

/// A Produce request as it lies in its frame: nothing is copied, and its partitions are read one after the other.
///
/// Accepts and refuses exactly what `ProduceRequest` does; it is read whole when it is made, so that nothing is appended
/// of a request that is malformed further on. Borrowed: valid as long as the bytes are.
@usableFromInline
package struct ProduceRequestView {
    /// What is to be appended to one partition.
    @usableFromInline
    package struct Partition {
        @usableFromInline package let index: Int32
        /// nil where the request has null.
        @usableFromInline package let records: UnsafeRawBufferPointer?

        @inlinable
        init(index: Int32, records: UnsafeRawBufferPointer?) {
            self.index = index
            self.records = records
        }
    }

    @usableFromInline package let version: Int16
    /// UTF-8; from version 3 on, nil for null.
    package private(set) var transactionalID: UnsafeRawBufferPointer?
    @usableFromInline package let acks: Int16
    /// Milliseconds.
    package let timeoutMs: Int32
    @usableFromInline var topics: ProduceTopicWalk

    /// - Throws: what `ProduceRequest` throws, with the path of the field.
    package init(_ bytes: UnsafeRawBufferPointer, version: Int16) throws(WireError) {
        do throws(WireError) {
            self = try Self(reading: bytes, version)
        } catch {
            throw ProduceRequest.refusal(of: bytes, version: version) ?? error
        }
    }

    @inline(__always)
    private init(reading bytes: UnsafeRawBufferPointer, _ version: Int16) throws(WireError) {
        try ProduceRequest.checkVersion(version)
        self.version = version
        let flexible = version >= 9
        var reader = ByteReader(bytes)
        if version >= 3 { transactionalID = try reader.readNullableText(flexible: flexible) }
        var fields = try reader.readFixed(6)
        acks = fields.int16()
        timeoutMs = fields.int32()
        topics = try ProduceTopicWalk(&reader, version: version)
        try topics.check()
    }

    /// A walk through all topics and partitions, in the order of the request.
    @inlinable @inline(__always)
    package func walk() -> ProduceTopicWalk { topics }
}

/// Goes through the topics of a Produce request: a topic, then its partitions until there is none, then the next topic.
@usableFromInline
package struct ProduceTopicWalk {
    @usableFromInline var cursor: TopicCursor
    @usableFromInline let version: Int16

    @inline(__always)
    fileprivate init(_ reader: inout ByteReader, version: Int16) throws(WireError) {
        self.version = version
        cursor = try TopicCursor(&reader, Self.form(version))
    }

    @inlinable @inline(__always)
    static func form(_ version: Int16) -> TopicForm {
        TopicForm(flexible: version >= 9, namesByID: version >= 13, minimumPartitionSize: 6)
    }

    /// Reads, and so checks, everything up to the request's end; goes back to the first topic.
    @inline(__always)
    fileprivate mutating func check() throws(WireError) {
        var walk = self
        while try walk.nextTopic() != nil { while try walk.nextPartition() != nil {} }
        if version >= 9 { try walk.cursor.reader.skipTaggedFields() }
        cursor.checksNames = false
    }

    @inlinable @inline(__always)
    package mutating func nextTopic() throws(WireError) -> NamedTopic? { try cursor.nextTopic(Self.form(version)) }

    @inlinable @inline(__always)
    package mutating func nextPartition() throws(WireError) -> ProduceRequestView.Partition? {
        guard try cursor.beginPartition(Self.form(version)) else { return nil }
        let flexible = version >= 9
        var fields = try cursor.reader.readFixed(4)
        let index = fields.int32()
        let length = flexible ? Int(try cursor.reader.readUnsignedVarint()) - 1 : Int(try cursor.reader.readInt32())
        let records = length < 0 ? nil : try cursor.reader.readBorrowed(length)
        if flexible { try cursor.reader.skipTaggedFields() }
        return ProduceRequestView.Partition(index: index, records: records)
    }
}
