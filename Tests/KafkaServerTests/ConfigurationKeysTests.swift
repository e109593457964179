// SPDX-License-Identifier: Apache-2.0
import KafkaServer
import Testing

@Suite struct ConfigurationKeysTests {
    private static let brokerKeys = ConfigurationKeys.brokerSections.flatMap(\.definitions)
    private static let allKeys = brokerKeys + ConfigurationKeys.topicKeys + ConfigurationKeys.groupKeys

    @Test func `every table has all its keys, each once`() {
        let counts = ConfigurationKeys.brokerSections.map(\.definitions.count)
        #expect(counts == [10, 32, 16, 23, 34, 11, 23, 95, 15, 12, 33, 80, 7])
        #expect(ConfigurationKeys.topicKeys.count == 37)
        #expect(ConfigurationKeys.groupKeys.count == 27)
        #expect(Set(Self.brokerKeys.map(\.name)).count == Self.brokerKeys.count)
        #expect(Set(ConfigurationKeys.topicKeys.map(\.name)).count == 37)
        #expect(Set(ConfigurationKeys.groupKeys.map(\.name)).count == 27)
    }

    @Test func `every key is found by its name`() {
        for key in Self.brokerKeys { #expect(ConfigurationKeys.broker(key.name)?.documentation == key.documentation) }
        #expect(ConfigurationKeys.broker("log.segment.byte") == nil)
        #expect(ConfigurationKeys.topic("segment.bytes")?.type == .int)
        #expect(ConfigurationKeys.group("share.isolation.level")?.type == .string)
    }

    @Test func `every default is a value that its key allows`() throws {
        for key in Self.allKeys {
            guard let text = key.defaultValue.text else { continue }
            #expect(try key.parse(text) == key.defaultValue, "\(key.name)")
        }
    }

    @Test func `every key is explained in a sentence that fits into a table`() {
        for key in Self.allKeys {
            #expect(key.documentation.hasSuffix("."), "\(key.name)")
            #expect(!key.documentation.contains("|") && !key.documentation.contains("\n"), "\(key.name)")
            #expect(key.documentation.count <= 200, "\(key.name)")
        }
    }

    @Test func `every broker key that stands for a topic key exists and has the same default`() throws {
        for topicKey in ConfigurationKeys.topicKeys {
            for synonym in ConfigurationKeys.brokerSynonyms(ofTopicKey: topicKey.name) {
                #expect(ConfigurationKeys.broker(synonym.name) != nil, "\(synonym.name)")
            }
        }
        var settings = ConfigurationSettings()
        settings.set("node.id", "1", from: .program)
        #expect(ConfigurationLayers(settings: settings).topicDefaults() == TopicConfiguration())
        #expect(try BrokerConfiguration().topicDefaults == TopicConfiguration())
    }

    @Test(arguments: [
        ("num.partitions", "0", "an integer, at least 1"),
        ("num.partitions", "2147483648", "an integer, at least 1"),
        ("num.partitions", "1.5", "an integer, at least 1"),
        ("num.partitions", "", "an integer, at least 1"),
        ("num.partitions", "0x10", "an integer, at least 1"),
        ("offsets.topic.replication.factor", "32768", "a 16-bit integer, at least 1"),
        ("log.retention.bytes", "9223372036854775808", "a 64-bit integer"),
        ("log.cleaner.min.cleanable.ratio", "1.1", "a number, from 0.0 to 1.0"),
        ("log.cleaner.min.cleanable.ratio", "nan", "a number, from 0.0 to 1.0"),
        ("log.cleaner.min.cleanable.ratio", "half", "a number, from 0.0 to 1.0"),
        ("delete.topic.enable", "yes", "true or false"),
        ("delete.topic.enable", "", "true or false"),
        ("compression.type", "none", "one of uncompressed, zstd, lz4, snappy, gzip, producer"),
        ("compression.type", "GZIP", "one of uncompressed, zstd, lz4, snappy, gzip, producer"),
        ("compression.gzip.level", "0", "an integer, from 1 to 9, or -1"),
        ("compression.zstd.level", "23", "an integer, from -131072 to 22"),
        ("log.cleanup.policy", "delete,delete", "empty or some of compact, delete"),
        ("log.cleanup.policy", "delete,", "empty or some of compact, delete"),
        ("process.roles", "", "one or more of broker, controller"),
        ("process.roles", "broker,zookeeper", "one or more of broker, controller"),
        ("log.dirs", "/a,/a", "a list with at least one item and none twice"),
        ("log.dirs", " ", "a list with at least one item and none twice"),
        ("ssl.cipher.suites", "a,,b", "a list without an item twice"),
        ("remote.log.storage.manager.impl.prefix", "", "not empty"),
        ("sasl.oauthbearer.assertion.algorithm", "HS256", "one of ES256, RS256 in upper or lower case"),
    ])
    func `a value that is not allowed is refused with what is`(name: String, value: String, allowed: String) throws {
        let key = try #require(ConfigurationKeys.broker(name))
        let violation = #expect(throws: ConfigurationViolation.self) { try key.parse(value) }
        #expect(violation?.allowed == allowed)
    }

    @Test(arguments: [
        ("num.partitions", " 3\t", "3"), ("num.partitions", "+3", "3"), ("delete.topic.enable", "FALSE", "false"),
        ("log.cleanup.policy", " compact , delete ", "compact,delete"), ("log.cleanup.policy", "", ""),
        ("log.cleaner.io.buffer.load.factor", "1", "1.0"), ("compression.gzip.level", "-1", "-1"),
        ("sasl.oauthbearer.assertion.algorithm", "rs256", "rs256"), ("broker.rack", " a b ", "a b"),
    ])
    func `an allowed value is read as the key's type`(name: String, value: String, text: String) throws {
        #expect(try ConfigurationKeys.broker(name)?.parse(value).text == text)
    }

    @Test(arguments: [
        (Double.greatestFiniteMagnitude, "1.7976931348623157E308"), (0.5, "0.5"), (0, "0.0"), (1, "1.0"),
        (-2.5, "-2.5"),
        (1e6, "1000000.0"), (1e7, "1.0E7"), (12_345_678.5, "1.23456785E7"), (0.001, "0.001"), (0.0001, "1.0E-4"),
        (-1.5e-10, "-1.5E-10"), (1e16, "1.0E16"),
    ])
    func `doubles are printed as in Java`(number: Double, text: String) {
        #expect(ConfigurationValue.real(number).text == text)
    }

    @Test(arguments: [
        ("", true), ("*", true), ("0:1", true), ("0:1,2:3", true), ("*,0:1", false), ("0", false), ("0:1:2", false),
        ("a:1", false), ("-1:1", false), ("0:", false), ("99999999999:1", false),
    ])
    func `throttled replicas are all, or partitions with brokers`(value: String, isAllowed: Bool) throws {
        let key = try #require(ConfigurationKeys.topic("leader.replication.throttled.replicas"))
        #expect(((try? key.parse(value)) != nil) == isAllowed)
    }

    @Test func `levels of the own log are ordered`() {
        #expect(LogLevel.allCases.map(\.name) == LogLevel.names)
        #expect(LogLevel(name: "debug") == .debug)
        #expect(LogLevel(name: "loud") == nil)
        #expect(LogLevel.trace < .critical)
    }
}
