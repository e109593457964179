// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRuntime
import KafkaServer
import KafkaStorage
import Testing

@Suite struct ConfigurationLegacyTests {
    private func load(_ text: String) throws -> BrokerConfiguration.Loaded {
        try BrokerConfiguration.load(Properties(parsing: Array(text.utf8)), hostName: "host")
    }

    @Test func `a file from the time of ZooKeeper starts a single node`() throws {
        let loaded = try load(
            """
            broker.id=0
            host.name=10.0.0.1
            port=9095
            advertised.host.name=kafka.example
            num.network.threads=3
            log.dirs=/data
            num.partitions=4
            log.retention.hours=168
            log.message.timestamp.difference.max.ms=1000
            log.default.flush.interval.ms=50
            log.cleanup.interval.mins=2
            replica.lag.max.messages=4000
            zookeeper.connect=localhost:2181
            zookeeper.connection.timeout.ms=6000
            inter.broker.protocol.version=2.4
            """)
        let configuration = loaded.configuration
        #expect(configuration.nodeID == 0)
        #expect(configuration.network.listeners.count == 1)
        #expect(configuration.network.listeners[0].address.description == "10.0.0.1:9095")
        #expect(configuration.network.listeners[0].advertisedAddress?.description == "kafka.example:9095")
        #expect(configuration.topicDefaults.log.messageTimestampBeforeMaxMs == 1000)
        #expect(configuration.topicDefaults.log.messageTimestampAfterMaxMs == 1000)
        #expect(configuration.topicDefaults.log.flushMs == 50)
        #expect(configuration.storage.retentionCheckInterval == 120_000)
        #expect(
            loaded.warnings.map(\.description) == [
                "host.name is obsolete: taken into listeners (line 2)",
                "port is obsolete: taken into listeners (line 3)",
                "advertised.host.name is obsolete: taken into advertised.listeners (line 4)",
                "broker.id is obsolete: taken as node.id (line 1)",
                "log.cleanup.interval.mins is obsolete: taken as log.retention.check.interval.ms (line 11)",
                "log.default.flush.interval.ms is obsolete: taken as log.flush.interval.ms (line 10)",
                "log.message.timestamp.difference.max.ms is obsolete: taken as "
                    + "log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms (line 9)",
                "replica.lag.max.messages is obsolete and ignored: "
                    + "followers are judged by replica.lag.time.max.ms alone (line 12)",
                "zookeeper.connect is obsolete and ignored: "
                    + "there is no ZooKeeper; this node keeps the cluster's metadata itself (line 13)",
                "zookeeper.connection.timeout.ms is obsolete and ignored: "
                    + "there is no ZooKeeper; this node keeps the cluster's metadata itself (line 14)",
                "inter.broker.protocol.version is obsolete and ignored: versions are negotiated (line 15)",
            ])
    }

    @Test func `the file that Apache Kafka comes with starts`() throws {
        let loaded = try load(
            """
            process.roles=broker,controller
            node.id=1
            controller.quorum.bootstrap.servers=localhost:9093
            listeners=PLAINTEXT://:9092,CONTROLLER://:9093
            inter.broker.listener.name=PLAINTEXT
            advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
            controller.listener.names=CONTROLLER
            listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
            num.network.threads=3
            num.io.threads=8
            log.dirs=/tmp/kraft-combined-logs
            offsets.topic.replication.factor=1
            """)
        #expect(loaded.configuration.network.listeners.map(\.isController) == [false, true])
        #expect(loaded.configuration.interBrokerListenerName == "PLAINTEXT")
        #expect(
            loaded.warnings.map(\.description) == ["num.io.threads has no effect in this broker (line 10)"])
    }

    @Test(arguments: [
        ("port=1\nlisteners=PLAINTEXT://:2", ":2", "port is obsolete and ignored, because listeners is set (line 1)"),
        ("port=1", ":1", "port is obsolete: taken into listeners (line 1)"),
        ("host.name=::1", "[::1]:9092", "host.name is obsolete: taken into listeners (line 1)"),
        ("host.name=[::1]", "[::1]:9092", "host.name is obsolete: taken into listeners (line 1)"),
    ])
    func `old addresses become listeners unless there are some`(text: String, address: String, warning: String) throws {
        let loaded = try load(text)
        #expect(loaded.configuration.network.listeners[0].address.description == address)
        #expect(loaded.warnings.map(\.description) == [warning])
    }

    @Test func `the advertised port falls back to the port that is listened on`() throws {
        let listener = try load("host.name=a\nport=7\nadvertised.port=8").configuration.network.listeners[0]
        #expect(listener.advertisedAddress?.description == "a:8")
        let other = try load("port=7\nadvertised.host.name=b").configuration.network.listeners[0]
        #expect(other.advertisedAddress?.description == "b:7")
    }

    @Test func `a broker id of minus one leaves the node its default id`() throws {
        let loaded = try load("broker.id=-1")
        #expect(loaded.configuration.nodeID == 1)
        #expect(
            loaded.warnings.map(\.description) == [
                "broker.id asks for an automatic id, which no longer exists: set node.id (line 1)"
            ])
        #expect(try load("broker.id=5\nnode.id=5").warnings.isEmpty)
    }

    @Test func `a successor that is set counts`() throws {
        let loaded = try load(
            """
            log.message.timestamp.difference.max.ms=5
            log.message.timestamp.after.max.ms=6
            log.default.flush.scheduler.interval.ms=7
            log.flush.scheduler.interval.ms=8
            """)
        #expect(loaded.configuration.topicDefaults.log.messageTimestampBeforeMaxMs == 5)
        #expect(loaded.configuration.topicDefaults.log.messageTimestampAfterMaxMs == 6)
        #expect(loaded.configuration.storage.flushCheckInterval == 8)
        #expect(
            loaded.warnings.map(\.description) == [
                "log.default.flush.scheduler.interval.ms is obsolete and ignored, "
                    + "because log.flush.scheduler.interval.ms is set (line 3)",
                "log.message.timestamp.difference.max.ms is obsolete: taken as log.message.timestamp.before.max.ms (line 1)",
            ])
    }

    @Test(arguments: [
        ("broker.id=x", "node.id=x must be an integer, at least 0 (from broker.id)"),
        (
            "log.cleanup.interval.mins=soon",
            "log.retention.check.interval.ms=soon must be a 64-bit integer, at least 1 (from log.cleanup.interval.mins)"
        ),
        (
            "port=99999999",
            "listeners=PLAINTEXT://:99999999 must be a list of NAME://host:port with a port from 0 to 65535 (from port)"
        ),
    ])
    func `a wrong value of an old key is refused under its successor`(text: String, problem: String) throws {
        let properties = try Properties(parsing: Array(text.utf8))
        let error = #expect(throws: ConfigurationError.self) { try BrokerConfiguration.load(properties) }
        #expect(error?.problems.map(\.description).contains(problem) == true, "\(String(describing: error))")
    }
}
