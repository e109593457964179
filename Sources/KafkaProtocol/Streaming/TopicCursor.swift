// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// A topic of a request that is read where it lies; its partitions follow.
package struct NamedTopic {
    /// UTF-8; empty in versions that name topics by id.
    package let name: UnsafeRawBufferPointer
    /// Zero in versions that name topics by name.
    package let id: KafkaUUID

    package init(name: UnsafeRawBufferPointer, id: KafkaUUID) {
        self.name = name
        self.id = id
    }
}

/// How a request and its version name topics.
struct TopicForm {
    let flexible: Bool
    let namesByID: Bool
    /// The least bytes that a partition takes, for judging counts as the generated decoder does.
    let minimumPartitionSize: Int
}

/// Goes through the topics of a request: a topic, then its partitions until there is none, then the next topic.
struct TopicCursor {
    var reader: ByteReader
    private let form: TopicForm
    private var topicsLeft: Int
    private var partitionsLeft = 0
    /// Whether names are checked to be UTF-8; once is enough.
    var checksNames = true

    init(_ reader: inout ByteReader, _ form: TopicForm) throws(WireError) {
        self.form = form
        topicsLeft = try reader.readArrayCount(minimumSize: 3, flexible: form.flexible)
        self.reader = reader
    }

    /// Whether everything was read.
    var isAtEnd: Bool { topicsLeft == 0 && partitionsLeft == 0 }

    @inline(__always)
    mutating func nextTopic() throws(WireError) -> NamedTopic? {
        precondition(partitionsLeft == 0, "a topic's partitions come before the next topic")
        guard topicsLeft > 0 else { return nil }
        topicsLeft -= 1
        let topic = try NamedTopic(from: &reader, form, checksName: checksNames)
        partitionsLeft = try reader.readArrayCount(
            minimumSize: form.minimumPartitionSize, flexible: form.flexible)
        return topic
    }

    /// Whether a partition follows, which is to be read from `reader`; false at the end of the topic.
    @inline(__always)
    mutating func beginPartition() throws(WireError) -> Bool {
        guard partitionsLeft > 0 else {
            if form.flexible { try reader.skipTaggedFields() }
            return false
        }
        partitionsLeft -= 1
        return true
    }
}

extension NamedTopic {
    @inline(__always)
    init(from reader: inout ByteReader, _ form: TopicForm, checksName: Bool) throws(WireError) {
        if form.namesByID {
            name = UnsafeRawBufferPointer(start: nil, count: 0)
            id = try reader.readUUID()
        } else {
            name = try reader.readText(flexible: form.flexible, checks: checksName)
            id = .zero
        }
    }
}
