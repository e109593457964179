// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

/// Writes a Fetch response piece by piece, without the structures of `FetchResponse`: `begin`, then for each topic
/// `beginTopic`, its partitions and `endTopic`, then `end`.
@usableFromInline
package struct FetchResponseWriter {
    /// One partition's answer without its records.
    @usableFromInline
    package struct Partition {
        @usableFromInline package var index: Int32
        @usableFromInline package var errorCode: Int16
        @usableFromInline package var highWatermark: Int64
        @usableFromInline package var lastStableOffset: Int64
        @usableFromInline package var logStartOffset: Int64

        @inlinable
        package init(
            index: Int32, errorCode: Int16 = 0, highWatermark: Int64 = -1, lastStableOffset: Int64 = -1,
            logStartOffset: Int64 = -1
        ) {
            self.index = index
            self.errorCode = errorCode
            self.highWatermark = highWatermark
            self.lastStableOffset = lastStableOffset
            self.logStartOffset = logStartOffset
        }
    }

    @usableFromInline let version: Int16
    @usableFromInline var topicsAt = 0
    @usableFromInline var topicCount = 0
    @usableFromInline var partitionsAt = 0
    @usableFromInline var partitionCount = 0

    @inlinable
    package init(version: Int16) { self.version = version }

    @inlinable @inline(__always)
    var flexible: Bool { version >= 12 }

    /// - Parameters:
    ///   - throttleTime: milliseconds; from version 1 on.
    ///   - errorCode: of the whole request; from version 7 on.
    @inlinable @inline(__always)
    package mutating func begin(
        throttleTime: Int32 = 0, errorCode: Int16 = 0, sessionID: Int32, into writer: inout ByteWriter
    ) {
        writer.writeFixed(4 + 2 + 4 + 4) { fields in
            if version >= 1 { fields.int32(throttleTime) }
            if version >= 7 {
                fields.int16(errorCode)
                fields.int32(sessionID)
            }
            fields.arrayCount(flexible: flexible)
        }
        topicsAt = writer.count - (flexible ? 1 : 4)
    }

    @inlinable @inline(__always)
    package func end(into writer: inout ByteWriter) {
        writer.endArrayAndTags(topicsAt, count: topicCount, flexible: flexible)
    }

    /// - Parameter topic: a name of at most 32,767 bytes up to version 12, an id from version 13 on.
    @inlinable @inline(__always)
    package mutating func beginTopic(_ topic: NamedTopic, into writer: inout ByteWriter) {
        topicCount += 1
        partitionCount = 0
        partitionsAt = writer.beginTopic(topic, byID: version >= 13, flexible: flexible)
    }

    @inlinable @inline(__always)
    package func endTopic(into writer: inout ByteWriter) {
        writer.endArrayAndTags(partitionsAt, count: partitionCount, flexible: flexible)
    }

    /// A partition without records: most fetches find none.
    ///
    /// - Parameter committedOnly: whether the reader sees committed records only; others get null for the transactions
    ///   that were aborted (KIP-98).
    @inlinable @inline(__always)
    package mutating func writeEmpty(_ partition: Partition, committedOnly: Bool, into writer: inout ByteWriter) {
        partitionCount += 1
        writer.writeFixed(Self.fixedSize + 4 + 4 + 4) { fields in
            write(partition, into: &fields)
            if version >= 4 {
                if flexible { fields.uint8(committedOnly ? 1 : 0) } else { fields.int32(committedOnly ? 0 : -1) }
            }
            if version >= 11 { fields.int32(-1) }
            if flexible {
                fields.uint8(1)
                fields.uint8(0)
            } else {
                fields.int32(0)
            }
        }
    }

    /// - Parameters:
    ///   - diverging: where the client's log and the leader's part; from version 12 on.
    ///   - aborted: nil for readers of uncommitted records (KIP-98).
    ///   - records: `.spliced` where they come from a file.
    package mutating func write(
        _ partition: Partition, diverging: (epoch: Int32, endOffset: Int64)? = nil,
        aborted: [FetchResponse.AbortedTransaction]?, records: RecordBytes, into writer: inout ByteWriter
    ) throws(WireError) {
        partitionCount += 1
        writer.writeFixed(Self.fixedSize) { write(partition, into: &$0) }
        if version >= 4 {
            if let aborted {
                try writer.writeArray(aborted, version: version, flexible: flexible)
            } else {
                writer.writeNullLength(flexible: flexible)
            }
        }
        if version >= 11 { writer.writeInt32(-1) }
        try writer.writeNullableRecords(records, flexible: flexible)
        if flexible { Self.writeTags(diverging, into: &writer) }
    }

    /// Bytes of the fields that every partition has.
    @inlinable
    static var fixedSize: Int { 4 + 2 + 3 * 8 }

    @inlinable @inline(__always)
    func write(_ partition: Partition, into fields: inout FixedFieldWriter) {
        fields.int32(partition.index)
        fields.int16(partition.errorCode)
        fields.int64(partition.highWatermark)
        if version >= 4 { fields.int64(partition.lastStableOffset) }
        if version >= 5 { fields.int64(partition.logStartOffset) }
    }

    private static func writeTags(
        _ diverging: (epoch: Int32, endOffset: Int64)?, into writer: inout ByteWriter
    ) {
        guard let diverging else { return writer.writeUInt8(0) }
        writer.writeUInt8(1)
        writer.writeUnsignedVarint(0)
        let start = writer.beginSizedField()
        writer.writeInt32(diverging.epoch)
        writer.writeInt64(diverging.endOffset)
        writer.writeUInt8(0)
        writer.endSizedField(start)
    }
}
