// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaProtocol

/// Commits a second of one offset each, beside the bare server, which appends the same bytes to a file and answers as
/// many; in turns.
struct CommitMeasurement {
    private static let turns = 4

    let connections: Int
    let groups: Int

    private struct Figures {
        var count = 0
        var seconds = 0.0
        var cpu = 0.0

        var rate: Double { Double(count) / seconds }
        var cpuMicroseconds: Double { cpu * 1e6 / Double(count) }
    }

    static func request(_ offset: Int64, group: String) -> OffsetCommitRequest {
        OffsetCommitRequest(
            groupID: group, generationIDOrMemberEpoch: -1,
            topics: [.init(name: "t", partitions: [.init(partitionIndex: 0, committedOffset: offset)])])
    }

    static func check(_ answer: OffsetCommitResponse) throws {
        guard answer.topics.first?.partitions.first?.errorCode == 0 else { throw BenchmarkError("OffsetCommit failed") }
    }

    func run(_ broker: BrokerProcess, _ bare: BareServer, seconds: Double) throws {
        let clients = try (0..<connections).map { _ in try Client(port: broker.port) }
        let others = try (0..<connections).map { _ in try Client(port: bare.port) }
        var offset: Int64 = 0
        func commitOnce() throws {
            for (number, client) in clients.enumerated() {
                offset += 1
                try client.send(Self.request(offset, group: "g\(number % groups)"), version: 9)
            }
            for client in clients { try Self.check(client.receive(OffsetCommitResponse.self, version: 9)) }
        }
        for _ in 0..<200 { try commitOnce() }
        let exchange = clients[0].last
        func answerOnce() throws {
            for client in others { try client.sendBare(exchange, stores: true) }
            for client in others { try client.receiveFrame() }
        }
        for _ in 0..<200 { try answerOnce() }
        var figures = (broker: Figures(), bare: Figures())
        for _ in 0..<Self.turns {
            try measure(seconds / Double(Self.turns), { broker.cpuSeconds }, &figures.broker, commitOnce)
            try measure(seconds / Double(Self.turns), { bare.cpuSeconds }, &figures.bare, answerOnce)
        }
        row(
            "\(connections) connections, \(groups) groups", text(figures.broker.rate, 0), text(figures.bare.rate, 0),
            text(figures.broker.rate / figures.bare.rate, 2), text(figures.broker.cpuMicroseconds, 1),
            text(figures.bare.cpuMicroseconds, 1),
            text(figures.broker.cpuMicroseconds / figures.bare.cpuMicroseconds, 1))
    }

    private func measure(
        _ seconds: Double, _ cpu: () -> Double, _ figures: inout Figures, _ once: () throws -> Void
    ) throws {
        let (began, before) = (now(), cpu())
        while now() - began < seconds {
            try once()
            figures.count += connections
        }
        figures.seconds += now() - began
        figures.cpu += cpu() - before
    }
}
