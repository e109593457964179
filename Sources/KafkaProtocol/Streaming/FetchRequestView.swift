// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// A Fetch request as it lies in its frame: nothing is copied, and its partitions are read one after the other.
///
/// Accepts and refuses exactly what `FetchRequest` does; every length and count is checked when it is made. Borrowed:
/// valid as long as the bytes are.
package struct FetchRequestView {
    /// A topic of the request; its partitions follow.
    package struct Topic {
        /// UTF-8; empty from version 13 on, which names topics by id.
        package let name: UnsafeRawBufferPointer
        /// Zero up to version 12.
        package let id: KafkaUUID
    }

    /// What is asked of one partition. Fields that the version does not carry have their schema's defaults.
    package struct Partition: Sendable {
        package let index: Int32
        package let currentLeaderEpoch: Int32
        package let fetchOffset: Int64
        package let lastFetchedEpoch: Int32
        package let logStartOffset: Int64
        package let maxBytes: Int32

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

    /// The whole body.
    package let bytes: UnsafeRawBufferPointer
    package let version: Int16
    /// The broker that asks, −1 for consumers; from version 15 on that of the replica state.
    package private(set) var replicaID: Int32 = -1
    package let maxWaitMs: Int32
    package let minBytes: Int32
    package private(set) var maxBytes: Int32 = .max
    package private(set) var isolationLevel: Int8 = 0
    package private(set) var sessionID: Int32 = 0
    package private(set) var sessionEpoch: Int32 = -1
    private let topics: FetchTopicWalk
    private var forgotten: ByteReader?

    package init(_ bytes: UnsafeRawBufferPointer, version: Int16) throws(WireError) {
        self.bytes = bytes
        self.version = version
        var reader = ByteReader(bytes)
        var field: StaticString = ""
        do throws(WireError) {
            try FetchRequest.checkVersion(version)
            var fields = try reader.readFixed(Self.fixedSize(version))
            if version <= 14 { replicaID = fields.int32() }
            maxWaitMs = fields.int32()
            minBytes = fields.int32()
            if version >= 3 { maxBytes = fields.int32() }
            if version >= 4 { isolationLevel = fields.int8() }
            if version >= 7 {
                sessionID = fields.int32()
                sessionEpoch = fields.int32()
            }
            field = "Topics"
            topics = try FetchTopicWalk(&reader, version: version)
            var walk = topics
            walk.checksNames = true
            while try walk.nextTopic() != nil { while try walk.nextPartition() != nil {} }
            reader = walk.reader
            field = "ForgottenTopicsData"
            if version >= 7 {
                forgotten = reader
                try Self.walkForgotten(&reader, version: version) { _, _ in }
            }
            field = "RackId"
            if version >= 11 { _ = try reader.readText(flexible: version >= 12) }
            field = ""
            if version >= 12 { try readTags(&reader) }
        } catch {
            throw error.inside(field)
        }
    }

    /// Bytes of the integers in front.
    private static func fixedSize(_ version: Int16) -> Int {
        (version <= 14 ? 4 : 0) + 8 + (version >= 3 ? 4 : 0) + (version >= 4 ? 1 : 0) + (version >= 7 ? 8 : 0)
    }

    private mutating func readTags(_ reader: inout ByteReader) throws(WireError) {
        if reader.skipZero() { return }
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
    }

    /// A walk through all topics and partitions, in the order of the request.
    package func walk() -> FetchTopicWalk { topics }

    /// Gives `body` each partition that is to leave the session.
    package func forEachForgotten(_ body: (Topic, Int32) -> Void) throws(WireError) {
        guard var reader = forgotten else { return }
        try Self.walkForgotten(&reader, version: version, body)
    }

    private static func walkForgotten(
        _ reader: inout ByteReader, version: Int16, _ body: (Topic, Int32) -> Void
    ) throws(WireError) {
        let flexible = version >= 12
        var topicsLeft = try reader.readArrayCount(minimumSize: 3, flexible: flexible)
        while topicsLeft > 0 {
            topicsLeft -= 1
            let topic = try Topic(from: &reader, version: version, checksName: true)
            var left = try reader.readArrayCount(minimumSize: 4, flexible: flexible)
            while left > 0 {
                left -= 1
                body(topic, try reader.readInt32())
            }
            if flexible { try reader.skipTaggedFields() }
        }
    }
}

extension FetchRequestView.Topic {
    fileprivate init(from reader: inout ByteReader, version: Int16, checksName: Bool) throws(WireError) {
        if version >= 13 {
            name = UnsafeRawBufferPointer(start: nil, count: 0)
            id = try reader.readUUID()
        } else {
            name = try reader.readText(flexible: version >= 12, checks: checksName)
            id = .zero
        }
    }
}

extension FetchRequestView.Partition {
    fileprivate init(from reader: inout ByteReader, version: Int16) throws(WireError) {
        let (hasLeaderEpoch, hasLastEpoch, hasLogStart) = (version >= 9, version >= 12, version >= 5)
        var fields = try reader.readFixed(
            16 + (hasLeaderEpoch ? 4 : 0) + (hasLastEpoch ? 4 : 0) + (hasLogStart ? 8 : 0))
        index = fields.int32()
        currentLeaderEpoch = hasLeaderEpoch ? fields.int32() : -1
        fetchOffset = fields.int64()
        lastFetchedEpoch = hasLastEpoch ? fields.int32() : -1
        logStartOffset = hasLogStart ? fields.int64() : -1
        maxBytes = fields.int32()
        if version >= 12, !reader.skipZero() { try Self.readTags(&reader, version: version) }
    }

    /// Which directory asks and how far it knows the log to be committed: of brokers only, and not needed.
    private static func readTags(_ reader: inout ByteReader, version: Int16) throws(WireError) {
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

/// Goes through the topics of a Fetch request: a topic, then its partitions until there is none, then the next topic.
package struct FetchTopicWalk {
    fileprivate var reader: ByteReader
    private let version: Int16
    private var topicsLeft: Int
    private var partitionsLeft = 0
    /// Whether names are checked to be UTF-8; the view does so once.
    fileprivate var checksNames = false

    fileprivate init(_ reader: inout ByteReader, version: Int16) throws(WireError) {
        self.version = version
        topicsLeft = try reader.readArrayCount(minimumSize: 3, flexible: version >= 12)
        self.reader = reader
    }

    package mutating func nextTopic() throws(WireError) -> FetchRequestView.Topic? {
        precondition(partitionsLeft == 0, "a topic's partitions come before the next topic")
        guard topicsLeft > 0 else { return nil }
        topicsLeft -= 1
        let topic = try FetchRequestView.Topic(from: &reader, version: version, checksName: checksNames)
        partitionsLeft = try reader.readArrayCount(minimumSize: 16, flexible: version >= 12)
        return topic
    }

    package mutating func nextPartition() throws(WireError) -> FetchRequestView.Partition? {
        guard partitionsLeft > 0 else {
            if version >= 12 { try reader.skipTaggedFields() }
            return nil
        }
        partitionsLeft -= 1
        return try FetchRequestView.Partition(from: &reader, version: version)
    }
}
