// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

/// Records of `__consumer_offsets` in the form of Kafka 2.4 and earlier.
enum OffsetsText {
    static func decode(_ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?) -> DecodedRecord {
        var decoded = DecodedRecord()
        guard let key else {
            decoded.problems = ["the record has no key, so it is not one of a coordinator"]
            return decoded
        }
        do throws(WireError) {
            var reader = ByteReader(key)
            let type = try reader.readInt16()
            switch GroupCoordinatorRecordType(rawValue: type) {
            case .legacyOffsetCommit, .offsetCommit:
                let key = try OffsetCommitKey(from: &reader, version: OffsetCommitKey.versions.lowerBound)
                let payload = try value.map { (value) throws(WireError) in try offset(value) }
                decoded.key = .text("offset_commit::group=\(key.group),partition=\(key.topic)-\(key.partition)")
                decoded.payload = .text(payload ?? "<DELETE>")
            case .groupMetadata:
                let key = try GroupMetadataKey(from: &reader, version: GroupMetadataKey.versions.lowerBound)
                let payload = try value.map { (value) throws(WireError) in try group(value) }
                decoded.key = .text("group_metadata::group=\(key.group)")
                decoded.payload = .text(payload ?? "<DELETE>")
            default:
                decoded.problems = ["record type \(type) is newer than this output format"]
            }
        } catch {
            decoded.problems = ["\(error)"]
        }
        return decoded
    }

    private static func offset(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> String {
        var reader = ByteReader(bytes)
        let value = try OffsetCommitValue(from: &reader, version: try reader.readInt16())
        return value.metadata.isEmpty
            ? "offset=\(value.offset)" : "offset=\(value.offset),metadata=\(value.metadata)"
    }

    private static func group(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> String {
        var reader = ByteReader(bytes)
        let value = try GroupMetadataValue(from: &reader, version: try reader.readInt16())
        let members = value.members.map { "\($0.memberID)=\(assignment($0, value.protocolType))" }
        var json = "{\"protocolType\":"
        JSONText.append(quoted: value.protocolType, to: &json)
        json += ",\"protocol\":"
        if let name = value.protocol { JSONText.append(quoted: name, to: &json) } else { json += "null" }
        json += ",\"generationId\":\(value.generation),\"assignment\":"
        JSONText.append(quoted: "{\(members.joined(separator: ","))}", to: &json)
        return json + "}"
    }

    private static func assignment(_ member: GroupMetadataValue.MemberMetadata, _ protocolType: String) -> String {
        guard protocolType == "consumer" else { return hex(member.assignment) }
        // The leader may not have assigned anything yet.
        if member.assignment.isEmpty { return "[]" }
        guard let (assigned, _) = ConsumerProtocolBytes.decode(ConsumerProtocolAssignment.self, member.assignment)
        else { return hex(member.assignment) }
        let partitions = assigned.assignedPartitions.flatMap { topic in
            topic.partitions.map { "\(topic.topic)-\($0)" }
        }
        let list = "[\(partitions.joined(separator: ", "))]"
        guard let userData = assigned.userData, !userData.isEmpty else { return list }
        return "\(list):\(hex(userData))"
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return digits.count == 1 ? "0\(digits)" : digits
        }.joined()
    }
}
