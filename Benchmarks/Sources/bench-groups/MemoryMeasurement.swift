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
        try measure(broker, "\(groups) of one offset", groups) { number in
            try CommitMeasurement.check(
                client.call(CommitMeasurement.request(1, group: "other-\(number)"), version: 9))
        }
        var connection: Member?
        try measure(broker, "\(groups) of one member", groups) { number in
            // The connection ends, the member stays for its session.
            connection = try Member(port: broker.port, group: "small-\(number)")
            if let connection { try Member.balance([connection]) }
        }
        connection = nil
    }

    private static func measure(
        _ broker: BrokerProcess, _ name: String, _ groups: Int, _ make: (Int) throws -> Void
    ) throws {
        let (memory, bytes) = (broker.anonymousBytes, broker.groupLogBytes)
        for number in 0..<groups { try make(number) }
        let inMemory = (broker.anonymousBytes - memory) / Double(groups)
        let inLog = Double(broker.groupLogBytes - bytes) / Double(groups)
        row(
            name, text(inMemory, 0), text(inLog, 0), text(inMemory / inLog, 1),
            text(broker.anonymousBytes / 1_048_576, 1))
    }
}
