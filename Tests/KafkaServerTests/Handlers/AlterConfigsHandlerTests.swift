// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaServer
import KafkaSimulator
import Testing

/// IncrementalAlterConfigs (key 44) and AlterConfigs (key 33).
@Suite struct AlterConfigsHandlerTests {
    private typealias Change = (name: String, operation: Int8, value: String?)

    private static let topic: Int8 = 2
    private static let broker: Int8 = 4

    /// The code and message for one resource.
    private func alter(
        _ broker: TestBroker, _ kind: Int8, _ name: String, _ changes: [Change], version: Int16 = 1,
        validateOnly: Bool = false
    ) throws -> (code: ErrorCode, message: String?) {
        let response = try broker.call(
            IncrementalAlterConfigsRequest(
                resources: [
                    .init(
                        resourceType: kind, resourceName: name,
                        configs: changes.map { .init(name: $0.name, configOperation: $0.operation, value: $0.value) })
                ], validateOnly: validateOnly), version: version)
        #expect(response.responses.count == 1)
        let answer = try #require(response.responses.first)
        #expect(answer.resourceType == kind && answer.resourceName == name)
        return (ErrorCode(answer.errorCode), answer.errorMessage)
    }

    /// A key's value and source, and the sources of its synonyms.
    private func describe(
        _ broker: TestBroker, _ kind: Int8, _ name: String, _ key: String
    ) throws -> (value: String?, source: Int8, synonyms: [Int8]) {
        let response = try broker.call(
            DescribeConfigsRequest(
                resources: [.init(resourceType: kind, resourceName: name, configurationKeys: [key])],
                includeSynonyms: true))
        let entry = try #require(response.results.first?.configs.first)
        return (entry.value, entry.configSource, entry.synonyms.map(\.source))
    }

    private func earliest(_ broker: TestBroker, _ topic: String) throws -> Int64 {
        let answer = try broker.call(
            ListOffsetsRequest(
                replicaID: -1,
                topics: [.init(name: topic, partitions: [.init(partitionIndex: 0, timestamp: -2)])]))
        return try #require(answer.topics.first?.partitions.first).offset
    }

    @Test(arguments: 0...1 as ClosedRange<Int16>)
    func `a topic's settings change and are shown`(version: Int16) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let set = try alter(broker, Self.topic, "t", [("retention.ms", 0, "5000")], version: version)
        #expect(set.code == .none)
        let shown = try describe(broker, Self.topic, "t", "retention.ms")
        #expect(shown.value == "5000")
        // DYNAMIC_TOPIC_CONFIG, over the default of log.retention.hours.
        #expect(shown.source == 1 && shown.synonyms.first == 1)
        try broker.restart()
        #expect(try describe(broker, Self.topic, "t", "retention.ms").value == "5000")
        #expect(try alter(broker, Self.topic, "t", [("retention.ms", 1, nil)], version: version).code == .none)
        #expect(try describe(broker, Self.topic, "t", "retention.ms").source == 5)
    }

    @Test func `lists are appended to and subtracted from`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        #expect(try alter(broker, Self.topic, "t", [("cleanup.policy", 2, "compact")]).code == .none)
        #expect(try describe(broker, Self.topic, "t", "cleanup.policy").value == "delete,compact")
        #expect(try alter(broker, Self.topic, "t", [("cleanup.policy", 3, "delete")]).code == .none)
        #expect(try describe(broker, Self.topic, "t", "cleanup.policy").value == "compact")
        #expect(try alter(broker, Self.topic, "t", [("retention.ms", 2, "5")]).code == .invalidConfig)
    }

    @Test(
        arguments: [
            (2 as Int8, "t", [("retention.ms", 0, "x")], ErrorCode.invalidConfig),
            (2, "t", [("no.such.key", 0, "1")], .invalidConfig),
            (2, "t", [("retention.ms", 0, nil)], .invalidRequest),
            (2, "t", [("retention.ms", 0, "1"), ("retention.ms", 0, "2")], .invalidRequest),
            (2, "t", [("retention.ms", 9, "1")], .invalidRequest),
            (2, "unknown", [("retention.ms", 0, "1")], .unknownTopicOrPartition),
            (2, "", [("retention.ms", 0, "1")], .invalidRequest),
            (4, "7", [("log.retention.ms", 0, "1")], .invalidRequest),
            (4, "one", [("log.retention.ms", 0, "1")], .invalidRequest),
            (4, "1", [("log.dirs", 0, "/other")], .invalidRequest),
            (4, "", [("log.retention.hours", 0, "1")], .invalidRequest),
            (4, "", [("log.retention.ms", 0, "x")], .invalidRequest),
            (8, "1", [("storage", 0, "debug")], .invalidConfig),
            (99, "x", [("a", 0, "b")], .invalidRequest),
        ] as [(Int8, String, [(String, Int8, String?)], ErrorCode)])
    func `what is refused`(
        kind: Int8, name: String, changes: [(String, Int8, String?)], code: ErrorCode
    ) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let answer = try alter(
            broker, kind, name, changes.map { (name: $0.0, operation: $0.1, value: $0.2) })
        #expect(answer.code == code)
        #expect(answer.message?.isEmpty == false)
        #expect(try describe(broker, Self.topic, "t", "retention.ms").source == 5)
    }

    @Test func `a check alone changes nothing`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let good = try alter(broker, Self.topic, "t", [("retention.ms", 0, "5")], validateOnly: true)
        #expect(good.code == .none)
        let bad = try alter(broker, Self.topic, "t", [("retention.ms", 0, "x")], validateOnly: true)
        #expect(bad.code == .invalidConfig)
        #expect(try describe(broker, Self.topic, "t", "retention.ms").source == 5)
    }

    @Test func `each resource is answered, in order, also one that is named twice`() throws {
        let broker = try TestBroker()
        try broker.createTopic("a")
        try broker.createTopic("b")
        let config = IncrementalAlterConfigsRequest.AlterableConfig(
            name: "retention.ms", configOperation: 0, value: "5")
        let response = try broker.call(
            IncrementalAlterConfigsRequest(
                resources: [("a", 2), ("7", 4), ("b", 2), ("a", 2)].map {
                    .init(resourceType: $0.1, resourceName: $0.0, configs: [config])
                }))
        #expect(response.responses.map(\.resourceName) == ["a", "7", "b", "a"])
        #expect(
            response.responses.map { ErrorCode($0.errorCode) }
                == [.invalidRequest, .invalidRequest, .none, .invalidRequest])
    }

    @Test(arguments: 0...2 as ClosedRange<Int16>)
    func `the old way deletes what it does not name`(version: Int16) throws {
        let broker = try TestBroker()
        try broker.createTopic("t", ["segment.ms": "7000"])
        let response = try broker.call(
            AlterConfigsRequest(resources: [
                .init(
                    resourceType: Self.topic, resourceName: "t",
                    configs: [.init(name: "retention.ms", value: "6000")]),
                .init(resourceType: Self.broker, resourceName: "7"),
            ]), version: version)
        #expect(response.responses.map { ErrorCode($0.errorCode) } == [.none, .invalidRequest])
        #expect(try describe(broker, Self.topic, "t", "retention.ms").value == "6000")
        #expect(try describe(broker, Self.topic, "t", "segment.ms").source == 5)
    }

    // MARK: Effect

    @Test(arguments: ["topic", "broker", "cluster"])
    func `a retention time that is lowered while the broker runs takes effect`(level: String) throws {
        let broker = try TestBroker([
            "log.retention.check.interval.ms": "10000", "log.initial.task.delay.ms": "0",
        ])
        try broker.createTopic("t")
        try broker.produce(["a"], to: "t")
        try broker.world.advance(by: 100_000)
        #expect(try earliest(broker, "t") == 0)
        let (kind, name, key): (Int8, String, String) =
            switch level {
            case "topic": (Self.topic, "t", "retention.ms")
            case "broker": (Self.broker, "1", "log.retention.ms")
            default: (Self.broker, "", "log.retention.ms")
            }
        #expect(try alter(broker, kind, name, [(key, 0, "50000")]).code == .none)
        try broker.world.advance(by: 11_000)
        #expect(try earliest(broker, "t") == 1)
        let shown = try describe(broker, Self.topic, "t", "retention.ms")
        #expect(shown.value == "50000")
        // DYNAMIC_TOPIC_CONFIG, DYNAMIC_BROKER_CONFIG, DYNAMIC_DEFAULT_BROKER_CONFIG.
        #expect(shown.source == (level == "topic" ? 1 : level == "broker" ? 2 : 3))
    }

    @Test func `one broker's setting outweighs that of all, and a topic's outweighs both`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        #expect(try alter(broker, Self.broker, "", [("log.retention.ms", 0, "3000")]).code == .none)
        #expect(try alter(broker, Self.broker, "1", [("log.retention.ms", 0, "2000")]).code == .none)
        #expect(try alter(broker, Self.topic, "t", [("retention.ms", 0, "1000")]).code == .none)
        let shown = try describe(broker, Self.topic, "t", "retention.ms")
        #expect(shown.value == "1000")
        #expect(shown.synonyms == [1, 2, 3, 5])
        #expect(try describe(broker, Self.broker, "1", "log.retention.ms").value == "2000")
        try broker.restart()
        #expect(try describe(broker, Self.topic, "t", "retention.ms").synonyms == [1, 2, 3, 5])
    }
}
