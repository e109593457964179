// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRuntime
import KafkaServer
import Testing

@Suite struct ConfigurationListenerTests {
    /// Each listener as `NAME address advertised`, with `controller` behind those that are.
    private func listeners(_ text: String) throws -> [String] {
        let properties = try Properties(parsing: Array(text.utf8))
        return try BrokerConfiguration.load(properties, hostName: "host").configuration.network.listeners.map {
            "\($0.name) \($0.address) \($0.advertisedAddress?.description ?? "-")"
                + ($0.isController ? " controller" : "")
        }
    }

    private func problem(_ text: String) throws -> String? {
        do {
            _ = try listeners(text)
            return nil
        } catch let error as ConfigurationError {
            return error.description
        }
    }

    @Test(arguments: [
        ("listeners=PLAINTEXT://:9092", ["PLAINTEXT :9092 host:9092"]),
        ("listeners=plaintext://127.0.0.1:0", ["PLAINTEXT 127.0.0.1:0 127.0.0.1:0"]),
        ("listeners=PLAINTEXT://[::1]:9092", ["PLAINTEXT [::1]:9092 [::1]:9092"]),
        ("listeners=PLAINTEXT://::1:9092", ["PLAINTEXT [::1]:9092 [::1]:9092"]),
        (
            "listeners=PLAINTEXT://0.0.0.0:1\nadvertised.listeners=PLAINTEXT://a.example:2",
            ["PLAINTEXT 0.0.0.0:1 a.example:2"]
        ),
        ("advertised.listeners=PLAINTEXT://:2", ["PLAINTEXT :9092 host:2"]),
        (
            "listeners=A://:1, B://:2\nlistener.security.protocol.map=a:plaintext, B : PLAINTEXT\nadvertised.listeners=B://b:3",
            ["A :1 -", "B :2 b:3"]
        ),
        (
            "listeners=PLAINTEXT://:1,CONTROLLER://:2\ncontroller.listener.names=CONTROLLER",
            ["PLAINTEXT :1 host:1", "CONTROLLER :2 host:2 controller"]
        ),
        (
            "listeners=PLAINTEXT://:1,CONTROLLER://:2\ncontroller.listener.names=controller\nadvertised.listeners=PLAINTEXT://a:1",
            ["PLAINTEXT :1 a:1", "CONTROLLER :2 host:2 controller"]
        ),
        (
            "listeners=A://127.0.0.1:1,B://[::1]:1\nlistener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT",
            ["A 127.0.0.1:1 127.0.0.1:1", "B [::1]:1 [::1]:1"]
        ),
        (
            "listeners=A://:0,B://:0\nlistener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT",
            ["A :0 host:0", "B :0 host:0"]
        ),
    ])
    func `listeners are read with what they advertise`(text: String, expected: [String]) throws {
        #expect(try listeners(text) == expected)
    }

    @Test(arguments: [
        "localhost:9092", "://a:1", "PLAINTEXT:/a:1", "PLAINTEXT://a", "PLAINTEXT://a:", "PLAINTEXT://a:65536",
        "PLAINTEXT://a:-1", "PLAINTEXT://a:x", "PLAINTEXT://a b:1", "PLAINTEXT://a/b:1", "PLAIN TEXT://a:1",
        "PLAINTEXT://[::1:1", "ä://a:1", "PLAINTEXT://",
    ])
    func `what is no listener is refused`(listener: String) throws {
        let expected = "listeners=\(listener) must be a list of NAME://host:port with a port from 0 to 65535 (line 1)"
        #expect(try problem("listeners=\(listener)") == expected)
    }

    @Test(arguments: [
        ("listeners=PLAINTEXT://:1,PLAINTEXT://:2", "must not name a listener twice; PLAINTEXT is (line 1)"),
        ("listeners=A://:1", "must only name listeners of listener.security.protocol.map; A is none (line 1)"),
        (
            "listeners=SSL://:1",
            "must only name listeners with the protocol PLAINTEXT; SSL has SSL, and TLS and SASL are not supported yet (line 1)"
        ),
        (
            "listeners=A://:1\nlistener.security.protocol.map=A:TLS",
            "must be a list of NAME:PROTOCOL, the protocol one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL (line 2)"
        ),
        (
            "listeners=PLAINTEXT://0.0.0.0:1",
            "must advertise an address that clients can reach, not 0.0.0.0: set advertised.listeners (line 1)"
        ),
        (
            "listeners=PLAINTEXT://[::]:1",
            "must advertise an address that clients can reach, not ::: set advertised.listeners (line 1)"
        ),
        (
            "advertised.listeners=PLAINTEXT://0.0.0.0:1",
            "must advertise an address that clients can reach, not 0.0.0.0: set advertised.listeners (line 1)"
        ),
        ("advertised.listeners=B://b:1", "must only name listeners of listeners; B is none (line 1)"),
        (
            "advertised.listeners=PLAINTEXT://b:1,PLAINTEXT://c:1",
            "must not name a listener twice; PLAINTEXT is (line 1)"
        ),
        (
            "listeners=PLAINTEXT://:1\ncontroller.listener.names=PLAINTEXT",
            "must have an advertised listener that is not the controller's (line 1)"
        ),
        (
            "listeners=PLAINTEXT://:1\ncontroller.listener.names=CONTROLLER",
            "must name listeners of listeners; CONTROLLER is none (line 2)"
        ),
        ("inter.broker.listener.name=B", "must be an advertised listener: PLAINTEXT (line 1)"),
        (
            "inter.broker.listener.name=PLAINTEXT\nsecurity.inter.broker.protocol=PLAINTEXT",
            "must not be set together with security.inter.broker.protocol (line 1)"
        ),
        ("security.inter.broker.protocol=SSL", "must be the name of an advertised listener: PLAINTEXT (line 1)"),
    ])
    func `listeners that cannot work together are refused`(text: String, reason: String) throws {
        let found = try #require(try problem(text)).split(separator: "\n")
        #expect(found.contains { $0.hasSuffix(" " + reason) }, "\(found)")
    }

    @Test(arguments: [
        "A://:1,B://:1", "A://127.0.0.1:1,B://127.0.0.2:1", "A://[::1]:1,B://[::2]:1", "A://a:1,B://[::1]:1",
    ])
    func `a port belongs to one listener unless they differ in the version of IP`(listeners: String) throws {
        let map = "listener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT"
        let found = try problem("\(map)\nlisteners=\(listeners)")
        #expect(found?.contains("must not use a port twice, except by an IPv4 and an IPv6 address; 1 is") == true)
    }

    @Test func `brokers talk on the first listener when none is named`() throws {
        let map = "A:PLAINTEXT,B:PLAINTEXT"
        let settings = ["listeners": "A://:1,B://:2", "listener.security.protocol.map": map]
        #expect(try BrokerConfiguration(settings).interBrokerListenerName == "A")
        let named = settings.merging(["inter.broker.listener.name": "b"]) { $1 }
        #expect(try BrokerConfiguration(named).interBrokerListenerName == "B")
    }

    @Test(
        arguments: [
            ("controller.quorum.voters=1@localhost:9093", nil),
            ("controller.quorum.voters=", nil),
            ("node.id=3\ncontroller.quorum.voters=3@c3.example:9093", nil),
            (
                "controller.quorum.voters=2@localhost:9093",
                "must only name node.id=1: other nodes in the quorum are not supported yet (line 1)"
            ),
            (
                "controller.quorum.voters=1@a:1,1@b:1",
                "must only name this node: other nodes in the quorum are not supported yet (line 1)"
            ),
            ("controller.quorum.voters=localhost:9093", "must be a list of id@host:port (line 1)"),
            ("controller.quorum.voters=1@localhost", "must be a list of id@host:port (line 1)"),
            ("controller.quorum.bootstrap.servers=localhost:9093", nil),
            ("controller.quorum.bootstrap.servers=127.0.0.1:9093", nil),
            ("controller.quorum.bootstrap.servers=[::1]:9093", nil),
            ("advertised.listeners=PLAINTEXT://a:1\ncontroller.quorum.bootstrap.servers=a:9093", nil),
            ("controller.quorum.bootstrap.servers=localhost", "must be a list of host:port (line 1)"),
            (
                "controller.quorum.bootstrap.servers=b:9093",
                "must only name a controller listener of this node, by localhost or its advertised host: "
                    + "other nodes in the quorum are not supported yet (line 1)"
            ),
            (
                "controller.quorum.bootstrap.servers=localhost:1,localhost:2",
                "must only name a controller listener of this node, by localhost or its advertised host: "
                    + "other nodes in the quorum are not supported yet (line 1)"
            ),
            (
                "controller.quorum.bootstrap.servers=localhost:1\nlisteners=PLAINTEXT://:3,C://:2\ncontroller.listener.names=C",
                "must only name a controller listener of this node, by localhost or its advertised host: "
                    + "other nodes in the quorum are not supported yet (line 1)"
            ),
        ] as [(String, String?)])
    func `the quorum may only be this node`(text: String, reason: String?) throws {
        let found = try problem(text)
        #expect((found == nil) == (reason == nil), "\(found ?? "")")
        if let reason { #expect(found?.hasSuffix(" " + reason) == true, "\(found ?? "")") }
    }
}
