// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaServer
import KafkaSimulator
import Testing

/// Settings of a broker that change while it runs: how they are checked, and that they take effect.
@Suite struct DynamicSettingsTests {
    private func set(
        _ broker: TestBroker, _ key: String, _ value: String?, kind: Int8 = 4, name: String = ""
    ) throws -> ErrorCode {
        let response = try broker.call(
            IncrementalAlterConfigsRequest(resources: [
                .init(
                    resourceType: kind, resourceName: name,
                    configs: [.init(name: key, configOperation: value == nil ? 1 : 0, value: value)])
            ]))
        return ErrorCode(try #require(response.responses.first).errorCode)
    }

    @Test(arguments: [
        ("log.retention.ms", "0"), ("log.cleaner.min.compaction.lag.ms", "10"), ("log.segment.bytes", "5"),
        ("log.cleaner.dedupe.buffer.size", "1000"), ("max.connections.per.ip", "0"),
        ("max.connections.per.ip.overrides", "nonsense"),
    ])
    func `values are checked as at a start`(key: String, value: String) throws {
        let broker = try TestBroker()
        // The other end of a pair.
        #expect(try set(broker, "log.cleaner.max.compaction.lag.ms", "5") == .none)
        for name in ["", "1"] { #expect(try set(broker, key, value, name: name) == .invalidRequest) }
        // It is the value that is refused, not any change beside it.
        #expect(try set(broker, "log.retention.ms", "5000") == .none)
        #expect(try set(broker, "log.cleaner.max.compaction.lag.ms", nil) == .none)
    }

    @Test func `a pair may contradict itself only over both layers together`() throws {
        let broker = try TestBroker()
        #expect(try set(broker, "log.cleaner.max.compaction.lag.ms", "100", name: "") == .none)
        #expect(try set(broker, "log.cleaner.min.compaction.lag.ms", "101", name: "1") == .invalidRequest)
        #expect(try set(broker, "log.cleaner.min.compaction.lag.ms", "99", name: "1") == .none)
        #expect(try set(broker, "log.cleaner.max.compaction.lag.ms", "98", name: "") == .invalidRequest)
    }

    @Test func `a topic is checked against the settings as they are now`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        #expect(try set(broker, "log.cleaner.max.compaction.lag.ms", "100") == .none)
        #expect(try set(broker, "min.compaction.lag.ms", "101", kind: 2, name: "t") == .invalidConfig)
        #expect(try set(broker, "min.compaction.lag.ms", "100", kind: 2, name: "t") == .none)
    }

    @Test func `the limit of connections changes at once, and with a restart`() throws {
        let broker = try TestBroker()
        _ = broker.connection
        #expect(try set(broker, "max.connections.per.ip", "1") == .none)
        try expectRefusal(broker)
        #expect(try set(broker, "max.connections.per.ip", "2") == .none)
        let second = broker.connect()
        _ = try second.call(ApiVersionsRequest(), version: 0, within: 1_000)
        #expect(!second.isClosed)
        second.close()
        #expect(try set(broker, "max.connections.per.ip", "1") == .none)
        try broker.restart()
        _ = try broker.call(ApiVersionsRequest(), version: 0)
        try expectRefusal(broker)
    }

    private func expectRefusal(_ broker: TestBroker) throws {
        let refused = broker.connect()
        let isClosed = try broker.world.run(within: 1_000) { refused.isClosed }
        #expect(isClosed)
    }

    @Test func `the cleaner takes over its settings at once, and with a restart`() throws {
        let broker = try TestBroker(["log.cleaner.threads": "0", "log.cleaner.backoff.ms": "100"])
        try broker.createTopic(
            "t", ["cleanup.policy": "compact", "internal.segment.bytes": "100", "min.cleanable.dirty.ratio": "0"])
        for value in ["a", "b", "c", "d"] { try broker.produce([value], to: "t") }
        func wait() throws { _ = try broker.world.run(within: 30_000) { false } }
        // An answer ends with its segment.
        func records() throws -> [String] {
            var found: [String] = []
            var offset: Int64 = 0
            while let next = try broker.records(of: "t", from: offset).first {
                found.append(next)
                offset = try #require(Int64(next.prefix(1))) + 1
            }
            return found
        }
        try wait()
        #expect(try records().count == 4)
        #expect(try set(broker, "log.cleaner.threads", "1") == .none)
        try wait()
        // The segment that is written is not compacted.
        #expect(try records() == ["2=c", "3=d"])
        try broker.restart()
        try broker.produce(["e"], to: "t")
        try wait()
        #expect(try records() == ["3=d", "4=e"])
    }

    @Test func `producers expire by the setting as it is now`() throws {
        let broker = try TestBroker(["producer.id.expiration.check.interval.ms": "1000"])
        try broker.createTopic("t")
        let batch = try Batches.batch(["a"], timestamp: broker.now, producer: .init(id: 7, epoch: 0, sequence: 0))
        #expect(try broker.produce(batch, to: "t", version: 12).errorCode == 0)
        func producers() throws -> Int {
            _ = try broker.world.run(within: 10_000) { false }
            let response = try broker.call(
                DescribeProducersRequest(topics: [.init(name: "t", partitionIndexes: [0])]))
            return try #require(response.topics.first?.partitions.first).activeProducers.count
        }
        #expect(try producers() == 1)
        #expect(try set(broker, "producer.id.expiration.ms", "500") == .none)
        #expect(try producers() == 0)
    }

    // MARK: Groups and client metrics

    @Test(arguments: [
        ("consumer.session.timeout.ms", "44999", ErrorCode.invalidConfig),
        ("consumer.session.timeout.ms", "60001", .invalidConfig),
        ("consumer.session.timeout.ms", "45000", .none),
        ("consumer.heartbeat.interval.ms", "4999", .invalidConfig),
        ("consumer.heartbeat.interval.ms", "15001", .invalidConfig),
        ("consumer.assignment.interval.ms", "15001", .invalidConfig),
        ("share.delivery.count.limit", "11", .invalidConfig), ("share.delivery.count.limit", "10", .none),
        ("streams.num.standby.replicas", "3", .invalidConfig), ("streams.num.standby.replicas", "2", .none),
        ("share.record.lock.duration.ms", "60001", .invalidConfig), ("no.such.key", "1", .invalidConfig),
    ])
    func `groups stay within the limits of the broker`(key: String, value: String, code: ErrorCode) throws {
        let broker = try TestBroker()
        #expect(try set(broker, key, value, kind: 32, name: "g") == code)
        #expect(try set(broker, key, value, kind: 32, name: "") == .invalidRequest)
    }

    @Test func `a session lasts longer than the time between heartbeats`() throws {
        let broker = try TestBroker([
            "group.consumer.min.session.timeout.ms": "1", "group.consumer.max.heartbeat.interval.ms": "50000",
        ])
        #expect(try set(broker, "consumer.session.timeout.ms", "5000", kind: 32, name: "g") == .invalidConfig)
        #expect(try set(broker, "consumer.session.timeout.ms", "5001", kind: 32, name: "g") == .none)
        #expect(try set(broker, "consumer.heartbeat.interval.ms", "5001", kind: 32, name: "g") == .invalidConfig)
    }

    @Test(arguments: [
        ("client_id=a.*,client_source_port=9092", ErrorCode.none), ("client_id", .invalidConfig),
        ("client_id=", .invalidConfig), ("client_id=a=b", .invalidConfig), ("colour=red", .invalidConfig),
        ("", .none),
    ])
    func `a subscription names what clients are recognised by`(match: String, code: ErrorCode) throws {
        let broker = try TestBroker()
        #expect(try set(broker, "match", match, kind: 16, name: "s") == code)
        #expect(try set(broker, "match", match, kind: 16, name: "") == .invalidRequest)
    }

    // MARK: Large requests

    @Test func `a description of very many resources is made in the background`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let names = (0..<40).map { _ in "t" }
        let response = try broker.call(
            DescribeConfigsRequest(
                resources: names.map { .init(resourceType: 2, resourceName: $0, configurationKeys: ["retention.ms"]) }))
        #expect(response.results.map(\.configs.count) == names.map { _ in 1 })
    }
}
