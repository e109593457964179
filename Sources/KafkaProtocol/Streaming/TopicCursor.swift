// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

/// A topic of a request that is read where it lies; its partitions follow.
@usableFromInline
package struct NamedTopic {
    /// UTF-8; empty in versions that name topics by id.
    @usableFromInline package let name: UnsafeRawBufferPointer
    /// Zero in versions that name topics by name.
    @usableFromInline package let id: KafkaUUID

    @inlinable
    package init(name: UnsafeRawBufferPointer, id: KafkaUUID) {
        self.name = name
        self.id = id
    }
}

/// How a request and its version name topics.
@usableFromInline
struct TopicForm {
    @usableFromInline let flexible: Bool
    @usableFromInline let namesByID: Bool
    /// The least bytes that a partition takes, for judging counts as the generated decoder does.
    @usableFromInline let minimumPartitionSize: Int

    @inlinable
    init(flexible: Bool, namesByID: Bool, minimumPartitionSize: Int) {
        self.flexible = flexible
        self.namesByID = namesByID
        self.minimumPartitionSize = minimumPartitionSize
    }
}

/// Goes through the topics of a request: a topic, then its partitions until there is none, then the next topic. The form
/// is always the same; it is given each time so that it need not be kept.
@usableFromInline
struct TopicCursor {
    @usableFromInline var reader: ByteReader
    @usableFromInline var topicsLeft: Int
    @usableFromInline var partitionsLeft = 0
    /// Whether names are checked to be UTF-8; once is enough.
    @usableFromInline var checksNames = true

    @inlinable @inline(__always)
    init(_ reader: inout ByteReader, _ form: TopicForm) throws(WireError) {
        topicsLeft = try reader.readArrayCount(minimumSize: 3, flexible: form.flexible)
        self.reader = reader
    }

    /// Whether everything was read.
    @inlinable var isAtEnd: Bool { topicsLeft == 0 && partitionsLeft == 0 }

    @inlinable @inline(__always)
    mutating func nextTopic(_ form: TopicForm) throws(WireError) -> NamedTopic? {
        precondition(partitionsLeft == 0, "a topic's partitions come before the next topic")
        guard topicsLeft > 0 else { return nil }
        topicsLeft &-= 1
        let topic = try NamedTopic(from: &reader, form, checksName: checksNames)
        partitionsLeft = try reader.readArrayCount(
            minimumSize: form.minimumPartitionSize, flexible: form.flexible)
        return topic
    }

    /// Whether a partition follows, which is to be read from `reader`; false at the end of the topic.
    @inlinable @inline(__always)
    mutating func beginPartition(_ form: TopicForm) throws(WireError) -> Bool {
        guard partitionsLeft > 0 else {
            if form.flexible { try reader.skipTaggedFields() }
            return false
        }
        partitionsLeft &-= 1
        return true
    }
}

extension NamedTopic {
    @inlinable @inline(__always)
    init(from reader: inout ByteReader, _ form: TopicForm, checksName: Bool) throws(WireError) {
        if form.namesByID {
            var fields = try reader.readFixed(16)
            self.init(
                name: UnsafeRawBufferPointer(start: nil, count: 0),
                id: KafkaUUID(high: fields.uint64(), low: fields.uint64()))
        } else {
            self.init(
                name: try reader.readText(flexible: form.flexible, checks: checksName), id: KafkaUUID(high: 0, low: 0))
        }
    }
}
