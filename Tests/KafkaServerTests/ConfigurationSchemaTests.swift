// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import KafkaServer
import Testing

@Suite struct ConfigurationSchemaTests {
    private func schema(_ settings: [String: String] = [:]) throws -> ServerConfigurationSchema {
        ServerConfigurationSchema(try BrokerConfiguration(settings))
    }

    @Test(
        arguments: [
            (.topic("t"), "retention.ms", "5", nil),
            (.topic("t"), "retention.ms", "x", .invalidConfig),
            (.topic("t"), "nonsense", "x", .invalidConfig),
            (.topic("t"), "min.compaction.lag.ms", "11", .invalidConfig),
            (.broker(1), "message.max.bytes", "5", nil),
            (.clusterDefault, "message.max.bytes", "5", nil),
            (.clusterDefault, "leader.replication.throttled.rate", "5", nil),
            (.broker(1), "message.max.bytes", "x", .invalidRequest),
            (.broker(1), "num.partitions", "5", .invalidRequest),
            (.broker(1), "listeners", "PLAINTEXT://:1", nil),
            (.clusterDefault, "listeners", "PLAINTEXT://:1", .invalidRequest),
            (.broker(1), "ssl.key.password", "secret", .invalidRequest),
            (.broker(1), "listener.name.plaintext.ssl.key.password", "secret", nil),
            (.broker(1), "listener.name.plaintext.sasl.enabled.mechanisms", "a,a", .invalidRequest),
            (.clusterDefault, "listener.name.plaintext.ssl.key.password", "secret", .invalidRequest),
            (.broker(1), "some.plug.in", "x", nil),
            (ConfigResource(.group, "g"), "share.isolation.level", "read_committed", nil),
            (ConfigResource(.group, "g"), "share.isolation.level", "none", .invalidConfig),
            (ConfigResource(.group, "g"), "retention.ms", "5", .invalidConfig),
            (ConfigResource(.clientMetrics, "m"), "interval.ms", "100", nil),
            (ConfigResource(.clientMetrics, "m"), "interval.ms", "99", .invalidRequest),
            (ConfigResource(.clientMetrics, "m"), "nonsense", "1", .invalidRequest),
            (ConfigResource(.brokerLogger, "1"), "log.level", "info", .invalidRequest),
            (ConfigResource(rawKind: 3, name: "1"), "a", "b", .invalidRequest),
        ] as [(ConfigResource, String, String, ErrorCode?)])
    func `changes are accepted or refused as by Apache Kafka`(
        resource: ConfigResource, key: String, value: String, code: ErrorCode?
    ) throws {
        let schema = try schema(["log.cleaner.max.compaction.lag.ms": "10"])
        let error = schema.validate([(key, value)], of: resource, image: .empty)
        #expect(error?.code == code)
        #expect(error?.message?.contains("secret") != true)
    }

    @Test func `lists and defaults are those of the tables`() throws {
        let schema = try schema()
        #expect(schema.isList("cleanup.policy", of: .topic))
        #expect(!schema.isList("retention.ms", of: .topic))
        #expect(schema.isList("log.cleanup.policy", of: .broker))
        #expect(schema.isList("listener.name.a.sasl.enabled.mechanisms", of: .broker))
        #expect(schema.isList("streams.rack.aware.assignment.tags", of: .group))
        #expect(schema.isList("match", of: .clientMetrics))
        #expect(!schema.isList("x", of: .brokerLogger))
        #expect(schema.defaultValue(of: "cleanup.policy", of: .topic) == "delete")
        #expect(schema.defaultValue(of: "log.retention.ms", of: .broker) == nil)
    }

    @Test func `a new topic is answered with all its configurations`() throws {
        let image = try imageWith(configs: [(.clusterDefault, "message.max.bytes", "6")])
        let configs = try schema(["log.segment.bytes": "2000000"])
            .effectiveTopicConfigs(overrides: [("cleanup.policy", "compact")], image: image)
        #expect(configs.count == 36)
        #expect(configs.map(\.name) == configs.map(\.name).sorted())
        func config(_ name: String) -> String {
            configs.first { $0.name == name }.map { "\($0.value ?? "null") \($0.configSource)" } ?? "absent"
        }
        #expect(config("cleanup.policy") == "compact 1")
        #expect(config("max.message.bytes") == "6 3")
        #expect(config("segment.bytes") == "2000000 4")
        #expect(config("flush.messages") == "9223372036854775807 5")
        #expect(configs.allSatisfy { !$0.readOnly && !$0.isSensitive })
    }
}
