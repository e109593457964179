// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Testing

/// The broker's keys that give topics their defaults: a topic that exists acts by them as soon as they change.
@Suite struct DynamicTopicDefaultsTests {
    private func set(_ broker: TestBroker, _ key: String, _ value: String?, name: String) throws {
        let response = try broker.call(
            IncrementalAlterConfigsRequest(resources: [
                .init(
                    resourceType: 4, resourceName: name,
                    configs: [.init(name: key, configOperation: value == nil ? 1 : 0, value: value)])
            ]))
        #expect(response.responses.map(\.errorCode) == [0])
    }

    private func produce(
        _ broker: TestBroker, _ value: String = "v", key: String? = "k", age: Int64 = 0, acks: Int16 = -1
    ) throws -> ErrorCode {
        let batch = try Batches.batch([value], key: key, timestamp: broker.now - age)
        return ErrorCode(try broker.produce(batch, to: "t", version: 9, acks: acks).errorCode)
    }

    @Test(arguments: ["", "1"])
    func `what a batch must fulfil`(name: String) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        func check(
            _ key: String, _ value: String, _ refusal: ErrorCode, _ produce: () throws -> ErrorCode
        ) throws {
            #expect(try produce() == .none, "\(key) before")
            try set(broker, key, value, name: name)
            #expect(try produce() == refusal, "\(key)")
            try set(broker, key, nil, name: name)
            #expect(try produce() == .none, "\(key) after")
        }
        let large = String(repeating: "x", count: 2_000)
        try check("message.max.bytes", "1000", .messageTooLarge) { try produce(broker, large) }
        // More than there are replicas means all of them, as in Apache Kafka.
        try check("min.insync.replicas", "2", .none) { try produce(broker) }
        try check("log.cleanup.policy", "compact", .invalidRecord) { try produce(broker, key: nil) }
        try check("log.message.timestamp.before.max.ms", "1000", .invalidTimestamp) {
            try produce(broker, age: 60_000)
        }
        try check("log.message.timestamp.after.max.ms", "1000", .invalidTimestamp) {
            try produce(broker, age: -60_000)
        }
    }

    @Test(arguments: ["", "1"])
    func `how a batch is stored`(name: String) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        try set(broker, "compression.type", "gzip", name: name)
        try set(broker, "log.message.timestamp.type", "LogAppendTime", name: name)
        let batch = try Batches.batch([String(repeating: "x", count: 1_000)], timestamp: broker.now - 5_000)
        let answer = try broker.produce(batch, to: "t", version: 9)
        #expect(answer.errorCode == 0)
        #expect(answer.logAppendTimeMs == broker.now)
        let attributes = try broker.call(Requests.fetch("t", from: 0), version: 12)
            .responses[0].partitions[0].records.withBytes { Int($0[22]) }
        // Gzip, and the log's time.
        #expect(attributes == 1 | 8)
    }

    @Test func `when segments begin and go`() throws {
        let broker = try TestBroker(["log.retention.check.interval.ms": "1000", "log.initial.task.delay.ms": "100"])
        try broker.createTopic("t")
        func segments() throws -> Int { try broker.files.list("/data/t-0").filter { $0.hasSuffix(".log") }.count }
        for _ in 0..<3 { #expect(try produce(broker) == .none) }
        #expect(try segments() == 1)
        try set(broker, "log.roll.ms", "10", name: "")
        for _ in 0..<3 {
            try broker.world.advance(by: 20)
            #expect(try produce(broker) == .none)
        }
        #expect(try segments() == 4)
        try set(broker, "log.segment.delete.delay.ms", "0", name: "1")
        try set(broker, "log.retention.ms", "500", name: "1")
        try broker.world.advance(by: 5_000)
        #expect(try segments() == 1)
    }
}
