// SPDX-License-Identifier: Apache-2.0
import KafkaProtocol
import KafkaRecords
import SwiftKafka
import Testing

/// Many clients at once, over several reactors: what no simulation in one thread can show. Worth running with
/// `--sanitize=thread`.
@Suite struct StressTests {
    private static let rounds = 40

    private func connect(_ broker: Broker) async throws -> LoopbackClient {
        guard let address = broker.boundAddresses["PLAINTEXT"] else { throw LoopbackClient.Failure.closed }
        return try await LoopbackClient.connect(to: address.host, port: address.port)
    }

    /// Produces to `topic` and checks that its own offsets ascend.
    private func produce(_ broker: Broker, to topic: String) async throws -> Int {
        let client = try await connect(broker)
        var last: Int64 = -1
        for _ in 0..<Self.rounds {
            var builder = RecordBatchBuilder()
            try builder.append(timestamp: .now, key: nil, value: [UInt8](repeating: 7, count: 2_000))
            let request = ProduceRequest(
                acks: -1, timeoutMs: 1_000,
                topicData: [
                    .init(name: topic, partitionData: [.init(index: 0, records: .owned(try builder.finish()))])
                ])
            let answer = try await client.call(request, version: 9).responses[0].partitionResponses[0]
            #expect(answer.errorCode == 0 && answer.baseOffset > last)
            last = answer.baseOffset
        }
        client.close()
        return Self.rounds
    }

    /// Follows `topic` in a session with a long poll until `count` records have come.
    private func consume(_ broker: Broker, _ topic: String, count: Int64) async throws {
        let client = try await connect(broker)
        var next: Int64 = 0
        var (session, epoch) = (Int32(0), Int32(0))
        while next < count {
            let request = FetchRequest(
                maxWaitMs: 2_000, minBytes: 1, sessionID: session, sessionEpoch: epoch,
                topics: [
                    .init(
                        topic: topic,
                        partitions: [.init(partition: 0, fetchOffset: next, partitionMaxBytes: 1 << 16)])
                ])
            let response = try await client.call(request, version: 12)
            #expect(response.errorCode == 0)
            (session, epoch) = (response.sessionID, epoch + 1)
            for partition in response.responses.flatMap(\.partitions) {
                #expect(partition.errorCode == 0)
                next = max(next, partition.highWatermark)
            }
        }
        client.close()
    }

    /// Makes, describes and deletes topics of its own.
    private func administer(_ broker: Broker, _ number: Int) async throws {
        let client = try await connect(broker)
        for round in 0..<(Self.rounds / 4) {
            let name = "own-\(number)-\(round)"
            let made = try await client.call(
                CreateTopicsRequest(topics: [.init(name: name, numPartitions: 3, replicationFactor: 1)]), version: 7)
            #expect(made.topics[0].errorCode == 0)
            #expect(try await client.produce("x", to: name) == 0)
            _ = try await client.call(InitProducerIdRequest(transactionalID: nil), version: 4)
            let described = try await client.call(MetadataRequest(topics: nil), version: 12)
            #expect(described.topics.contains { $0.name == name })
            let deleted = try await client.call(DeleteTopicsRequest(topics: [.init(name: name)]), version: 6)
            #expect(deleted.responses[0].errorCode == 0)
        }
        client.close()
    }

    /// Waits for what never comes, and leaves.
    private func loiter(_ broker: Broker, _ topic: String) async throws {
        for _ in 0..<(Self.rounds / 4) {
            let client = try await connect(broker)
            let waiting = Task {
                try? await client.call(
                    FetchRequest(
                        maxWaitMs: 60_000, minBytes: 1 << 20,
                        topics: [
                            .init(topic: topic, partitions: [.init(partition: 0, fetchOffset: 0, partitionMaxBytes: 1)])
                        ]), version: 11)
            }
            try await Task.sleep(for: .milliseconds(2))
            client.close()
            _ = await waiting.value
        }
    }

    @Test(arguments: [[:], ["flush.messages": "3"]] as [[String: String]])
    func `clients of all kinds do not disturb each other`(topicConfiguration: [String: String]) async throws {
        let broker = try Broker.inMemory([
            "num.network.threads": "4", "queued.max.request.bytes": "1000000", "socket.request.max.bytes": "1000000",
        ])
        try await broker.start()
        let admin = try await connect(broker)
        for topic in ["a", "b"] {
            let made = try await admin.call(
                CreateTopicsRequest(topics: [
                    .init(
                        name: topic, numPartitions: 1, replicationFactor: 1,
                        configs: topicConfiguration.map { .init(name: $0.key, value: $0.value) })
                ]), version: 7)
            #expect(made.topics[0].errorCode == 0)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for topic in ["a", "b"] {
                for _ in 0..<3 { group.addTask { _ = try await produce(broker, to: topic) } }
                for _ in 0..<2 {
                    group.addTask { try await consume(broker, topic, count: Int64(3 * Self.rounds)) }
                }
                group.addTask { try await loiter(broker, topic) }
            }
            for number in 0..<3 { group.addTask { try await administer(broker, number) } }
            try await group.waitForAll()
        }
        for topic in ["a", "b"] { #expect(try await admin.endOffset(of: topic) == Int64(3 * Self.rounds)) }
        await broker.shutdown()
    }

    @Test func `a broker that stops under load stops`() async throws {
        for _ in 0..<5 {
            let broker = try Broker.inMemory(["num.network.threads": "4"])
            try await broker.start()
            let topic = try await connect(broker)
            #expect(try await topic.produce("first", to: "a") == 0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask { _ = try? await produce(broker, to: "a") }
                    group.addTask { try? await consume(broker, "a", count: 1_000) }
                    group.addTask { try? await loiter(broker, "a") }
                }
                try await Task.sleep(for: .milliseconds(20))
                await broker.shutdown()
                // Nobody waits for an answer any more.
                try await group.waitForAll()
            }
        }
    }
}
