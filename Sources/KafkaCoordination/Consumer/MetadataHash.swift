// SPDX-License-Identifier: Apache-2.0
import KafkaBase

/// A number that changes when what a group's assignment depends on does: ids, partitions and racks of its topics.
///
/// It is stored with the group's epoch. Apache Kafka computes another number from the same; a group that passes from one
/// broker to the other only gets a new epoch by that, and nothing moves.
enum MetadataHash {
    /// - Parameter topics: ascending. Those that do not exist count for nothing.
    /// - Returns: 0 where none exists.
    static func compute(topics: [String], _ metadata: any GroupMetadataView) -> Int64 {
        var hash = FNV1a()
        var isEmpty = true
        for topic in topics {
            guard let id = metadata.topicID(named: topic), let partitions = metadata.partitionCount(of: id) else {
                continue
            }
            isEmpty = false
            hash.add(id.high)
            hash.add(id.low)
            hash.add(topic)
            hash.add(UInt64(partitions))
            for partition in 0..<partitions {
                let racks = metadata.racks(of: id, partition: Int32(partition))
                hash.add(UInt64(racks.count))
                for rack in racks { hash.add(rack) }
            }
        }
        return isEmpty ? 0 : Int64(bitPattern: hash.value)
    }

    /// The 64-bit hash of Fowler, Noll and Vo: the same in every process.
    private struct FNV1a {
        private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

        mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }

        mutating func add(_ number: UInt64) {
            for shift in stride(from: UInt64(0), to: 64, by: 8) { add(UInt8(truncatingIfNeeded: number >> shift)) }
        }

        mutating func add(_ text: String) {
            for byte in text.utf8 { add(byte) }
            add(UInt64(text.utf8.count))
        }
    }
}
