// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// Writes a Produce response piece by piece, without the structures of `ProduceResponse`: `begin`, then for each topic
/// `beginTopic`, its partitions and `endTopic`, then `end`.
package struct ProduceResponseWriter {
    /// Why nothing was appended to a partition.
    package struct Refusal {
        package let errorCode: Int16
        /// The single records that are the reason; from version 8 on.
        package let records: [ProduceResponse.BatchIndexAndErrorMessage]
        /// From version 8 on.
        package let message: String?

        package init(
            errorCode: Int16, records: [ProduceResponse.BatchIndexAndErrorMessage] = [], message: String? = nil
        ) {
            self.errorCode = errorCode
            self.records = records
            self.message = message
        }
    }

    private let version: Int16
    private let flexible: Bool
    private var topicsAt = 0
    private var topicCount = 0
    private var partitionsAt = 0
    private var partitionCount = 0

    package init(version: Int16) {
        self.version = version
        flexible = version >= 9
    }

    package mutating func begin(into writer: inout ByteWriter) {
        topicsAt = writer.beginArray(flexible: flexible)
    }

    /// - Parameter throttleTime: milliseconds; from version 1 on.
    package mutating func end(throttleTime: Int32, into writer: inout ByteWriter) {
        writer.endArray(topicsAt, count: topicCount, flexible: flexible)
        if version >= 1 { writer.writeInt32(throttleTime) }
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

    /// The records have their place.
    ///
    /// - Parameters:
    ///   - logAppendTime: milliseconds since 1970, −1 where the records keep their own times; from version 2 on.
    ///   - logStartOffset: from version 5 on.
    package mutating func write(
        _ index: Int32, baseOffset: Int64, logAppendTime: Int64, logStartOffset: Int64, into writer: inout ByteWriter
    ) {
        writeFixed(index, 0, baseOffset, logAppendTime, logStartOffset, into: &writer)
        // No records, no message.
        if version >= 8 {
            if flexible {
                writer.writeUInt8(1)
                writer.writeUInt8(0)
            } else {
                writer.writeInt32(0)
                writer.writeInt16(-1)
            }
        }
        if flexible { writer.writeUInt8(0) }
    }

    package mutating func write(
        _ index: Int32, _ refusal: Refusal, into writer: inout ByteWriter
    ) throws(WireError) {
        writeFixed(index, refusal.errorCode, -1, -1, -1, into: &writer)
        if version >= 8 {
            try writer.writeArray(refusal.records, version: version, flexible: flexible)
            try writer.writeNullableString(refusal.message, flexible: flexible)
        }
        if flexible { writer.writeUInt8(0) }
    }

    private mutating func writeFixed(
        _ index: Int32, _ errorCode: Int16, _ baseOffset: Int64, _ logAppendTime: Int64, _ logStartOffset: Int64,
        into writer: inout ByteWriter
    ) {
        partitionCount += 1
        writer.writeInt32(index)
        writer.writeInt16(errorCode)
        writer.writeInt64(baseOffset)
        if version >= 2 { writer.writeInt64(logAppendTime) }
        if version >= 5 { writer.writeInt64(logStartOffset) }
    }
}
