// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaConsole
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Logging
import Testing

/// A broker on a simulated host whose metrics are served there, on port 9404.
final class TestConsole {
    let world: SimulatedRuntime
    let node: BrokerNode
    let console: ConsoleListener
    private let reason = Reason()

    private final class Reason: @unchecked Sendable {
        var text: String?
    }

    var failureReason: String? {
        get { reason.text }
        set { reason.text = newValue }
    }

    init(_ settings: [String: String] = [:]) throws {
        world = SimulatedRuntime(seed: 1, options: .immediate)
        let host = world.host("broker")
        var all = [
            "listeners": "PLAINTEXT://:9092", "advertised.listeners": "PLAINTEXT://broker:9092", "log.dirs": "/data",
            "metrics.listener": "http://broker:9404",
        ]
        all.merge(settings) { $1 }
        let quiet = ComponentLoggers { Logger(label: $0) { _ in SwiftLogNoOpLogHandler() } }
        node = BrokerNode(
            configuration: try BrokerConfiguration(all), runtime: host.runtime, loggers: quiet,
            measurement: Measurement(processStatistics: {
                ProcessStatistics(residentMemory: 12_345, cpuSeconds: 1.5, openDescriptors: 7, maxDescriptors: 100)
            }))
        let metrics = try #require(node.metrics)
        console = ConsoleListener(
            metrics, runtime: host.runtime, log: quiet.logger("metrics"), failureReason: { [reason] in reason.text })
        let address = try #require(node.configuration.metrics.listener)
        #expect(try console.start(on: address) == SocketAddress(host: "broker", port: 9404))
    }

    func startBroker() throws {
        nonisolated(unsafe) var outcome: Result<Void, StartError>?
        node.start { outcome = $0 }
        #expect(try world.run(within: 60_000) { outcome != nil })
        try outcome?.get()
    }

    func connect() -> TestHTTPClient { TestHTTPClient(world) }

    /// The body of `/metrics`.
    func scrape() throws -> String { try connect().get("/metrics").body }

    /// The value of a series, named as in the text; nil where there is none.
    static func value(of series: String, in text: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix(series + " ") }.map { String($0.dropFirst(series.count + 1)) }
    }
}

/// A client's end of an HTTP connection to `TestConsole`.
final class TestHTTPClient: ConnectionHandler, @unchecked Sendable {
    struct Answer: Equatable {
        let status: Int
        let head: String
        let body: String
    }

    struct NoAnswer: Error {
        let received: String
    }

    private let world: SimulatedRuntime
    private var connection: (any Connection)?
    private var received: [UInt8] = []
    private(set) var closeReason: CloseReason?

    init(_ world: SimulatedRuntime) {
        self.world = world
        let runtime = world.host("client").runtime
        runtime.network.connect(
            to: SocketAddress(host: "broker", port: 9404), on: runtime.network.reactors[0], options: ListenOptions()
        ) { result in
            self.connection = try? result.get()
            return self.connection == nil ? nil : self
        }
    }

    var isConnected: Bool { connection != nil }

    func send(_ text: String) throws {
        _ = try world.run(within: 60_000) { self.connection != nil }
        let connection = try #require(self.connection)
        let bytes = Array(text.utf8)
        connection.queue.async { bytes.withUnsafeBytes { connection.send($0) } }
    }

    /// The next answer.
    func receive() throws -> Answer {
        nonisolated(unsafe) var answer: Answer?
        _ = try world.run(within: 60_000) {
            answer = answer ?? self.takeAnswer()
            return answer != nil || self.closeReason != nil
        }
        guard let answer = answer ?? takeAnswer() else {
            throw NoAnswer(received: String(decoding: received, as: UTF8.self))
        }
        return answer
    }

    func get(_ path: String) throws -> Answer {
        try send("GET \(path) HTTP/1.1\r\nHost: broker\r\n\r\n")
        return try receive()
    }

    func waitForClose(within milliseconds: Int64 = 60_000) throws -> Bool {
        try world.run(within: milliseconds) { self.closeReason != nil }
    }

    private func takeAnswer() -> Answer? {
        let text = String(decoding: received, as: UTF8.self)
        guard let headEnd = text.ranges(of: "\r\n\r\n").first else { return nil }
        let head = String(text[..<headEnd.lowerBound])
        let lines = head.split(separator: "\r\n")
        let length =
            lines.compactMap { line in
                line.hasPrefix("Content-Length: ") ? Int(line.dropFirst("Content-Length: ".count)) : nil
            }.first ?? 0
        let bodyStart = head.utf8.count + 4
        guard received.count >= bodyStart + length else { return nil }
        let body = String(decoding: received[bodyStart..<(bodyStart + length)], as: UTF8.self)
        received.removeFirst(bodyStart + length)
        return Answer(status: Int(lines[0].split(separator: " ")[1]) ?? 0, head: head, body: body)
    }

    // MARK: ConnectionHandler

    func received(_ bytes: UnsafeMutableRawBufferPointer) -> Consumption {
        received += bytes
        return Consumption(consumed: bytes.count)
    }

    func drained() {}

    func closed(_ reason: CloseReason) { closeReason = reason }
}
