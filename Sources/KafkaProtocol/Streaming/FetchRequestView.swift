// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

/// What stands in front of the topics of a Fetch request as it lies in its frame. Borrowed: valid as long as the bytes are.
///
/// Enough to answer most requests while they are read: a walk goes through the topics and in the end reads what follows
/// them. A request that must not have any effect where it is malformed further on is read whole first
/// (`FetchRequestView`).
@usableFromInline
package struct FetchRequestHead {
    /// The whole body.
    @usableFromInline package let bytes: UnsafeRawBufferPointer
    @usableFromInline package let version: Int16
    /// The broker that asks, −1 for consumers; up to version 14, later ones have it at their end.
    @usableFromInline package let replicaID: Int32
    @usableFromInline package let maxWaitMs: Int32
    @usableFromInline package let minBytes: Int32
    @usableFromInline package let maxBytes: Int32
    @usableFromInline package let isolationLevel: Int8
    @usableFromInline package let sessionID: Int32
    @usableFromInline package let sessionEpoch: Int32
    @usableFromInline let topics: FetchTopicWalk

    /// - Throws: what `FetchRequest` throws, with the path of the field.
    @inlinable @inline(__always)
    package init(_ bytes: UnsafeRawBufferPointer, version: Int16) throws(WireError) {
        do throws(WireError) {
            self = try Self(reading: bytes, version)
        } catch {
            throw Self.refusal(of: bytes, version: version, error)
        }
    }

    @inlinable @inline(__always)
    init(reading bytes: UnsafeRawBufferPointer, _ version: Int16) throws(WireError) {
        guard version >= 0, version <= 18 else { throw WireError(.unsupportedVersion(version)) }
        self.bytes = bytes
        self.version = version
        var reader = ByteReader(bytes)
        var fields = try reader.readFixed(
            (version <= 14 ? 4 : 0) + 8 + (version >= 3 ? 4 : 0) + (version >= 4 ? 1 : 0) + (version >= 7 ? 8 : 0))
        replicaID = version <= 14 ? fields.int32() : -1
        maxWaitMs = fields.int32()
        minBytes = fields.int32()
        maxBytes = version >= 3 ? fields.int32() : .max
        isolationLevel = version >= 4 ? fields.int8() : 0
        sessionID = version >= 7 ? fields.int32() : 0
        sessionEpoch = version >= 7 ? fields.int32() : -1
        topics = try FetchTopicWalk(&reader, version: version)
    }

    /// What the generated decoder says of a request that cannot be read.
    @inline(never) @usableFromInline
    static func refusal(of bytes: UnsafeRawBufferPointer, version: Int16, _ error: WireError) -> WireError {
        FetchRequest.refusal(of: bytes, version: version) ?? error
    }

    /// A walk through all topics and partitions, in the order of the request. It checks what it reads.
    @inlinable @inline(__always)
    package func walk() -> FetchTopicWalk { topics }

    /// Where the request is malformed, with the path of the field; nil where it is not.
    package var defect: WireError? { FetchRequest.refusal(of: bytes, version: version) }
}

/// A Fetch request as it lies in its frame, read whole: nothing is copied, and its partitions are read one after the other.
///
/// Accepts and refuses exactly what `FetchRequest` does; every length and count is checked when it is made. Borrowed:
/// valid as long as the bytes are.
@usableFromInline
package struct FetchRequestView {
    /// What is asked of one partition. Fields that the version does not carry have their schema's defaults.
    @usableFromInline
    package struct Partition: Sendable {
        @usableFromInline package let index: Int32
        @usableFromInline package let currentLeaderEpoch: Int32
        @usableFromInline package let fetchOffset: Int64
        @usableFromInline package let lastFetchedEpoch: Int32
        @usableFromInline package let logStartOffset: Int64
        @usableFromInline package let maxBytes: Int32

        @inlinable
        package init(
            index: Int32, currentLeaderEpoch: Int32 = -1, fetchOffset: Int64, lastFetchedEpoch: Int32 = -1,
            logStartOffset: Int64 = -1, maxBytes: Int32
        ) {
            self.index = index
            self.currentLeaderEpoch = currentLeaderEpoch
            self.fetchOffset = fetchOffset
            self.lastFetchedEpoch = lastFetchedEpoch
            self.logStartOffset = logStartOffset
            self.maxBytes = maxBytes
        }
    }

    package let head: FetchRequestHead
    /// The broker that asks, −1 for consumers; from version 15 on that of the replica state.
    package let replicaID: Int32
    private let forgotten: ByteReader?

    /// - Throws: what `FetchRequest` throws, with the path of the field.
    package init(_ head: FetchRequestHead) throws(WireError) {
        self.head = head
        do throws(WireError) {
            var walk = head.walk()
            while try walk.nextTopic() != nil { while try walk.nextPartition() != nil {} }
            let end = try walk.readEnd()
            replicaID = end.replicaID ?? head.replicaID
            forgotten = end.forgotten
        } catch {
            throw FetchRequestHead.refusal(of: head.bytes, version: head.version, error)
        }
    }

    package init(_ bytes: UnsafeRawBufferPointer, version: Int16) throws(WireError) {
        self = try Self(FetchRequestHead(bytes, version: version))
    }

    package var version: Int16 { head.version }

    /// A walk through all topics and partitions, in the order of the request.
    package func walk() -> FetchTopicWalk {
        var walk = head.walk()
        walk.namesAreChecked()
        return walk
    }

    /// Gives `body` each partition that is to leave the session.
    package func forEachForgotten(_ body: (NamedTopic, Int32) -> Void) throws(WireError) {
        guard var reader = forgotten else { return }
        try FetchTopicWalk.readForgotten(&reader, version: version, body)
    }
}

extension FetchRequestView.Partition {
    @inlinable @inline(__always)
    init(from reader: inout ByteReader, version: Int16) throws(WireError) {
        let (hasLeaderEpoch, hasLastEpoch, hasLogStart) = (version >= 9, version >= 12, version >= 5)
        var fields = try reader.readFixed(
            16 + (hasLeaderEpoch ? 4 : 0) + (hasLastEpoch ? 4 : 0) + (hasLogStart ? 8 : 0))
        // Arguments are evaluated in the order of the fields.
        self.init(
            index: fields.int32(), currentLeaderEpoch: hasLeaderEpoch ? fields.int32() : -1,
            fetchOffset: fields.int64(), lastFetchedEpoch: hasLastEpoch ? fields.int32() : -1,
            logStartOffset: hasLogStart ? fields.int64() : -1, maxBytes: fields.int32())
        if version >= 12, !reader.skipZero() { try Self.readTags(&reader, version: version) }
    }

    /// Which directory asks and how far it knows the log to be committed: of brokers only, and not needed.
    @inline(never) @usableFromInline
    static func readTags(_ reader: inout ByteReader, version: Int16) throws(WireError) {
        var tags = try TaggedFieldReader(&reader)
        while var body = try tags.next(&reader) {
            switch tags.tag {
            case 0 where version >= 17:
                _ = try body.readUUID()
                try body.expectEnd()
            case 1 where version >= 18:
                _ = try body.readInt64()
                try body.expectEnd()
            default: break
            }
        }
    }
}

/// Goes through a Fetch request from its topics on: a topic, then its partitions until there is none, then the next topic,
/// and in the end what follows the topics.
@usableFromInline
package struct FetchTopicWalk {
    @usableFromInline var cursor: TopicCursor
    @usableFromInline let version: Int16

    @inlinable @inline(__always)
    init(_ reader: inout ByteReader, version: Int16) throws(WireError) {
        self.version = version
        cursor = try TopicCursor(&reader, Self.form(version))
    }

    @inlinable @inline(__always)
    static func form(_ version: Int16) -> TopicForm {
        TopicForm(flexible: version >= 12, namesByID: version >= 13, minimumPartitionSize: 16)
    }

    fileprivate mutating func namesAreChecked() { cursor.checksNames = false }

    @inlinable @inline(__always)
    package mutating func nextTopic() throws(WireError) -> NamedTopic? { try cursor.nextTopic(Self.form(version)) }

    @inlinable @inline(__always)
    package mutating func nextPartition() throws(WireError) -> FetchRequestView.Partition? {
        guard try cursor.beginPartition(Self.form(version)) else { return nil }
        return try FetchRequestView.Partition(from: &cursor.reader, version: version)
    }

    // MARK: Behind the topics

    /// Reads what follows the topics, behind the last of which the walk must be. The broker that asks, from version 15 on;
    /// nil for others.
    @inlinable @inline(__always)
    package mutating func finish() throws(WireError) -> Int32? {
        precondition(cursor.isAtEnd, "all topics come before what follows them")
        // Most have nothing there: no topics to forget, no rack, no tagged fields.
        if version >= 12, cursor.reader.skip(1, 1, 0) { return nil }
        return try readEnd().replicaID
    }

    @usableFromInline
    struct End {
        /// From version 15 on, where there is one.
        @usableFromInline var replicaID: Int32?
        fileprivate var forgotten: ByteReader?
    }

    @inline(never) @usableFromInline
    mutating func readEnd() throws(WireError) -> End {
        var end = End()
        if version >= 7 {
            end.forgotten = cursor.reader
            try Self.readForgotten(&cursor.reader, version: version) { _, _ in }
        }
        if version >= 11 { _ = try cursor.reader.readText(flexible: version >= 12) }
        if version >= 12, !cursor.reader.skipZero() { end.replicaID = try Self.readTags(&cursor.reader, version) }
        return end
    }

    fileprivate static func readForgotten(
        _ reader: inout ByteReader, version: Int16, _ body: (NamedTopic, Int32) -> Void
    ) throws(WireError) {
        let form = form(version)
        var topicsLeft = try reader.readArrayCount(minimumSize: 3, flexible: form.flexible)
        while topicsLeft > 0 {
            topicsLeft -= 1
            let topic = try NamedTopic(from: &reader, form, checksName: true)
            var left = try reader.readArrayCount(minimumSize: 4, flexible: form.flexible)
            while left > 0 {
                left -= 1
                body(topic, try reader.readInt32())
            }
            if form.flexible { try reader.skipTaggedFields() }
        }
    }

    /// The replica's id; nil where there is none.
    @inline(never)
    private static func readTags(_ reader: inout ByteReader, _ version: Int16) throws(WireError) -> Int32? {
        var replicaID: Int32?
        var tags = try TaggedFieldReader(&reader)
        while var body = try tags.next(&reader) {
            switch tags.tag {
            case 0:
                _ = try body.readNullableText(flexible: true)
                try body.expectEnd()
            case 1 where version >= 15:
                replicaID = try body.readInt32()
                // The replica's epoch.
                _ = try body.readInt64()
                try body.skipTaggedFields()
                try body.expectEnd()
            default: break
            }
        }
        return replicaID
    }
}
