// SPDX-License-Identifier: Apache-2.0
import CLoad
import Foundation

/// What a scrape of the metrics costs a broker with many partitions: the server's CPU time, the time to the answer, its
/// size; and what measuring costs requests, beside a broker that measures nothing.
struct ScrapeMeasurement {
    private static let partitions = 1_000
    private static let scrapes = 200

    static func run(_ options: Options, _ broker: String) throws {
        Report.heading("Metrics: \(partitions) partitions, \(scrapes) scrapes")
        Report.line("| | CPU ms a scrape | p50 ms | p99 ms | KiB |\n|---|--:|--:|--:|--:|")
        let metricsPort = load_free_port()
        let server = try ServerProcess.broker(
            broker, reactors: 2, properties: ["metrics.listener=http://127.0.0.1:\(metricsPort)"]
        ).server
        try KafkaCall.createTopic("many", partitions: partitions, port: server.port)
        var answer: [UInt8] = []
        try retry {
            answer = try scrape(metricsPort)
            guard String(decoding: answer, as: UTF8.self).contains("partition=\"\(partitions - 1)\"") else {
                throw BenchmarkError("the partitions are not there")
            }
        }
        try row("scrape", answer.count, server) { _ = try scrape(metricsPort) }
        let bare = try ServerProcess.bare()
        let request = bareRequest(answer.count)
        try row("as many bytes from a bare server", answer.count, bare) {
            _ = try receive(bare.port, request, answer.count)
        }
        bare.stop()
        server.stop()
        try compareLoad(options, broker)
    }

    /// Small requests with and without metrics, in turns.
    private static func compareLoad(_ options: Options, _ broker: String) throws {
        Report.line("\n| load | CPU µs a request, without metrics | with |\n|---|--:|--:|")
        let loads = [
            Workload(
                name: "100 B fetch, nothing new, 100 connections × 5", kind: .fetchNothing, connections: 100, depth: 5),
            Workload(
                name: "produce 1 KiB, 10 connections × 5", kind: .produce(batch: 1 << 10), connections: 10, depth: 5),
        ]
        for workload in loads {
            let settings = [[], ["metrics.listener=http://127.0.0.1:\(load_free_port())"]]
            var servers: [ServerProcess] = []
            for properties in settings {
                let server = try ServerProcess.broker(broker, reactors: 1, properties: properties).server
                try KafkaCall.createTopic(Workload.topic, partitions: workload.partitions, port: server.port)
                try retry { try workload.prepare(port: server.port) }
                _ = try workload.run(port: server.port, seconds: options.seconds / 4)
                servers.append(server)
            }
            var measured = [Measurement(), Measurement()]
            for run in 0..<options.runs {
                for turn in run % 2 == 0 ? [0, 1] : [1, 0] {
                    try measured[turn].add(workload, servers[turn], seconds: options.seconds)
                }
            }
            let columns = measured.map { String(format: "%.2f", $0.cpuMicroseconds) }
            Report.line("| \(workload.name) | \(columns.joined(separator: " | ")) |")
        }
    }

    private static func row(_ name: String, _ bytes: Int, _ server: ServerProcess, _ once: () throws -> Void) throws {
        let before = server.cpuSeconds
        var milliseconds: [Double] = []
        for _ in 0..<scrapes {
            let begin = load_now()
            try once()
            milliseconds.append(Double(load_now() - begin) / 1e6)
        }
        let cpu = (server.cpuSeconds - before) * 1_000 / Double(scrapes)
        milliseconds.sort()
        let columns = [cpu, milliseconds[scrapes / 2], milliseconds[scrapes * 99 / 100]].map {
            String(format: "%.2f", $0)
        }
        Report.line("| \(name) | \(columns.joined(separator: " | ")) | \(bytes >> 10) |")
    }

    /// Asks the bare server for an answer of `count` bytes (see `bare_serve`).
    private static func bareRequest(_ count: Int) -> [UInt8] {
        func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
        return number(9) + [0] + number(1) + number(count - 4)
    }

    /// The whole answer, head included.
    private static func scrape(_ port: UInt16) throws -> [UInt8] {
        try receive(port, Array("GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n".utf8), .max)
    }

    /// What a new connection gets for a request: `count` bytes, or all until the other end closes.
    private static func receive(_ port: UInt16, _ request: [UInt8], _ count: Int) throws -> [UInt8] {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) == 0 }
        }
        guard isConnected, write(descriptor, request, request.count) == request.count else {
            throw BenchmarkError("nobody serves metrics")
        }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while received.count < count {
            let size = read(descriptor, &buffer, buffer.count)
            guard size > 0 else { return received }
            received += buffer[..<size]
        }
        return received
    }
}
