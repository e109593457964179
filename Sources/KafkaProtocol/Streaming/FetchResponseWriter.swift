// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// Writes a Fetch response piece by piece, without the structures of `FetchResponse`: `begin`, then for each topic
/// `beginTopic`, its partitions and `endTopic`, then `end`.
package struct FetchResponseWriter {
    /// One partition's answer without its records.
    package struct Partition {
        package var index: Int32
        package var errorCode: Int16 = 0
        package var highWatermark: Int64 = -1
        package var lastStableOffset: Int64 = -1
        package var logStartOffset: Int64 = -1
        /// Where the client's log and the leader's part; from version 12 on.
        package var diverging: (epoch: Int32, endOffset: Int64)?

        package init(index: Int32) { self.index = index }
    }

    private let version: Int16
    private let flexible: Bool
    private var topicsAt = 0
    private var topicCount = 0
    private var partitionsAt = 0
    private var partitionCount = 0

    package init(version: Int16) {
        self.version = version
        flexible = version >= 12
    }

    /// - Parameters:
    ///   - throttleTime: milliseconds; from version 1 on.
    ///   - errorCode: of the whole request; from version 7 on.
    package mutating func begin(
        throttleTime: Int32 = 0, errorCode: Int16 = 0, sessionID: Int32, into writer: inout ByteWriter
    ) {
        if version >= 1 { writer.writeInt32(throttleTime) }
        if version >= 7 {
            writer.writeInt16(errorCode)
            writer.writeInt32(sessionID)
        }
        topicsAt = writer.beginArray(flexible: flexible)
    }

    package mutating func end(into writer: inout ByteWriter) {
        writer.endArray(topicsAt, count: topicCount, flexible: flexible)
        if flexible { writer.writeUInt8(0) }
    }

    /// - Parameter topic: a name of at most 32,767 bytes up to version 12, an id from version 13 on.
    package mutating func beginTopic(_ topic: NamedTopic, into writer: inout ByteWriter) {
        topicCount += 1
        partitionCount = 0
        writer.writeName(of: topic, byID: version >= 13, flexible: flexible)
        partitionsAt = writer.beginArray(flexible: flexible)
    }

    package mutating func endTopic(into writer: inout ByteWriter) {
        writer.endArray(partitionsAt, count: partitionCount, flexible: flexible)
        if flexible { writer.writeUInt8(0) }
    }

    /// - Parameters:
    ///   - aborted: nil for readers of uncommitted records (KIP-98).
    ///   - records: `.spliced` where they come from a file.
    package mutating func write(
        _ partition: Partition, aborted: [FetchResponse.AbortedTransaction]?, records: RecordBytes,
        into writer: inout ByteWriter
    ) throws(WireError) {
        partitionCount += 1
        writer.writeInt32(partition.index)
        writer.writeInt16(partition.errorCode)
        writer.writeInt64(partition.highWatermark)
        if version >= 4 { writer.writeInt64(partition.lastStableOffset) }
        if version >= 5 { writer.writeInt64(partition.logStartOffset) }
        if version >= 4 {
            if let aborted {
                try writer.writeArray(aborted, version: version, flexible: flexible)
            } else {
                writer.writeNullLength(flexible: flexible)
            }
        }
        if version >= 11 { writer.writeInt32(-1) }
        if records.count == 0, !records.isNull {
            // Most fetches find nothing.
            if flexible { writer.writeUInt8(1) } else { writer.writeInt32(0) }
        } else {
            try writer.writeNullableRecords(records, flexible: flexible)
        }
        if flexible { writeTags(partition, into: &writer) }
    }

    private func writeTags(_ partition: Partition, into writer: inout ByteWriter) {
        guard let diverging = partition.diverging else { return writer.writeUInt8(0) }
        writer.writeUInt8(1)
        writer.writeUnsignedVarint(0)
        let start = writer.beginSizedField()
        writer.writeInt32(diverging.epoch)
        writer.writeInt64(diverging.endOffset)
        writer.writeUInt8(0)
        writer.endSizedField(start)
    }
}
