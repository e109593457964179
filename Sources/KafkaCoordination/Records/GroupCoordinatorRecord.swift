// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaProtocol

/// A record of the topic `__consumer_offsets`: a key, which begins with its type, and a value or nil, which deletes.
///
/// One case for every type that a broker of groups and offsets keeps; types of other coordinators that share the topic
/// (share and streams groups) are told apart by `decode` and stay in the log untouched.
package enum GroupCoordinatorRecord: Sendable {
    /// Type 0: an offset as brokers before 0.8.2 stored it. Read, never written except to delete it.
    case legacyOffsetCommit(LegacyOffsetCommitKey, LegacyOffsetCommitValue?)
    /// Type 1: the committed offset of one partition.
    case offsetCommit(OffsetCommitKey, OffsetCommitValue?)
    /// Type 2: a classic group with its members.
    case groupMetadata(GroupMetadataKey, GroupMetadataValue?)
    /// Type 3: a consumer group's epoch.
    case consumerGroupMetadata(ConsumerGroupMetadataKey, ConsumerGroupMetadataValue?)
    /// Type 4: a consumer group's view of its topics; only Kafka up to 4.0 writes values, later ones delete it.
    case consumerGroupPartitionMetadata(
        ConsumerGroupPartitionMetadataKey, ConsumerGroupPartitionMetadataValue?)
    /// Type 5: a member of a consumer group, and what it subscribed to.
    case consumerGroupMember(ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue?)
    /// Type 6: the epoch of a consumer group's target assignment.
    case consumerGroupTarget(
        ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue?)
    /// Type 7: what a member of a consumer group shall own.
    case consumerGroupTargetMember(
        ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue?)
    /// Type 8: what a member of a consumer group owns.
    case consumerGroupCurrentMember(
        ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue?)
    /// Type 16: the topics that a regular expression of a consumer group stands for.
    case consumerGroupRegularExpression(
        ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue?)
}

extension GroupCoordinatorRecord {
    /// What a record of the topic turned out to be.
    package enum Decoded: Sendable {
        case record(GroupCoordinatorRecord)
        /// A type that this coordinator does not keep; the record is left alone.
        case skipped(type: Int16)
    }

    /// Reads a record of the topic; a nil value deletes what the key names.
    ///
    /// - Throws: the error of malformed bytes, `.unsupportedVersion` of a value from a newer broker.
    package static func decode(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?
    ) throws(WireError) -> Decoded {
        var reader = ByteReader(key)
        let raw: Int16
        do throws(WireError) { raw = try reader.readInt16() } catch { throw error.inside("Type") }
        guard let type = GroupCoordinatorRecordType(rawValue: raw) else { return .skipped(type: raw) }
        switch type {
        case .legacyOffsetCommit:
            return .record(.legacyOffsetCommit(try body(&reader), try version(value)))
        case .offsetCommit: return .record(.offsetCommit(try body(&reader), try version(value)))
        case .groupMetadata: return .record(.groupMetadata(try body(&reader), try version(value)))
        case .consumerGroupMetadata:
            return .record(.consumerGroupMetadata(try body(&reader), try version(value)))
        case .consumerGroupPartitionMetadata:
            return .record(.consumerGroupPartitionMetadata(try body(&reader), try version(value)))
        case .consumerGroupMemberMetadata:
            return .record(.consumerGroupMember(try body(&reader), try version(value)))
        case .consumerGroupTargetAssignmentMetadata:
            return .record(.consumerGroupTarget(try body(&reader), try version(value)))
        case .consumerGroupTargetAssignmentMember:
            return .record(.consumerGroupTargetMember(try body(&reader), try version(value)))
        case .consumerGroupCurrentMemberAssignment:
            return .record(.consumerGroupCurrentMember(try body(&reader), try version(value)))
        case .consumerGroupRegularExpression:
            return .record(.consumerGroupRegularExpression(try body(&reader), try version(value)))
        case .shareGroupMemberMetadata, .shareGroupMetadata, .shareGroupTargetAssignmentMetadata,
            .shareGroupTargetAssignmentMember, .shareGroupCurrentMemberAssignment,
            .shareGroupStatePartitionMetadata,
            .streamsGroupMetadata, .streamsGroupMemberMetadata, .streamsGroupTargetAssignmentMetadata,
            .streamsGroupTargetAssignmentMember, .streamsGroupCurrentMemberAssignment,
            .streamsGroupTopology:
            return .skipped(type: raw)
        }
    }

    private static func body<Key: CoordinatorKey>(_ reader: inout ByteReader) throws(WireError) -> Key {
        let key = try Key(from: &reader, version: 0)
        try reader.expectEnd()
        return key
    }

    private static func version<Value: CoordinatorValue>(
        _ bytes: UnsafeRawBufferPointer?
    ) throws(WireError) -> Value? {
        guard let bytes else { return nil }
        var reader = ByteReader(bytes)
        let version: Int16
        do throws(WireError) { version = try reader.readInt16() } catch {
            throw error.inside("Version")
        }
        let value = try Value(from: &reader, version: version)
        try reader.expectEnd()
        return value
    }

    /// The key and value as the log holds them.
    ///
    /// Values are written in the versions that Apache Kafka 4 writes: an offset in version 4, or 1 where it carries a
    /// time to expire at, a classic group in version 3, the rest in version 0.
    ///
    /// - Throws: `.valueTooLarge` of a name over 32,767 bytes.
    package func encoded() throws(WireError) -> (key: [UInt8], value: [UInt8]?) {
        switch self {
        case .legacyOffsetCommit(let key, let value): return try Self.bytes(key, value, version: 0)
        case .offsetCommit(let key, let value):
            return try Self.bytes(key, value, version: (value?.expireTimestamp ?? -1) == -1 ? 4 : 1)
        case .groupMetadata(let key, let value): return try Self.bytes(key, value, version: 3)
        case .consumerGroupMetadata(let key, let value): return try Self.bytes(key, value, version: 0)
        case .consumerGroupPartitionMetadata(let key, let value):
            return try Self.bytes(key, value, version: 0)
        case .consumerGroupMember(let key, let value): return try Self.bytes(key, value, version: 0)
        case .consumerGroupTarget(let key, let value): return try Self.bytes(key, value, version: 0)
        case .consumerGroupTargetMember(let key, let value):
            return try Self.bytes(key, value, version: 0)
        case .consumerGroupCurrentMember(let key, let value):
            return try Self.bytes(key, value, version: 0)
        case .consumerGroupRegularExpression(let key, let value):
            return try Self.bytes(key, value, version: 0)
        }
    }

    private static func bytes<Key: CoordinatorKey, Value: CoordinatorValue>(
        _ key: Key, _ value: Value?, version: Int16
    ) throws(WireError) -> (key: [UInt8], value: [UInt8]?) {
        let keyBytes = try key.encodedKey()
        guard let value else { return (keyBytes, nil) }
        return (keyBytes, try value.encodedValue(version: version))
    }
}
