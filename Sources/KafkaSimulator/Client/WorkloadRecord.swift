// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// The numbered records that workloads write, so that whoever reads them can tell whether one is missing, doubled, out
/// of order or altered.
package enum WorkloadRecord {
    /// The partition's record `number`: eight bytes of number, then bytes that follow from number and partition.
    package static func value(number: Int64, partition: TopicPartition, size: Int) -> [UInt8] {
        var value = withUnsafeBytes(of: number.bigEndian) { Array($0) }
        var filler = SplitMix64(seed: UInt64(bitPattern: number) &+ EventTrace.hash(of: partition.description))
        while value.count < max(8, size) {
            withUnsafeBytes(of: filler.next()) { value.append(contentsOf: $0.prefix(max(8, size) - value.count)) }
        }
        return value
    }

    package static func key(number: Int64, partition: TopicPartition) -> [UInt8] {
        Array("\(partition)/\(number)".utf8)
    }

    /// The number that a value claims to be; nil for fewer than eight bytes.
    static func number(of value: UnsafeRawBufferPointer) -> Int64? {
        value.count >= 8 ? Int64(bigEndian: value.loadUnaligned(as: Int64.self)) : nil
    }
}
