// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Testing

/// Deletion of old segments by a running broker, in virtual time.
@Suite struct RetentionTests {
    private func broker(_ settings: [String: String] = [:]) throws -> TestBroker {
        let defaults = ["log.retention.check.interval.ms": "10000", "log.initial.task.delay.ms": "30000"]
        return try TestBroker(defaults.merging(settings) { $1 })
    }

    /// The offset of the oldest record of partition 0.
    private func earliest(_ broker: TestBroker, _ topic: String = "t") throws -> Int64 {
        let answer = try broker.call(
            ListOffsetsRequest(
                replicaID: -1,
                topics: [.init(name: topic, partitions: [.init(partitionIndex: 0, timestamp: -2)])]))
        return try #require(answer.topics.first?.partitions.first).offset
    }

    private func fetchError(_ broker: TestBroker, from offset: Int64) throws -> ErrorCode {
        let answer = try broker.call(Requests.fetch("t", from: offset), version: 12)
        return ErrorCode(try #require(answer.responses.first?.partitions.first).errorCode)
    }

    @Test func `records go when their time is over`() throws {
        let broker = try broker()
        try broker.createTopic("t", ["retention.ms": "60000", "file.delete.delay.ms": "5000"])
        for number in 0..<3 { try broker.produce(["\(number)"], to: "t") }
        try broker.world.advance(by: 50_000)
        #expect(try earliest(broker) == 0)
        #expect(try fetchError(broker, from: 0) == .none)
        try broker.world.advance(by: 30_000)
        #expect(try earliest(broker) == 3)
        #expect(try fetchError(broker, from: 0) == .offsetOutOfRange)
        #expect(try fetchError(broker, from: 3) == .none)
        #expect(try broker.produce(["new"], to: "t") == 3)
        #expect(try broker.records(of: "t", from: 3) == ["3=new"])
        #expect(broker.log.contains("deleted segment"))
        #expect(try !broker.files.list("/data/t-0").contains { $0.hasSuffix(".deleted") })
        try broker.restart()
        #expect(try earliest(broker) == 3)
        #expect(try broker.records(of: "t", from: 3) == ["3=new"])
        #expect(broker.log.complaints == [])
    }

    @Test func `a log is kept near its size`() throws {
        let broker = try broker(["log.segment.bytes": "1048576", "log.retention.bytes": "2000000"])
        try broker.createTopic("t")
        let value = String(repeating: "x", count: 500_000)
        for _ in 0..<10 { try broker.produce([value], to: "t") }
        #expect(try earliest(broker) == 0)
        try broker.world.advance(by: 40_000)
        // Five segments of two records each; those are deleted without which the log is not smaller than the limit.
        #expect(try earliest(broker) == 6)
    }

    @Test func `what DeleteRecords leaves below the log's start goes, too`() throws {
        let broker = try broker(["log.segment.bytes": "1048576", "log.cleanup.policy": ""])
        try broker.createTopic("t")
        let value = String(repeating: "x", count: 500_000)
        for _ in 0..<6 { try broker.produce([value], to: "t") }
        let deleted = try broker.call(
            DeleteRecordsRequest(
                topics: [.init(name: "t", partitions: [.init(partitionIndex: 0, offset: 5)])], timeoutMs: 1_000))
        #expect(deleted.topics[0].partitions[0].lowWatermark == 5)
        #expect(try broker.files.list("/data/t-0").filter { $0.hasSuffix(".log") }.count == 3)
        try broker.world.advance(by: 40_000)
        #expect(try broker.files.list("/data/t-0").filter { $0.hasSuffix(".log") }.count == 1)
        #expect(try earliest(broker) == 5)
        #expect(try fetchError(broker, from: 4) == .offsetOutOfRange)
    }

    @Test func `retention is off while the broker stands still`() throws {
        let broker = try broker()
        try broker.createTopic("t", ["retention.ms": "60000"])
        try broker.produce(["a"], to: "t")
        try broker.shutdown()
        try broker.world.advance(by: 600_000)
        try broker.replaceNode()
        try broker.start()
        #expect(try broker.records(of: "t") == ["0=a"])
        try broker.world.advance(by: 31_000)
        #expect(try earliest(broker) == 1)
    }
}
