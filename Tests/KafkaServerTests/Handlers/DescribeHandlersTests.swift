// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaServer
import Testing

/// DescribeTopicPartitions (key 75), and DescribeConfigs (key 32) over the wire.
@Suite struct DescribeHandlersTests {
    private func ask(
        _ broker: TestBroker, _ topics: [String] = [], limit: Int32 = 2_000, cursor: (String, Int32)? = nil
    ) throws -> DescribeTopicPartitionsResponse {
        try broker.call(
            DescribeTopicPartitionsRequest(
                topics: topics.map { .init(name: $0) }, responsePartitionLimit: limit,
                cursor: cursor.map { .init(topicName: $0.0, partitionIndex: $0.1) }))
    }

    private func summary(_ answer: DescribeTopicPartitionsResponse) -> [String] {
        answer.topics.map { topic in
            let partitions = topic.partitions.map { "\($0.partitionIndex)" }.joined(separator: ",")
            return "\(topic.name ?? "nil"):\(partitions)\(topic.errorCode == 0 ? "" : "!\(topic.errorCode)")"
        }
    }

    private func makeBroker(_ settings: [String: String] = [:]) throws -> TestBroker {
        let broker = try TestBroker(settings)
        for (name, count) in [("a", 2), ("b", 3), ("c", 1)] as [(String, Int32)] {
            try broker.createTopic(name, partitions: count)
        }
        return broker
    }

    @Test func `describes topics in order`() throws {
        let broker = try makeBroker()
        #expect(summary(try ask(broker)) == ["a:0,1", "b:0,1,2", "c:0"])
        let some = try ask(broker, ["c", "missing", "a", "c", "bad name"])
        #expect(summary(some) == ["a:0,1", "bad name:!17", "c:0", "missing:!3"])
        #expect(some.nextCursor == nil)
        let partition = try #require(some.topics[0].partitions.first)
        #expect(partition.leaderID == 1 && partition.replicaNodes == [1] && partition.isrNodes == [1])
        #expect(some.topics[0].topicAuthorizedOperations != .min)
    }

    @Test func `goes on from page to page`() throws {
        let broker = try makeBroker()
        for limit in 1...7 as ClosedRange<Int32> {
            var cursor: (String, Int32)?
            var seen: [String] = []
            var pages = 0
            repeat {
                let page = try ask(broker, ["a", "b", "c"], limit: limit, cursor: cursor)
                #expect(page.topics.reduce(0) { $0 + $1.partitions.count } <= Int(limit))
                for topic in page.topics {
                    #expect(topic.errorCode == 0)
                    seen += topic.partitions.map { "\(topic.name ?? "")\($0.partitionIndex)" }
                }
                cursor = page.nextCursor.map { ($0.topicName, $0.partitionIndex) }
                pages += 1
            } while cursor != nil && pages < 20
            #expect(seen == ["a0", "a1", "b0", "b1", "b2", "c0"], "limit \(limit)")
        }
    }

    @Test func `the broker limits a page, too`() throws {
        let broker = try makeBroker(["max.request.partition.size.limit": "2"])
        let page = try ask(broker)
        #expect(summary(page) == ["a:0,1"])
        #expect(page.nextCursor?.topicName == "b" && page.nextCursor?.partitionIndex == 0)
        for limit in [0, -1, .min] as [Int32] { #expect(summary(try ask(broker, limit: limit)) == ["a:0"]) }
    }

    @Test func `cursors may point anywhere`() throws {
        let broker = try makeBroker()
        #expect(summary(try ask(broker, cursor: ("b", 1))) == ["b:1,2", "c:0"])
        #expect(summary(try ask(broker, cursor: ("bb", 1))) == ["c:0"])
        #expect(summary(try ask(broker, cursor: ("b", 99))) == ["b:", "c:0"])
        #expect(summary(try ask(broker, cursor: ("z", 0))) == [])
        #expect(summary(try ask(broker, ["a"], cursor: ("a", -1))) == ["a:!42"])
    }

    @Test(arguments: 0...4 as ClosedRange<Int16>)
    func `configurations are described in every version`(version: Int16) throws {
        let broker = try makeBroker()
        try broker.createTopic("set", ["retention.ms": "77"])
        let answer = try broker.call(
            DescribeConfigsRequest(
                resources: [
                    .init(resourceType: 2, resourceName: "set", configurationKeys: nil),
                    .init(resourceType: 2, resourceName: "missing", configurationKeys: nil),
                    .init(resourceType: 4, resourceName: "1", configurationKeys: nil),
                    .init(resourceType: 4, resourceName: "2", configurationKeys: nil),
                    .init(resourceType: 99, resourceName: "x", configurationKeys: nil),
                ], includeSynonyms: version >= 1, includeDocumentation: version >= 3), version: version)
        #expect(
            answer.results.map { ErrorCode($0.errorCode) }
                == [.none, .unknownTopicOrPartition, .none, .invalidRequest, .invalidRequest])
        let retention = try #require(answer.results[0].configs.first { $0.name == "retention.ms" })
        #expect(retention.value == "77")
        #expect(retention.synonyms.isEmpty == (version < 1))
        #expect((retention.documentation?.isEmpty ?? true) == (version < 3))
    }
}
