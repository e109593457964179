// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaProtocol

/// What many groups take: memory beside the bytes of the records that they are kept in; and a scrape of the metrics with
/// all of them, and what commits feel of it.
enum MemoryMeasurement {
    static func run(_ broker: BrokerProcess, groups: Int) throws {
        let client = try Client(port: broker.port)
        // What the partitions and their coordinators take by themselves is not the groups'.
        for number in 0..<500 {
            try CommitMeasurement.check(
                client.call(CommitMeasurement.request(1, group: "warm-\(number)"), version: 9))
        }
        head("groups", "bytes a group in memory", "in the log", "ratio", "MB in all")
        try measure(broker, "\(groups) of one offset", groups) {
            for number in 0..<groups {
                try CommitMeasurement.check(
                    client.call(CommitMeasurement.request(1, group: "other-\(number)"), version: 9))
            }
        }
        try measure(broker, "\(groups) of one member", groups) {
            // Their connections end, the members stay for their sessions. New groups wait for more members side by side.
            for first in stride(from: 0, to: groups, by: 500) {
                try Member.balanceAlone(
                    (first..<min(first + 500, groups)).map { try Member(port: broker.port, group: "small-\($0)") })
            }
        }
    }

    private static func measure(
        _ broker: BrokerProcess, _ name: String, _ groups: Int, _ make: () throws -> Void
    ) throws {
        let (memory, bytes) = (broker.anonymousBytes, broker.groupLogBytes)
        try make()
        let inMemory = (broker.anonymousBytes - memory) / Double(groups)
        let inLog = Double(broker.groupLogBytes - bytes) / Double(groups)
        row(
            name, text(inMemory, 0), text(inLog, 0), text(inMemory / inLog, 1),
            text(broker.anonymousBytes / 1_048_576, 1))
    }
}
