// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaServer
import KafkaSimulator
import Testing

/// Fetch sessions (KIP-227) over the wire.
@Suite struct FetchSessionsOnTheWireTests {
    /// A broker with the topics `a` and `b`, each with one record, and a client's session over both.
    private struct Client {
        let broker: TestBroker
        let version: Int16
        var ids: [String: KafkaUUID] = [:]
        var session: Int32 = 0
        var epoch: Int32 = 0

        init(version: Int16, slots: Int = 10) throws {
            self.version = version
            broker = try TestBroker(["max.incremental.fetch.session.cache.slots": "\(slots)"])
            for name in ["a", "b"] {
                ids[name] = try broker.createTopic(name, partitions: 1)
                try broker.produce(["\(name)0"], to: name)
            }
        }

        func request(_ offsets: [(String, Int64)], forget: [String] = [], maxWait: Int32 = 0) -> FetchRequest {
            var request = FetchRequest(maxWaitMs: maxWait, minBytes: 1, sessionID: session, sessionEpoch: epoch)
            request.topics = offsets.map { name, offset in
                .init(
                    topic: version >= 13 ? "" : name, topicID: version >= 13 ? ids[name] ?? .zero : .zero,
                    partitions: [.init(partition: 0, fetchOffset: offset, partitionMaxBytes: 1 << 20)])
            }
            request.forgottenTopicsData = forget.map { name in
                .init(
                    topic: version >= 13 ? "" : name, topicID: version >= 13 ? ids[name] ?? .zero : .zero,
                    partitions: [0])
            }
            return request
        }

        /// Sends and, when it is answered well, moves on to the next epoch.
        mutating func fetch(_ offsets: [(String, Int64)], forget: [String] = [], maxWait: Int32 = 0) throws
            -> FetchResponse
        {
            let response = try broker.call(request(offsets, forget: forget, maxWait: maxWait), version: version)
            if response.errorCode == 0 {
                session = response.sessionID
                epoch += 1
            }
            return response
        }

        /// `topic:values` of each partition in the answer.
        func summary(_ response: FetchResponse) throws -> [String] {
            try response.responses.flatMap { topic in
                try topic.partitions.map { partition in
                    let name =
                        version >= 13 ? ids.first { $0.value == topic.topicID }?.key ?? "?" : topic.topic
                    let error = partition.errorCode == 0 ? "" : "!\(ErrorCode(partition.errorCode).name)"
                    return "\(name):\(try Batches.values(in: partition.records).joined(separator: ","))\(error)"
                }
            }
        }
    }

    @Test(arguments: 7...18 as ClosedRange<Int16>)
    func `full, then incremental, then forgotten`(version: Int16) throws {
        var client = try Client(version: version)
        let full = try client.fetch([("a", 0), ("b", 0)])
        #expect(full.sessionID > 0)
        #expect(try client.summary(full) == ["a:0=a0", "b:0=b0"])

        let moved = try client.fetch([("a", 1), ("b", 1)])
        #expect(moved.sessionID == full.sessionID)
        #expect(try client.summary(moved) == [])

        try client.broker.produce(["b1"], to: "b")
        #expect(try client.summary(try client.fetch([])) == ["b:1=b1"])
        // The client has not moved: it is told again.
        #expect(try client.summary(try client.fetch([])) == ["b:1=b1"])
        #expect(try client.summary(try client.fetch([("b", 2)])) == [])

        try client.broker.produce(["a1"], to: "a")
        try client.broker.produce(["b2"], to: "b")
        #expect(try client.summary(try client.fetch([], forget: ["a"])) == ["b:2=b2"])
        #expect(try client.summary(try client.fetch([("b", 3)])) == [])
        #expect(try client.summary(try client.fetch([("a", 1)])) == ["a:1=a1"])
    }

    @Test(arguments: 7...18 as ClosedRange<Int16>)
    func `a session that is forgotten whole ends`(version: Int16) throws {
        var client = try Client(version: version)
        _ = try client.fetch([("a", 0), ("b", 0)])
        let last = try client.fetch([], forget: ["a", "b"])
        #expect(last.errorCode == 0)
        #expect(last.sessionID == 0)
        #expect(last.responses.isEmpty)
    }

    @Test(arguments: 7...18 as ClosedRange<Int16>)
    func `wrong ids and epochs are told apart`(version: Int16) throws {
        var client = try Client(version: version)
        _ = try client.fetch([("a", 0)])
        let good = (client.session, client.epoch)
        client.session = good.0 == 1 ? 2 : 1
        #expect(ErrorCode(try client.fetch([]).errorCode) == .fetchSessionIDNotFound)
        client.session = good.0
        for epoch in [good.1 + 1, good.1 - 1 == 0 ? 7 : good.1 - 1, .max, -2, .min] as [Int32] {
            client.epoch = epoch
            let answer = try client.fetch([])
            #expect(ErrorCode(answer.errorCode) == .invalidFetchSessionEpoch)
            #expect(answer.responses.isEmpty)
        }
        client.epoch = good.1
        #expect(try client.fetch([]).errorCode == 0)
        client.session = 0
        #expect(ErrorCode(try client.fetch([]).errorCode) == .fetchSessionIDNotFound)
    }

    @Test(arguments: 7...18 as ClosedRange<Int16>)
    func `epoch 0 begins anew and epoch −1 ends`(version: Int16) throws {
        var client = try Client(version: version)
        let first = try client.fetch([("a", 0)]).sessionID
        client.epoch = 0
        let second = try client.fetch([("a", 0)]).sessionID
        #expect(second != first && second != 0)
        client.epoch = -1
        let ended = try client.fetch([("a", 0)])
        #expect(ended.errorCode == 0 && ended.sessionID == 0)
        #expect(try client.summary(ended) == ["a:0=a0"])
        for session in [first, second] {
            client.session = session
            client.epoch = 1
            #expect(ErrorCode(try client.fetch([]).errorCode) == .fetchSessionIDNotFound)
        }
    }

    @Test func `a client may not change between names and ids within a session`() throws {
        var client = try Client(version: 12)
        _ = try client.fetch([("a", 0)])
        let response = try client.broker.call(
            FetchRequest(sessionID: client.session, sessionEpoch: 1), version: 13)
        #expect(ErrorCode(response.errorCode) == .fetchSessionTopicIDError)
    }

    @Test func `without room there is no session`() throws {
        var client = try Client(version: 12, slots: 1)
        let first = try client.fetch([("a", 0)])
        #expect(first.sessionID != 0)
        client.session = 0
        client.epoch = 0
        let second = try client.fetch([("a", 0)])
        #expect(second.errorCode == 0 && second.sessionID == 0)
        #expect(try client.summary(second) == ["a:0=a0"])
        // After two minutes without use the first gives way.
        try client.broker.world.advance(by: 120_001)
        client.epoch = 0
        #expect(try client.fetch([("a", 0)]).sessionID != 0)
    }

    @Test func `an empty full fetch makes no session`() throws {
        var client = try Client(version: 12)
        let response = try client.fetch([])
        #expect(response.errorCode == 0 && response.sessionID == 0)
    }

    @Test(arguments: [12, 13] as [Int16])
    func `errors are told until they are gone`(version: Int16) throws {
        var client = try Client(version: version)
        _ = try client.fetch([("a", 1), ("b", 1)])
        try client.broker.deleteTopic("a")
        let name = version >= 13 ? "UNKNOWN_TOPIC_ID" : "UNKNOWN_TOPIC_OR_PARTITION"
        for _ in 0..<3 { #expect(try client.summary(try client.fetch([])) == ["a:!\(name)"]) }
        guard version < 13 else { return }
        try client.broker.createTopic("a")
        // The offset is beyond the new log's end.
        #expect(try client.summary(try client.fetch([])) == ["a:!OFFSET_OUT_OF_RANGE"])
        #expect(try client.summary(try client.fetch([("a", 0)])) == ["a:"])
        #expect(try client.summary(try client.fetch([])) == [])
    }

    @Test func `a moved log start is news`() throws {
        var client = try Client(version: 12)
        _ = try client.fetch([("a", 1), ("b", 1)])
        #expect(try client.summary(try client.fetch([])) == [])
        let deleted = try client.broker.call(
            DeleteRecordsRequest(
                topics: [.init(name: "a", partitions: [.init(partitionIndex: 0, offset: -1)])], timeoutMs: 1_000))
        #expect(deleted.topics[0].partitions[0].errorCode == 0)
        let news = try client.fetch([])
        #expect(try client.summary(news) == ["a:"])
        #expect(news.responses[0].partitions[0].logStartOffset == 1)
        #expect(try client.summary(try client.fetch([])) == [])
    }

    @Test func `a partition with much data does not starve the next`() throws {
        let client = try Client(version: 12)
        for name in ["a", "b"] {
            for _ in 0..<3 { try client.broker.produce([String(repeating: name, count: 500)], to: name) }
        }
        var request = client.request([("a", 0), ("b", 0)])
        request.maxBytes = 1
        let first = try client.broker.call(request, version: 12)
        var seen = [try #require(first.responses.first).topic]
        for epoch in 1...3 as ClosedRange<Int32> {
            let next = FetchRequest(minBytes: 1, maxBytes: 1, sessionID: first.sessionID, sessionEpoch: epoch)
            let response = try client.broker.call(next, version: 12)
            let withData = response.responses.filter { $0.partitions[0].records.count > 0 }
            seen.append(try #require(withData.first).topic)
            #expect(withData.count == 1)
        }
        #expect(seen == ["a", "b", "a", "b"])
    }

    @Test func `a session goes on in an older version`() throws {
        var client = try Client(version: 12)
        var request = client.request([("a", 0)])
        request.topics[0].partitions[0].fetchOffset = 5
        request.topics[0].partitions[0].lastFetchedEpoch = 0
        let first = try client.broker.call(request, version: 12)
        #expect(first.responses[0].partitions[0].divergingEpoch.epoch >= 0)
        client.session = first.sessionID
        let older = try client.broker.call(
            FetchRequest(minBytes: 1, sessionID: first.sessionID, sessionEpoch: 1), version: 11)
        #expect(older.errorCode == 0)
        #expect(!client.broker.log.contains("cannot be written"))
    }
}
