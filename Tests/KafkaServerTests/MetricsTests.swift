// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaSimulator
import Testing

@testable import KafkaServer

@Suite struct MetricsTests {
    private static func broker(_ settings: [String: String] = [:]) throws -> TestBroker {
        try TestBroker(settings, measurement: Measurement())
    }

    /// The value of a series; nil where there is none.
    private static func value(_ metric: Metric, _ labels: [String] = [], of broker: TestBroker) throws -> Int64? {
        let snapshot = try broker.metrics()
        let sample = snapshot.families.first { $0.metric == metric }?.samples.first { $0.labels == labels }
        switch sample?.value {
        case .integer(let value): return value
        case .distribution(let distribution): return distribution.count
        case .real(let value): return Int64(value)
        case nil: return nil
        }
    }

    private static func fetch(_ topic: KafkaUUID, partition: Int32 = 0, wait: Int32 = 0) -> FetchRequest {
        FetchRequest(
            maxWaitMs: wait, minBytes: 1, maxBytes: 1 << 20,
            sessionEpoch: -1,
            topics: [
                .init(
                    topicID: topic,
                    partitions: [.init(partition: partition, fetchOffset: 0, partitionMaxBytes: 1 << 20)])
            ])
    }

    @Test func `what producers and consumers move is counted by topic and in all`() throws {
        let broker = try Self.broker()
        let id = try broker.createTopic("a")
        try broker.createTopic("b")
        try broker.produce(["1", "2", "3"], to: "a")
        try broker.produce(["1"], to: "b")
        #expect(try Self.value(MetricCatalog.messagesIn, ["a"], of: broker) == 3)
        #expect(try Self.value(MetricCatalog.messagesIn, ["b"], of: broker) == 1)
        #expect(try Self.value(MetricCatalog.messagesIn, [""], of: broker) == 4)
        #expect(try Self.value(MetricCatalog.totalProduceRequests, [""], of: broker) == 2)
        let bytes = try #require(try Self.value(MetricCatalog.bytesIn, ["a"], of: broker))
        #expect(bytes > 61)
        #expect(try Self.value(MetricCatalog.bytesOut, ["a"], of: broker) == 0)
        _ = try broker.call(Self.fetch(id), version: 16)
        #expect(try Self.value(MetricCatalog.bytesOut, ["a"], of: broker) == bytes)
        #expect(try Self.value(MetricCatalog.bytesOut, [""], of: broker) == bytes)
        #expect(try Self.value(MetricCatalog.totalFetchRequests, ["a"], of: broker) == 1)
        #expect(try Self.value(MetricCatalog.logEndOffset, ["a", "0"], of: broker) == 3)
        #expect(try Self.value(MetricCatalog.logSize, ["a", "0"], of: broker) == bytes)
        #expect(try Self.value(MetricCatalog.logSegments, ["a", "0"], of: broker) == 1)
    }

    @Test func `what was refused is counted, also for topics that do not exist`() throws {
        let broker = try Self.broker(["auto.create.topics.enable": "false"])
        try broker.createTopic("a")
        let refused = try broker.produce([1, 2, 3], to: "a", version: 9)
        #expect(refused.errorCode != 0)
        #expect(try Self.value(MetricCatalog.failedProduceRequests, ["a"], of: broker) == 1)
        #expect(try Self.value(MetricCatalog.bytesRejected, ["a"], of: broker) == 3)
        _ = try broker.produce([1, 2, 3], to: "nothing", version: 9)
        #expect(try Self.value(MetricCatalog.failedProduceRequests, [""], of: broker) == 2)
        #expect(try Self.value(MetricCatalog.failedProduceRequests, ["nothing"], of: broker) == nil)
        let error = ErrorCode.unknownTopicOrPartition.name
        #expect(try Self.value(MetricCatalog.requestErrors, ["Produce", error], of: broker) == 1)
        _ = try broker.call(Self.fetch(KafkaUUID(high: 1, low: 2)), version: 16)
        #expect(try Self.value(MetricCatalog.failedFetchRequests, [""], of: broker) == 1)
    }

    @Test func `a deleted topic leaves its part of the sum`() throws {
        let broker = try Self.broker()
        try broker.createTopic("a")
        try broker.produce(["1", "2"], to: "a")
        try broker.deleteTopic("a")
        #expect(try Self.value(MetricCatalog.messagesIn, ["a"], of: broker) == nil)
        #expect(try Self.value(MetricCatalog.messagesIn, [""], of: broker) == 2)
        #expect(try Self.value(MetricCatalog.logSize, ["a", "0"], of: broker) == nil)
        try broker.createTopic("a")
        try broker.produce(["1"], to: "a")
        #expect(try Self.value(MetricCatalog.messagesIn, ["a"], of: broker) == 1)
        #expect(try Self.value(MetricCatalog.messagesIn, [""], of: broker) == 3)
    }

    @Test func `topics and partitions beyond the limits have no series of their own`() throws {
        let broker = try Self.broker(["metrics.topics.max": "2", "metrics.partitions.max": "3"])
        for name in ["d", "a", "c", "b"] {
            try broker.createTopic(name, partitions: 2)
            try broker.produce(["1"], to: name)
        }
        let snapshot = try broker.metrics()
        let topics = snapshot.families.first { $0.metric == MetricCatalog.messagesIn }?.samples.map(\.labels)
        #expect(topics == [[""], ["a"], ["b"]])
        let logs = snapshot.families.first { $0.metric == MetricCatalog.logSize }?.samples.map(\.labels)
        #expect(logs == [["a", "0"], ["a", "1"], ["b", "0"]])
        #expect(try Self.value(MetricCatalog.messagesIn, [""], of: broker) == 4)
        #expect(try Self.value(MetricCatalog.partitionCount, of: broker) == 8)
        #expect(try Self.value(MetricCatalog.leaderCount, of: broker) == 8)
    }

    @Test func `requests are counted by version and timed`() throws {
        let broker = try Self.broker()
        let id = try broker.createTopic("a")
        for _ in 0..<3 { _ = try broker.call(MetadataRequest(topics: []), version: 9) }
        _ = try broker.call(MetadataRequest(topics: []), version: 12)
        #expect(try Self.value(MetricCatalog.requests, ["Metadata", "9"], of: broker) == 3)
        #expect(try Self.value(MetricCatalog.requests, ["Metadata", "12"], of: broker) == 1)
        #expect(try Self.value(MetricCatalog.totalTime, ["Metadata"], of: broker) == 4)
        _ = try broker.call(Self.fetch(id, wait: 500), version: 16)
        let snapshot = try broker.metrics()
        func sum(_ metric: Metric) throws -> Double {
            let sample = snapshot.families.first { $0.metric == metric }?.samples.first { $0.labels == ["Fetch"] }
            guard case .distribution(let distribution) = try #require(sample).value else { return -1 }
            #expect(distribution.count == 1)
            return distribution.sum
        }
        #expect(try sum(MetricCatalog.remoteTime) >= 500)
        #expect(try sum(MetricCatalog.totalTime) >= 500)
        #expect(try sum(MetricCatalog.localTime) < 100)
        #expect(try sum(MetricCatalog.requestBytes) > 50)
        #expect(try sum(MetricCatalog.responseBytes) > 20)
    }

    @Test func `a fetch that waits is in the purgatory, and no longer when its client is gone`() throws {
        let broker = try Self.broker()
        let id = try broker.createTopic("a")
        let connection = broker.connect()
        try connection.send(Self.fetch(id, wait: 30_000), version: 16)
        let waits = { try Self.value(MetricCatalog.purgatory, ["Fetch"], of: broker) }
        #expect(try broker.world.run(within: 1_000) { (try? waits()) == 1 })
        #expect(try Self.value(MetricCatalog.connections, ["PLAINTEXT"], of: broker) == 2)
        connection.close()
        #expect(try broker.world.run(within: 1_000) { (try? waits()) == 0 })
        #expect(try Self.value(MetricCatalog.connections, ["PLAINTEXT"], of: broker) == 1)
        #expect(try Self.value(MetricCatalog.connectionsCreated, ["PLAINTEXT"], of: broker) == 2)
        #expect(try Self.value(MetricCatalog.connectionsClosed, ["PLAINTEXT"], of: broker) == 1)
    }

    @Test func `pipelined requests and those without an answer are counted once each`() throws {
        let broker = try Self.broker(["log.flush.interval.messages": "1"])
        try broker.createTopic("a")
        let connection = broker.connect()
        for _ in 0..<5 {
            try connection.send(Requests.produce(try Batches.batch(["x"], timestamp: broker.now), to: "a"), version: 9)
        }
        for _ in 0..<5 { _ = try connection.receive() }
        try connection.send(
            Requests.produce(try Batches.batch(["x"], timestamp: broker.now), to: "a", acks: 0), version: 9)
        #expect(
            try broker.world.run(within: 1_000) {
                (try? Self.value(MetricCatalog.totalTime, ["Produce"], of: broker)) == 6
            })
        #expect(try Self.value(MetricCatalog.requests, ["Produce", "9"], of: broker) == 6)
        #expect(try Self.value(MetricCatalog.purgatory, ["Produce"], of: broker) == 0)
        #expect(try #require(try Self.value(MetricCatalog.logFlush, of: broker)) > 0)
    }

    @Test func `a broker that nobody asks measures nothing`() throws {
        let broker = try TestBroker()
        #expect(broker.node.metrics == nil)
        try broker.createTopic("a")
        try broker.produce(["1"], to: "a")
        #expect(broker.node.context?.replicas.topic(name: "a")?.counters == nil)
    }

    @Test func `every value belongs to a metric of the catalog`() throws {
        let broker = try Self.broker()
        try broker.createTopic("a")
        try broker.produce(["1"], to: "a")
        let known = MetricCatalog.sections.flatMap(\.metrics)
        #expect(Set(known.map(\.name)).count == known.count)
        let collected = try broker.metrics().families.map(\.metric)
        for metric in collected { #expect(known.contains(metric), "\(metric.name)") }
        #expect(Set(collected.map(\.name)).count == collected.count)
        // What the simulation has none of.
        let absent = [
            MetricCatalog.networkIdle, MetricCatalog.handlerIdle, MetricCatalog.reactorIdle,
            MetricCatalog.residentMemory, MetricCatalog.cpuSeconds, MetricCatalog.openDescriptors,
            MetricCatalog.maxDescriptors,
        ]
        for metric in known where !absent.contains(metric) { #expect(collected.contains(metric), "\(metric.name)") }
        for metric in known { #expect((metric.kind == .counter) == metric.name.hasSuffix("_total"), "\(metric.name)") }
    }

    @Test(arguments: [
        (Int64(0), 0), (1, 0), (32_768, 0), (32_769, 1), (65_536, 1), (65_537, 2), (1 << 35, 20), ((1 << 35) + 1, 21),
        (.max, 21),
    ])
    func `a time falls into the bucket of the next bound`(nanoseconds: Int64, bucket: Int) {
        #expect(LatencyBuckets.index(nanoseconds) == bucket)
        if bucket < LatencyBuckets.boundedCount {
            #expect(Double(nanoseconds) / 1_000_000 <= LatencyBuckets.upperBounds[bucket])
        }
    }

    @Test(arguments: ["9404", "http://", "https://x:1", "http://x", "http://x:70000", "http://x:1/metrics"])
    func `a listener that is no address is refused`(value: String) {
        #expect(throws: ConfigurationError.self) { try BrokerConfiguration(["metrics.listener": value]) }
    }

    @Test func `docs metrics md is what the catalog says`() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/metrics.md")
        if ProcessInfo.processInfo.environment["SWIFTKAFKA_REWRITE_DOCS"] == "1" {
            try MetricReference.markdown.write(to: file, atomically: true, encoding: .utf8)
        }
        let isCurrent = try String(contentsOf: file, encoding: .utf8) == MetricReference.markdown
        #expect(isCurrent, "docs/metrics.md is out of date: run make docs")
    }
}
