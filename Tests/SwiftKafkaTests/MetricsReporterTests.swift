// SPDX-License-Identifier: Apache-2.0
import CoreMetrics
import Foundation
import KafkaProtocol
import SwiftKafka
import Synchronization
import Testing

@Suite struct MetricsReporterTests {
    /// Adds up what it is handed, by label and dimensions.
    private final class Collector: MetricsFactory, Sendable {
        final class Handler: CounterHandler, FloatingPointCounterHandler, RecorderHandler, TimerHandler, Sendable {
            let sum = Mutex(0.0)
            let count = Atomic<Int>(0)

            func increment(by amount: Int64) { add(Double(amount)) }
            func increment(by amount: Double) { add(amount) }
            func reset() {}
            func record(_ value: Int64) { set(Double(value)) }
            func record(_ value: Double) { set(value) }
            func recordNanoseconds(_ duration: Int64) { add(Double(duration)) }

            private func add(_ amount: Double) {
                sum.withLock { $0 += amount }
                count.add(1, ordering: .relaxed)
            }

            private func set(_ value: Double) {
                sum.withLock { $0 = value }
                count.add(1, ordering: .relaxed)
            }
        }

        private let handlers = Mutex<[String: Handler]>([:])

        private func handler(_ label: String, _ dimensions: [(String, String)]) -> Handler {
            let name = label + dimensions.map { "{\($0.0)=\($0.1)}" }.joined()
            return handlers.withLock { handlers in
                if let known = handlers[name] { return known }
                let made = Handler()
                handlers[name] = made
                return made
            }
        }

        func value(_ name: String) -> Double? { handlers.withLock { $0[name] }?.sum.withLock { $0 } }

        func count(_ name: String) -> Int { handlers.withLock { $0[name] }?.count.load(ordering: .relaxed) ?? 0 }

        func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
            handler(label, dimensions)
        }
        func makeFloatingPointCounter(
            label: String, dimensions: [(String, String)]
        ) -> any FloatingPointCounterHandler { handler(label, dimensions) }
        func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
            handler(label, dimensions)
        }
        func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { handler(label, dimensions) }
        func destroyCounter(_ handler: any CounterHandler) {}
        func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
        func destroyRecorder(_ handler: any RecorderHandler) {}
        func destroyTimer(_ handler: any TimerHandler) {}
    }

    @Test func `a program that has bootstrapped swift-metrics gets the broker's metrics`() async throws {
        let collector = Collector()
        MetricsSystem.bootstrap(collector)
        var options = BrokerOptions()
        options.metricsInterval = .milliseconds(5)
        let broker = try Broker.inMemory(options)
        try await broker.start()
        let port = try #require(broker.boundAddresses["PLAINTEXT"]).port
        let client = try await LoopbackClient.connect(to: "127.0.0.1", port: port)
        for _ in 0..<3 { _ = try await client.call(ApiVersionsRequest(), version: 0) }
        let requests = "kafka_network_requestmetrics_requests_total{request=ApiVersions}{version=0}"
        for _ in 0..<400 where collector.value(requests) != 3 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(collector.value(requests) == 3)
        #expect(collector.value("kafka_controller_kafkacontroller_activecontrollercount") == 1)
        #expect(collector.count("kafka_network_requestmetrics_totaltimems{request=ApiVersions}") == 3)
        #expect(collector.value("kafka_network_requestmetrics_requestbytes_count{request=ApiVersions}") == 3)
        #expect((collector.value("process_resident_memory_bytes") ?? 0) > 0)
        await broker.shutdown()
    }

    @Test func `an embedded broker serves its metrics where the configuration says`() async throws {
        let broker = try Broker.inMemory(["metrics.listener": "http://127.0.0.1:0"])
        #expect(broker.metricsPort == nil)
        try await broker.start()
        let port = try #require(broker.metricsPort)
        let text = try #require(Self.get("/metrics", port: port))
        #expect(text.contains("kafka_server_kafkaserver_brokerstate 3"))
        #expect(text.contains("kafka_network_socketserver_networkprocessoravgidlepercent "))
        await broker.shutdown()
        #expect(Self.get("/metrics", port: port) == nil)
    }

    /// What a server on the loopback interface answers, head and body; nil where nobody listens.
    private static func get(_ path: String, port: UInt16) -> String? {
        #if canImport(Glibc)
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) == 0 }
        }
        let request = Array("GET \(path) HTTP/1.1\r\nConnection: close\r\n\r\n".utf8)
        guard isConnected, write(descriptor, request, request.count) == request.count else { return nil }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: received, as: UTF8.self) }
            received += buffer[..<count]
        }
    }
}
