// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Testing

@testable import KafkaConsole

@Suite struct ConsoleListenerTests {
    @Test func `readiness begins with service and ends with it, health does not`() throws {
        let console = try TestConsole()
        #expect(try console.connect().get("/readyz").status == 503)
        #expect(try console.connect().get("/healthz").status == 200)
        #expect(TestConsole.value(of: "kafka_server_kafkaserver_brokerstate", in: try console.scrape()) == "1")
        try console.startBroker()
        #expect(try console.connect().get("/readyz").status == 200)
        #expect(TestConsole.value(of: "kafka_server_kafkaserver_brokerstate", in: try console.scrape()) == "3")
        console.failureReason = "the disk is gone"
        let unhealthy = try console.connect().get("/healthz")
        #expect(unhealthy.status == 503)
        #expect(unhealthy.body == "the disk is gone\n")
        #expect(try console.connect().get("/readyz").status == 503)
        nonisolated(unsafe) var isStopped = false
        console.failureReason = nil
        console.node.shutdown { isStopped = true }
        #expect(try console.world.run(within: 60_000) { isStopped })
        #expect(try console.connect().get("/readyz").status == 503)
        #expect(try console.connect().get("/healthz").status == 200)
    }

    @Test func `metrics come as text of Prometheus`() throws {
        let console = try TestConsole()
        try console.startBroker()
        let answer = try console.connect().get("/metrics")
        #expect(answer.status == 200)
        #expect(answer.head.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8"))
        let values: KeyValuePairs = [
            "process_resident_memory_bytes": "12345", "process_cpu_seconds_total": "1.5", "process_open_fds": "7",
            "kafka_controller_kafkacontroller_activecontrollercount": "1",
            "kafka_controller_kafkacontroller_activebrokercount": "1",
            "kafka_server_replicamanager_underreplicatedpartitions": "0",
            "kafka_server_brokertopicmetrics_messagesin_total": "0",
            "kafka_server_delayedoperationpurgatory_purgatorysize{delayedOperation=\"Fetch\"}": "0",
            "kafka_server_socket_server_metrics_connection_count{listener=\"PLAINTEXT\"}": "0",
            "kafka_log_logmanager_logdirectoryoffline{logDirectory=\"/data\"}": "0",
        ]
        for (series, value) in values { #expect(TestConsole.value(of: series, in: answer.body) == value, "\(series)") }
        for line in answer.body.split(separator: "\n") where !line.hasPrefix("#") {
            #expect(line.split(separator: " ").count == 2 && Double(line.split(separator: " ")[1]) != nil, "\(line)")
        }
    }

    @Test func `a connection may ask again and again, and several things at once`() throws {
        let console = try TestConsole()
        let client = console.connect()
        #expect(try client.get("/healthz").status == 200)
        #expect(try client.get("/nothing").status == 404)
        let request = "GET /healthz HTTP/1.1\r\n\r\n"
        try client.send(String(repeating: request, count: 20) + "DELETE / HTTP/1.1\r\n\r\nHEAD /healthz HTTP/1.1\r\n")
        for _ in 0..<20 { #expect(try client.receive().body == "OK\n") }
        let refused = try client.receive()
        #expect(refused.status == 405)
        #expect(refused.head.contains("Allow: GET, HEAD"))
        try client.send("Connection: close\r\n\r\n")
        #expect(try client.waitForClose())
    }

    @Test func `a request in pieces is answered once it is whole`() throws {
        let console = try TestConsole()
        let client = console.connect()
        for character in "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" { try client.send("\(character)") }
        #expect(try client.receive().status == 200)
    }

    @Test(arguments: [
        ("\u{0}\u{1}\u{2}\r\n\r\n", 400), ("GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 413),
        ("GET / HTTP/1.1\r\nX: " + String(repeating: "y", count: 100_000), 431),
    ])
    func `what is no request is answered an error and ends the connection`(text: String, status: Int) throws {
        let console = try TestConsole()
        let client = console.connect()
        try client.send(text)
        #expect(try client.receive().status == status)
        #expect(try client.waitForClose())
        #expect(try console.connect().get("/healthz").status == 200)
    }

    @Test func `a client that sends half a request is not waited for`() throws {
        let console = try TestConsole()
        let client = console.connect()
        try client.send("GET /metrics HTTP/1.1\r\n")
        #expect(try !client.waitForClose(within: ConsoleListener.patience - 1_000))
        #expect(try client.waitForClose(within: 2_000))
    }

    @Test func `many silent connections keep nobody out for long`() throws {
        let console = try TestConsole()
        let silent = (0..<100).map { _ in console.connect() }
        #expect(try console.world.run(within: 1_000) { silent.allSatisfy(\.isConnected) })
        #expect(try console.connect().get("/healthz").status == 200)
    }

    @Test func `scrapes that come together share one`() throws {
        let console = try TestConsole()
        try console.startBroker()
        let clients = (0..<10).map { _ in console.connect() }
        for client in clients { try client.send("GET /metrics HTTP/1.1\r\n\r\n") }
        for client in clients { #expect(try client.receive().body.contains("swiftkafka_uptime_seconds")) }
    }

    @Test func `after the end nobody is answered`() throws {
        let console = try TestConsole()
        let client = console.connect()
        #expect(try client.get("/healthz").status == 200)
        console.console.stop()
        #expect(try client.waitForClose())
    }
}
