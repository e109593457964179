// SPDX-License-Identifier: Apache-2.0
import CLoad
import Foundation
import KafkaProtocol

/// A scrape of the metrics with all groups that there are, beside the bare server, which sends as many bytes; and what
/// commits feel of scrapes.
enum ScrapeMeasurement {
    private static let scrapes = 20
    private static let request = Array("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8)

    static func run(_ broker: BrokerProcess, _ bare: BareServer, seconds: Double) throws {
        var answer: [UInt8] = []
        for _ in 0..<3 { answer = try scrape(broker.metricsPort) }
        guard String(decoding: answer, as: UTF8.self).contains("kafka_consumergroup_lag{") else {
            throw BenchmarkError("there is no lag in the metrics")
        }
        var times = (broker: [Double](), bare: [Double]())
        let before = broker.cpuSeconds
        for _ in 0..<scrapes {
            let began = now()
            _ = try scrape(broker.metricsPort)
            times.broker.append((now() - began) * 1_000)
        }
        let cpu = (broker.cpuSeconds - before) * 1_000 / Double(scrapes)
        let client = try Client(port: bare.port)
        // The bare server sends at most a MiB at once.
        let pieces = max(1, (answer.count + (1 << 20) - 1) >> 20)
        for _ in 0..<scrapes {
            let began = now()
            for _ in 0..<pieces {
                try client.sendBare(Exchange(sent: request.count, received: answer.count / pieces), stores: false)
                try client.receiveFrame()
            }
            times.bare.append((now() - began) * 1_000)
        }
        head("scrape", "p50 ms", "CPU ms", "KiB", "bare server p50 ms", "ratio")
        row(
            "with these groups", text(median(times.broker), 1), text(cpu, 1), "\(answer.count >> 10)",
            text(median(times.bare), 1), text(median(times.broker) / median(times.bare), 1))
        try commits(broker, seconds: seconds)
    }

    /// The time of single commits, without scrapes and with one after the other.
    private static func commits(_ broker: BrokerProcess, seconds: Double) throws {
        head("commit, 1 connection", "p50 µs", "p99 µs", "p99.9 µs", "longest µs")
        try measureCommits(broker, "alone", seconds)
        let isOver = Flag()
        let port = broker.metricsPort
        let thread = Thread {
            while !isOver.isSet {
                _ = try? scrape(port)
                usleep(100_000)
            }
        }
        thread.start()
        defer { isOver.set() }
        try measureCommits(broker, "beside ten scrapes a second", seconds)
    }

    private static func measureCommits(_ broker: BrokerProcess, _ name: String, _ seconds: Double) throws {
        let client = try Client(port: broker.port)
        var times: [Double] = []
        let end = now() + seconds
        var offset: Int64 = 0
        while now() < end {
            let began = now()
            offset += 1
            let group = "other-\(offset % 1_000)"
            try CommitMeasurement.check(client.call(CommitMeasurement.request(offset, group: group), version: 9))
            times.append((now() - began) * 1e6)
        }
        row(
            name, text(median(times), 0), text(percentile(times, 0.99), 0), text(percentile(times, 0.999), 0),
            text(times.max() ?? 0, 0))
    }

    /// The whole answer, head included.
    private static func scrape(_ port: UInt16) throws -> [UInt8] {
        let client = try Client(port: port)
        try client.sendBytes(request)
        return try client.readToEnd()
    }
}

/// Set by one thread and read by another.
final class Flag: @unchecked Sendable {
    private let lock = NSLock()
    private var value = false

    var isSet: Bool { lock.withLock { value } }

    func set() { lock.withLock { value = true } }
}
