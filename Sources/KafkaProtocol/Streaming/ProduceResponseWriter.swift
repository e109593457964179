// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

/// Writes a Produce response piece by piece, without the structures of `ProduceResponse`: `begin`, then for each topic
/// `beginTopic`, its partitions and `endTopic`, then `end`.
@usableFromInline
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

    @usableFromInline let version: Int16
    @usableFromInline var topicsAt = 0
    @usableFromInline var topicCount = 0
    @usableFromInline var partitionsAt = 0
    @usableFromInline var partitionCount = 0

    @inlinable
    package init(version: Int16) { self.version = version }

    @inlinable @inline(__always)
    var flexible: Bool { version >= 9 }

    @inlinable @inline(__always)
    package mutating func begin(into writer: inout ByteWriter) {
        writer.writeFixed(4) { $0.arrayCount(flexible: flexible) }
        topicsAt = writer.count - (flexible ? 1 : 4)
    }

    /// - Parameter throttleTime: milliseconds; from version 1 on.
    @inlinable @inline(__always)
    package func end(throttleTime: Int32, into writer: inout ByteWriter) {
        writer.endArray(topicsAt, count: topicCount, flexible: flexible)
        writer.writeFixed(5) { fields in
            if version >= 1 { fields.int32(throttleTime) }
            if flexible { fields.uint8(0) }
        }
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

    /// The records have their place.
    ///
    /// - Parameters:
    ///   - logAppendTime: milliseconds since 1970, −1 where the records keep their own times; from version 2 on.
    ///   - logStartOffset: from version 5 on.
    @inlinable @inline(__always)
    package mutating func write(
        _ index: Int32, baseOffset: Int64, logAppendTime: Int64, logStartOffset: Int64, into writer: inout ByteWriter
    ) {
        partitionCount += 1
        writer.writeFixed(Self.fixedSize + 6) { fields in
            write(index, 0, baseOffset, logAppendTime, logStartOffset, into: &fields)
            // No records, no message.
            if version >= 8 {
                if flexible {
                    fields.uint8(1)
                    fields.uint8(0)
                } else {
                    fields.int32(0)
                    fields.int16(-1)
                }
            }
            if flexible { fields.uint8(0) }
        }
    }

    /// Bytes of the fields that every partition has.
    @inlinable
    static var fixedSize: Int { 4 + 2 + 3 * 8 }

    package mutating func write(
        _ index: Int32, _ refusal: Refusal, into writer: inout ByteWriter
    ) throws(WireError) {
        partitionCount += 1
        writer.writeFixed(Self.fixedSize) { write(index, refusal.errorCode, -1, -1, -1, into: &$0) }
        if version >= 8 {
            try writer.writeArray(refusal.records, version: version, flexible: flexible)
            try writer.writeNullableString(refusal.message, flexible: flexible)
        }
        if flexible { writer.writeUInt8(0) }
    }

    @inlinable @inline(__always)
    func write(
        _ index: Int32, _ errorCode: Int16, _ baseOffset: Int64, _ logAppendTime: Int64, _ logStartOffset: Int64,
        into fields: inout FixedFieldWriter
    ) {
        fields.int32(index)
        fields.int16(errorCode)
        fields.int64(baseOffset)
        if version >= 2 { fields.int64(logAppendTime) }
        if version >= 5 { fields.int64(logStartOffset) }
    }
}
