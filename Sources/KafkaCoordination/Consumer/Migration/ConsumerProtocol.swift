// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

/// The messages that consumers of the classic protocol put into the bytes of their group's requests: a version, then the
/// message.
enum ConsumerProtocol {
    static let name = "consumer"

    /// Nil where the bytes are something else. A version above the newest known is read as that: later versions only add
    /// fields behind.
    static func subscription(_ bytes: [UInt8]) -> ConsumerProtocolSubscription? {
        decode(bytes)
    }

    /// The assigned partitions of the topics that exist; nothing where the bytes are empty, nil where they are something
    /// else.
    static func assignment(_ bytes: [UInt8], _ metadata: any GroupMetadataView) -> TopicPartitionSet? {
        if bytes.isEmpty { return TopicPartitionSet() }
        guard let assignment: ConsumerProtocolAssignment = decode(bytes) else { return nil }
        return TopicPartitionSet(
            assignment.assignedPartitions.lazy.compactMap { topic in
                metadata.topicID(named: topic.topic).map { ($0, topic.partitions) }
            })
    }

    /// What a member says it owns, of the topics that exist.
    static func ownedPartitions(
        _ subscription: ConsumerProtocolSubscription, _ metadata: any GroupMetadataView
    ) -> TopicPartitionSet {
        TopicPartitionSet(
            subscription.ownedPartitions.lazy.compactMap { topic in
                metadata.topicID(named: topic.topic).map { ($0, topic.partitions) }
            })
    }

    /// An assignment for a member, in the version that its subscription was written in.
    static func encode(
        _ partitions: TopicPartitionSet, forSubscription subscription: [UInt8], _ metadata: any GroupMetadataView
    ) -> [UInt8] {
        let versions = ConsumerProtocolAssignment.versions
        let version = min(max(self.version(subscription) ?? 0, versions.lowerBound), versions.upperBound)
        let assignment = ConsumerProtocolAssignment(
            assignedPartitions: partitions.topics.compactMap { topic in
                metadata.topicName(of: topic.id).map { .init(topic: $0, partitions: topic.partitions) }
            })
        var writer = ByteWriter()
        writer.writeInt16(version)
        do throws(WireError) {
            try assignment.encode(into: &writer, version: version)
        } catch {
            preconditionFailure("names of topics and numbers of partitions can be written: \(error)")
        }
        return writer.toArray()
    }

    private static func version(_ bytes: [UInt8]) -> Int16? {
        guard bytes.count >= 2 else { return nil }
        return Int16(bitPattern: UInt16(bytes[0]) << 8 | UInt16(bytes[1]))
    }

    private static func decode<Message: WireMessage>(_ bytes: [UInt8]) -> Message? {
        bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            guard let version = try? reader.readInt16(), version >= 0 else { return nil }
            return try? Message(from: &reader, version: min(version, Message.versions.upperBound))
        }
    }
}
