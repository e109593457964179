// SPDX-License-Identifier: Apache-2.0
import Foundation

/// From the first JoinGroup to the last assignment of all members, beside the bare server, which waits for as many frames
/// and answers with as many bytes.
enum RebalanceMeasurement {
    private static let runs = 7

    static func run(_ broker: BrokerProcess, _ bare: BareServer, members count: Int) throws {
        let members = try (0..<count).map { _ in try Member(port: broker.port, group: "balanced-\(count)") }
        let others = try (0..<count).map { _ in try Client(port: bare.port) }
        var exchanges = try Member.balance(members)
        var times = (broker: [Double](), bare: [Double]())
        let before = broker.cpuSeconds
        for _ in 0..<runs {
            let began = now()
            exchanges = try Member.balance(members)
            times.broker.append((now() - began) * 1_000)
        }
        let cpu = (broker.cpuSeconds - before) * 1_000 / Double(runs)
        for _ in 0..<runs {
            let began = now()
            for phase in [exchanges.joins, exchanges.syncs] {
                for (client, exchange) in zip(others, phase) {
                    try client.sendBare(exchange, stores: false, waitingFor: count)
                }
                for client in others { try client.receiveFrame() }
            }
            times.bare.append((now() - began) * 1_000)
        }
        row(
            "\(count)", text(median(times.broker), 1), text(times.broker.max() ?? 0, 1), text(median(times.bare), 1),
            text(median(times.broker) / median(times.bare), 1), text(cpu, 1))
    }
}
