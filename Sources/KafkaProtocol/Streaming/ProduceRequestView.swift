// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// A Produce request as it lies in its frame: nothing is copied, and its partitions are read one after the other.
///
/// Accepts and refuses exactly what `ProduceRequest` does; it is read whole when it is made, so that nothing is appended
/// of a request that is malformed further on. Borrowed: valid as long as the bytes are.
package struct ProduceRequestView {
    /// What is to be appended to one partition.
    package struct Partition {
        package let index: Int32
        /// nil where the request has null.
        package let records: UnsafeRawBufferPointer?
    }

    package let version: Int16
    /// UTF-8; from version 3 on, nil for null.
    package private(set) var transactionalID: UnsafeRawBufferPointer?
    package let acks: Int16
    /// Milliseconds.
    package let timeoutMs: Int32
    private var topics: ProduceTopicWalk

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
    package func walk() -> ProduceTopicWalk { topics }
}

/// Goes through the topics of a Produce request: a topic, then its partitions until there is none, then the next topic.
package struct ProduceTopicWalk {
    private var cursor: TopicCursor
    private let version: Int16

    fileprivate init(_ reader: inout ByteReader, version: Int16) throws(WireError) {
        self.version = version
        cursor = try TopicCursor(&reader, Self.form(version))
    }

    private static func form(_ version: Int16) -> TopicForm {
        TopicForm(flexible: version >= 9, namesByID: version >= 13, minimumPartitionSize: 6)
    }

    /// Reads, and so checks, everything up to the request's end; goes back to the first topic.
    fileprivate mutating func check() throws(WireError) {
        var walk = self
        while try walk.nextTopic() != nil { while try walk.nextPartition() != nil {} }
        if version >= 9 { try walk.cursor.reader.skipTaggedFields() }
        cursor.checksNames = false
    }

    package mutating func nextTopic() throws(WireError) -> NamedTopic? { try cursor.nextTopic(Self.form(version)) }

    package mutating func nextPartition() throws(WireError) -> ProduceRequestView.Partition? {
        guard try cursor.beginPartition(Self.form(version)) else { return nil }
        let flexible = version >= 9
        let index = try cursor.reader.readInt32()
        let length = flexible ? Int(try cursor.reader.readUnsignedVarint()) - 1 : Int(try cursor.reader.readInt32())
        let records = length < 0 ? nil : try cursor.reader.readBorrowed(length)
        if flexible { try cursor.reader.skipTaggedFields() }
        return ProduceRequestView.Partition(index: index, records: records)
    }
}
