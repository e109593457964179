// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Testing

/// `max.connection.creation.rate` and the quota `connection_creation_rate` (KIP-612), in virtual time.
///
/// Rates are measured over two windows of a second, so that after a quiet time a second's worth may come at once.
@Suite struct ConnectionRatesTests {
    private func makeBroker(_ settings: [String: String] = [:]) throws -> TestBroker {
        try TestBroker(["quota.window.num": "2"].merging(settings) { $1 })
    }

    private func setQuota(_ rate: Double?, of address: String?, _ broker: TestBroker) throws {
        let response = try broker.call(
            AlterClientQuotasRequest(entries: [
                .init(
                    entity: [.init(entityType: "ip", entityName: address)],
                    ops: [.init(key: "connection_creation_rate", value: rate ?? 0, remove: rate == nil)])
            ]))
        #expect(response.entries.map(\.errorCode) == [0], "\(response.entries.first?.errorMessage ?? "")")
    }

    /// Connections that have asked something.
    private func asking(_ count: Int, _ broker: TestBroker, from client: String = "other", port: UInt16 = 9092) throws
        -> [TestConnection]
    {
        try (0..<count).map { _ in
            let connection = broker.connect(from: client, port: port)
            try connection.send(ApiVersionsRequest(), version: 0)
            return connection
        }
    }

    private func served(_ connections: [TestConnection]) -> Int { connections.count { !$0.frames.isEmpty } }
    private func closed(_ connections: [TestConnection]) -> Int { connections.count { $0.isClosed } }

    // MARK: Broker and listeners

    @Test func `connections beyond the broker's rate wait for their turn and are served then`() throws {
        let broker = try makeBroker(["max.connection.creation.rate": "5"])
        try broker.world.advance(by: 10_000)
        let began = broker.host.runtime.clock.monotonicMilliseconds
        let connections = try asking(20, broker)
        var most = 0.0
        while served(connections) < 20 {
            try broker.world.advance(by: 100)
            let seconds = Double(broker.host.runtime.clock.monotonicMilliseconds - began) / 1_000
            // A window's worth may come at once.
            most = max(most, Double(served(connections)) - 5 * (seconds + 1))
            if seconds > 30 { break }
        }
        #expect(served(connections) == 20 && closed(connections) == 0)
        #expect(most <= 1)
        #expect(broker.host.runtime.clock.monotonicMilliseconds - began > 2_000)
        #expect(broker.log.complaints == [])
    }

    @Test func `the rate can be changed while connections wait`() throws {
        let broker = try makeBroker()
        _ = broker.connection
        func set(_ rate: String) throws {
            let altered = try broker.call(
                IncrementalAlterConfigsRequest(resources: [
                    .init(
                        resourceType: 4, resourceName: "",
                        configs: [.init(name: "max.connection.creation.rate", configOperation: 0, value: rate)])
                ]))
            #expect(altered.responses.map(\.errorCode) == [0])
        }
        try set("1")
        let connections = try asking(30, broker)
        try broker.world.advance(by: 3_000)
        #expect(served(connections) < 10)
        try set("1000")
        try broker.world.advance(by: 2_000)
        #expect(served(connections) == 30)
    }

    @Test func `a listener may have a rate and a number of connections of its own`() throws {
        let broker = try makeBroker([
            "listeners": "A://:9092,B://:9093,C://:9094",
            "advertised.listeners": "A://broker:9092,B://broker:9093,C://broker:9094",
            "listener.security.protocol.map": "A:PLAINTEXT,B:PLAINTEXT,C:PLAINTEXT", "inter.broker.listener.name": "C",
            "listener.name.b.max.connection.creation.rate": "2", "listener.name.a.max.connections": "3",
        ])
        #expect(broker.log.complaints == [])
        let first = try asking(10, broker, port: 9092)
        let second = try asking(10, broker, port: 9093)
        let third = try asking(10, broker, port: 9094)
        try broker.world.advance(by: 100)
        #expect(served(first) == 3)
        #expect((1...3).contains(served(second)))
        #expect(served(third) == 10)
        try broker.world.advance(by: 20_000)
        #expect(served(first) == 3)
        #expect(served(second) == 10)
        for connection in first where !connection.frames.isEmpty { connection.close() }
        try broker.world.advance(by: 100)
        #expect(served(first) == 6)
    }

    @Test func `the listener between brokers is not held up by the clients' rate`() throws {
        let broker = try makeBroker([
            "listeners": "A://:9092,B://:9093", "advertised.listeners": "A://broker:9092,B://broker:9093",
            "listener.security.protocol.map": "A:PLAINTEXT,B:PLAINTEXT", "inter.broker.listener.name": "B",
            "max.connection.creation.rate": "1",
        ])
        let clients = try asking(10, broker, port: 9092)
        let brokers = try asking(10, broker, port: 9093)
        try broker.world.advance(by: 100)
        #expect(served(clients) < 10)
        #expect(served(brokers) == 10)
    }

    @Test func `a stop does not wait for who waits`() throws {
        let broker = try makeBroker(["max.connection.creation.rate": "1"])
        try setQuota(1, of: "10.0.0.9", broker)
        let connections = try asking(10, broker)
        try broker.world.advance(by: 100)
        try broker.shutdown()
        try broker.world.advance(by: 100)
        #expect(closed(connections) == 10)
    }

    // MARK: Addresses

    @Test func `an address beyond its quota is held and closed, others are served`() throws {
        let broker = try makeBroker()
        _ = broker.connection
        let hostile = broker.world.host("hostile").address
        try setQuota(2, of: hostile, broker)
        let connections = try asking(6, broker, from: "hostile")
        try broker.world.advance(by: 100)
        #expect(served(connections) == 2)
        #expect(closed(connections) == 0)
        #expect(served(try asking(0, broker, from: "other")) == 0)
        let others = try asking(20, broker, from: "other")
        try broker.world.advance(by: 100)
        #expect(served(others) == 20)
        try broker.world.advance(by: 1_000)
        #expect(closed(connections) == 4)
        #expect(served(connections) == 2)
        // Those that were not let in do not count.
        try broker.world.advance(by: 450)
        let later = try asking(1, broker, from: "hostile")
        try broker.world.advance(by: 100)
        #expect(served(later) == 1)
        #expect(broker.log.complaints == [])
    }

    @Test func `the default quota is for each address by itself, and goes when it is removed`() throws {
        let broker = try makeBroker()
        _ = broker.connection
        try setQuota(2, of: nil, broker)
        let one = try asking(4, broker, from: "one")
        let two = try asking(4, broker, from: "two")
        try broker.world.advance(by: 100)
        #expect(served(one) == 2 && served(two) == 2)
        try setQuota(nil, of: nil, broker)
        let free = try asking(20, broker, from: "one")
        try broker.world.advance(by: 100)
        #expect(served(free) == 20)
    }

    @Test func `held connections take no places from others`() throws {
        let broker = try makeBroker(["max.connections": "4"])
        _ = broker.connection
        let hostile = broker.world.host("hostile").address
        try setQuota(1, of: hostile, broker)
        let connections = try asking(9, broker, from: "hostile")
        try broker.world.advance(by: 100)
        #expect(served(connections) == 1)
        #expect(closed(connections) == 0)
        let others = try asking(3, broker, from: "other")
        try broker.world.advance(by: 100)
        #expect(served(others) == 2)
        try broker.world.advance(by: 9_000)
        #expect(closed(connections) == 8)
        // The end of one that was held frees nothing.
        #expect(served(others) == 2)
        others[0].close()
        try broker.world.advance(by: 100)
        #expect(served(others) == 3)
    }

    @Test func `who gives up while it is held costs nothing`() throws {
        let broker = try makeBroker(["max.connections": "3"])
        _ = broker.connection
        try setQuota(1, of: broker.world.host("hostile").address, broker)
        for _ in 0..<20 {
            let connections = try asking(2, broker, from: "hostile")
            try broker.world.advance(by: 50)
            for connection in connections { connection.close() }
            try broker.world.advance(by: 1_100)
        }
        let others = try asking(2, broker, from: "other")
        try broker.world.advance(by: 1_100)
        #expect(served(others) == 2)
    }
}
