// SPDX-License-Identifier: Apache-2.0

/// Compares what a consumer read with what a producer was promised.
package enum WorkloadVerdict {
    /// What is wrong; empty when every record that was acknowledged is there once, in order, where the broker said.
    ///
    /// A record that was sent and not acknowledged may be there or not; it too must not be doubled or out of order.
    package static func findings(_ producer: SimulatedProducer, _ consumer: SimulatedConsumer) -> [String] {
        var findings = producer.failures + consumer.findings
        for partition in 0..<producer.workload.partitions {
            let numbers = consumer.numbers(partition)
            if let wrong = numbers.enumerated().first(where: { $0.element != Int64($0.offset) }) {
                findings.append("partition \(partition): record \(wrong.element) stands in place \(wrong.offset)")
            }
            let acknowledged = producer.acknowledgedCount(partition)
            if Int64(numbers.count) < acknowledged {
                findings.append("partition \(partition): \(acknowledged) are acknowledged, \(numbers.count) are there")
            }
            let misplaced = producer.acknowledgedOffsets(partition).first { number, offset in
                !(0..<Int64(numbers.count)).contains(offset) || numbers[Int(offset)] != number
            }
            if let misplaced {
                findings.append("partition \(partition): record \(misplaced.number) is not at \(misplaced.offset)")
            }
        }
        return findings
    }
}
