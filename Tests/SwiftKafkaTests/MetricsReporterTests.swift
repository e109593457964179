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
        let url = try #require(URL(string: "http://127.0.0.1:\(port)/metrics"))
        let text = try String(contentsOf: url, encoding: .utf8)
        #expect(text.contains("kafka_server_kafkaserver_brokerstate 3"))
        #expect(text.contains("kafka_network_socketserver_networkprocessoravgidlepercent "))
        await broker.shutdown()
        #expect(throws: (any Error).self) { try String(contentsOf: url, encoding: .utf8) }
    }
}
