// SPDX-License-Identifier: Apache-2.0
import KafkaServer
import Testing

@Suite struct ConfigurationDescriptionTests {
    private func layers(
        _ settings: [(String, String)] = [], broker: [String: String] = [:], all: [String: String] = [:]
    ) -> ConfigurationLayers {
        var ordered = ConfigurationSettings()
        for (name, value) in settings { ordered.set(name, value, from: .program) }
        return ConfigurationLayers(dynamicBroker: broker, dynamicDefault: all, settings: ordered)
    }

    /// The key as `value source | synonym=value source, …`.
    private func line(_ descriptions: [ConfigurationDescription], _ name: String) throws -> String {
        let key = try #require(descriptions.first { $0.name == name })
        let synonyms = key.synonyms.map { "\($0.name)=\($0.value ?? "null") \($0.source.rawValue)" }
        return "\(key.value ?? "null") \(key.source.rawValue) | " + synonyms.joined(separator: ", ")
    }

    @Test func `a topic shows all its keys with types and explanations`() throws {
        let keys = layers().describeTopic(overrides: [:])
        #expect(keys.count == 36)
        #expect(keys.map(\.name) == keys.map(\.name).sorted())
        #expect(keys.allSatisfy { !$0.isReadOnly && !$0.isSensitive && $0.isDefault && $0.documentation != nil })
        #expect(keys.first { $0.name == "cleanup.policy" }?.typeID == 7)
        #expect(keys.first { $0.name == "retention.ms" }?.typeID == 5)
        #expect(try line(keys, "retention.ms") == "604800000 5 | log.retention.hours=168 5")
        #expect(
            try line(keys, "flush.ms")
                == "9223372036854775807 5 | log.flush.scheduler.interval.ms=9223372036854775807 5")
        #expect(try line(keys, "min.cleanable.dirty.ratio") == "0.5 5 | log.cleaner.min.cleanable.ratio=0.5 5")
        #expect(try line(keys, "remote.storage.enable") == "false 5 | ")
        #expect(layers().describeTopic(overrides: ["internal.segment.bytes": "5"]).count == 37)
    }

    @Test func `a topic's value is looked for from the topic down to the default`() throws {
        let all = layers(
            [("log.segment.bytes", "2000000"), ("log.retention.minutes", "5")],
            broker: ["log.segment.bytes": "4000000"], all: ["log.segment.bytes": "3000000", "log.retention.ms": "9"])
        let lower =
            "log.segment.bytes=4000000 2, log.segment.bytes=3000000 3, log.segment.bytes=2000000 4, log.segment.bytes=1073741824 5"
        #expect(try line(all.describeTopic(overrides: [:]), "segment.bytes") == "4000000 2 | \(lower)")
        let keys = all.describeTopic(overrides: ["segment.bytes": " 5000000 ", "unknown": "1"])
        #expect(try line(keys, "segment.bytes") == "5000000 1 | segment.bytes=5000000 1, \(lower)")
        #expect(keys.allSatisfy { $0.name != "unknown" })
        #expect(
            try line(keys, "retention.ms")
                == "9 3 | log.retention.ms=9 3, log.retention.minutes=5 4, log.retention.hours=168 5")
        let file = layers([("log.retention.minutes", "5")]).describeTopic(overrides: [:])
        #expect(try line(file, "retention.ms") == "300000 4 | log.retention.minutes=5 4, log.retention.hours=168 5")
    }

    @Test func `a broker shows its keys and where they come from`() throws {
        let keys = layers(
            [
                ("num.partitions", "3"), ("log.retention.hours", "1"), ("ssl.keystore.password", "hunter2"),
                ("listener.name.plaintext.ssl.client.auth", "required"), ("custom.key", "hunter2"),
                ("log.level.raft", "debug"), ("log.initial.task.delay.ms", "5"),
            ],
            broker: ["message.max.bytes": "7"], all: ["message.max.bytes": "6"]
        ).describeBroker()
        #expect(keys.map(\.name) == keys.map(\.name).sorted())
        #expect(try line(keys, "num.partitions") == "3 4 | num.partitions=3 4, num.partitions=1 5")
        #expect(
            try line(keys, "message.max.bytes")
                == "7 2 | message.max.bytes=7 2, message.max.bytes=6 3, message.max.bytes=1048588 5")
        #expect(try line(keys, "log.retention.hours") == "1 4 | log.retention.hours=1 4, log.retention.hours=168 5")
        #expect(try line(keys, "log.retention.ms") == "null 5 | ")
        #expect(try line(keys, "ssl.keystore.password") == "null 4 | ssl.keystore.password=null 4")
        #expect(
            try line(keys, "listener.name.plaintext.ssl.client.auth")
                == "required 4 | listener.name.plaintext.ssl.client.auth=required 4, ssl.client.auth=none 5")
        #expect(try line(keys, "custom.key") == "null 4 | custom.key=null 4")
        #expect(try line(keys, "log.level.raft") == "debug 4 | log.level.raft=debug 4, log.level=info 5")
        #expect(try line(keys, "log.cleaner.io.max.bytes.per.second").hasPrefix("1.7976931348623157E308 5"))
        #expect(keys.contains { $0.name == "log.initial.task.delay.ms" })
        #expect(!keys.contains { $0.name == "internal.metadata.log.segment.bytes" })
        let showsSecrets = keys.contains { "\($0)".contains("hunter2") }
        #expect(!showsSecrets)
    }

    @Test func `a broker's keys say whether they can be changed while it runs`() throws {
        let keys = layers([("custom.key", "1")]).describeBroker()
        func key(_ name: String) throws -> ConfigurationDescription { try #require(keys.first { $0.name == name }) }
        #expect(try key("num.partitions").isReadOnly)
        #expect(try !key("message.max.bytes").isReadOnly)
        #expect(try !key("listeners").isReadOnly)
        #expect(try key("ssl.key.password").isSensitive)
        #expect(try key("ssl.key.password").typeID == 9)
        #expect(try key("custom.key").isSensitive)
        #expect(try key("custom.key").typeID == 0)
        #expect(try key("custom.key").documentation == nil)
    }

    @Test func `the defaults of all brokers are only what was set for all`() throws {
        let keys = layers(
            [("num.partitions", "3")], broker: ["message.max.bytes": "7"], all: ["message.max.bytes": "6"]
        )
        .describeDefaultBroker()
        #expect(keys.count == 1)
        #expect(try line(keys, "message.max.bytes") == "6 3 | message.max.bytes=6 3")
    }
}
