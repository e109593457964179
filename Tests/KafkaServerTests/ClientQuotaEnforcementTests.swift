// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import KafkaRuntime
import KafkaSimulator
import Testing

@testable import KafkaServer

/// Quotas as clients feel them, in virtual time.
@Suite struct ClientQuotaEnforcementTests {
    /// Sets, or with nil removes, a quota of a client id; of the default one where that is nil.
    private static func set(_ key: ClientQuotaKey, _ value: Double?, client: String?, _ broker: TestBroker) throws {
        var record = ClientQuotaRecord()
        record.entity = [.init(entityType: "client-id", entityName: client)]
        record.key = key.rawValue
        record.value = value ?? 0
        record.remove = value == nil
        nonisolated(unsafe) var isDone = false
        let change = record
        try #require(broker.node.context).metadata.submit(
            { _, _ in ControllerResult([.clientQuota(change)], response: ()) }, completion: { _ in isDone = true })
        #expect(try broker.world.run(within: 10_000) { isDone })
    }

    private static func batch(_ bytes: Int, _ broker: TestBroker) throws -> [UInt8] {
        try Batches.batch([String(repeating: "x", count: bytes)], timestamp: broker.now)
    }

    private static func produce(
        _ bytes: Int, to topic: String = "a", on connection: TestConnection, _ broker: TestBroker
    ) throws -> ProduceResponse {
        try connection.call(Requests.produce(try batch(bytes, broker), to: topic), version: 9)
    }

    @Test func `a producer above its rate is answered at once and then not read for as long as it was told`() throws {
        let broker = try TestBroker()
        try broker.createTopic("a")
        try Self.set(.producerByteRate, 1_000, client: "test", broker)
        let connection = broker.connect()
        #expect(try Self.produce(5_000, on: connection, broker).throttleTimeMs == 0)
        let before = broker.now
        let throttled = try Self.produce(15_000, on: connection, broker)
        #expect(throttled.responses.first?.partitionResponses.first?.errorCode == 0)
        // 20 kB and some bytes of two requests, over ten seconds.
        #expect((10_100...10_700).contains(throttled.throttleTimeMs), "\(throttled.throttleTimeMs)")
        #expect(broker.now - before < 100)
        _ = try connection.call(MetadataRequest(topics: []), version: 9)
        let waited = broker.now - before
        #expect((Int64(throttled.throttleTimeMs)...Int64(throttled.throttleTimeMs) + 200).contains(waited), "\(waited)")
    }

    @Test func `others are served meanwhile`() throws {
        let broker = try TestBroker()
        try broker.createTopic("a")
        try Self.set(.producerByteRate, 1_000, client: "test", broker)
        let connection = broker.connect()
        #expect(try Self.produce(50_000, on: connection, broker).throttleTimeMs > 10_000)
        let other = broker.connect()
        other.clientID = "other"
        let before = broker.now
        #expect(try Self.produce(50_000, on: other, broker).throttleTimeMs == 0)
        // A second connection of the throttled client shares the quota.
        let second = broker.connect()
        #expect(try Self.produce(10, on: second, broker).throttleTimeMs > 10_000)
        #expect(broker.now - before < 1_000)
    }

    @Test func `requests that were sent together wait for the one that was too much`() throws {
        let broker = try TestBroker()
        try broker.createTopic("a")
        try Self.set(.producerByteRate, 1_000, client: "test", broker)
        let connection = broker.connect()
        let before = broker.now
        for _ in 0..<3 { try connection.send(Requests.produce(try Self.batch(12_000, broker), to: "a"), version: 9) }
        _ = try connection.receive()
        #expect(broker.now - before < 100)
        _ = try connection.receive()
        #expect(broker.now - before >= 2_000)
        _ = try connection.receive()
        #expect(broker.now - before >= 12_000)
        #expect(try broker.call(Requests.fetch("a"), version: 12).responses.first?.partitions.first?.highWatermark == 3)
    }

    @Test func `a producer that wants no answer is muted, too`() throws {
        let broker = try TestBroker()
        try broker.createTopic("a")
        try Self.set(.producerByteRate, 1_000, client: "test", broker)
        let connection = broker.connect()
        let before = broker.now
        try connection.send(Requests.produce(try Self.batch(20_000, broker), to: "a", acks: 0), version: 9)
        _ = try connection.call(MetadataRequest(topics: []), version: 9)
        #expect(broker.now - before >= 9_000)
    }

    @Test func `a consumer above its rate gets an empty answer, and the records once it has waited`() throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("a")
        for _ in 0..<4 { _ = try broker.produce(try Self.batch(6_000, broker), to: "a", version: 9) }
        try Self.set(.consumerByteRate, 1_000, client: "test", broker)
        let connection = broker.connect()
        var request = Requests.fetch(id: id)
        request.sessionEpoch = -1
        request.maxBytes = 6_200
        let first = try connection.call(request, version: 16)
        #expect(first.throttleTimeMs == 0)
        #expect(first.responses.count == 1)
        let throttled = try connection.call(request, version: 16)
        #expect(throttled.throttleTimeMs > 1_000)
        #expect(throttled.responses.isEmpty)
        let before = broker.now
        var next = try connection.call(request, version: 16)
        #expect(broker.now - before >= Int64(throttled.throttleTimeMs))
        for _ in 0..<10 where next.throttleTimeMs > 0 {
            #expect(next.responses.isEmpty)
            next = try connection.call(request, version: 16)
        }
        #expect(next.throttleTimeMs == 0)
        #expect(next.responses.count == 1)
        #expect(broker.now - before < 15_000)
    }

    @Test func `a session goes on after an empty answer`() throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("a")
        try Self.set(.consumerByteRate, 1_000, client: "test", broker)
        let connection = broker.connect()
        var request = Requests.fetch(id: id)
        request.sessionEpoch = 0
        let session = try connection.call(request, version: 16).sessionID
        #expect(session != 0)
        for _ in 0..<2 { _ = try broker.produce(try Self.batch(9_000, broker), to: "a", version: 9) }
        var next = FetchRequest(maxWaitMs: 0, minBytes: 1, maxBytes: 1 << 20, sessionID: session, sessionEpoch: 1)
        var received = 0
        for epoch in Int32(1)...4 {
            next.sessionEpoch = epoch
            let answer = try connection.call(next, version: 16)
            #expect(answer.errorCode == 0)
            #expect(answer.sessionID == session)
            #expect(answer.responses.isEmpty || answer.throttleTimeMs == 0)
            received += answer.responses.count
        }
        #expect(received > 0)
    }

    @Test func `a client that has used up its changes is refused further ones, older clients are told to wait`() throws
    {
        let broker = try TestBroker(["controller.quota.window.num": "2", "controller.quota.window.size.seconds": "1"])
        try Self.set(.controllerMutationRate, 1, client: "test", broker)
        func create(_ names: [String], _ partitions: Int32, version: Int16) throws -> CreateTopicsResponse {
            try broker.call(
                CreateTopicsRequest(
                    topics: names.map { .init(name: $0, numPartitions: partitions, replicationFactor: 1) }),
                version: version)
        }
        // A burst of two is allowed, and one request may go beyond it once.
        let first = try create(["a", "b"], 4, version: 7)
        let codes = Dictionary(uniqueKeysWithValues: first.topics.map { ($0.name, $0.errorCode) })
        #expect(codes == ["a": 0, "b": ErrorCode.throttlingQuotaExceeded.rawValue])
        #expect((1_500...2_000).contains(first.throttleTimeMs), "\(first.throttleTimeMs)")
        let before = broker.now
        #expect(try create(["b"], 3, version: 5).topics.map(\.errorCode) == [0])
        #expect(broker.now - before >= 1_500)
        let third = try create(["c"], 1, version: 5)
        #expect(third.topics.map(\.errorCode) == [0])
        #expect((800...1_000).contains(third.throttleTimeMs), "\(third.throttleTimeMs)")
        try Self.set(.controllerMutationRate, nil, client: "test", broker)
        #expect(try create(["d"], 100, version: 7).topics.map(\.errorCode) == [0])
    }

    @Test func `a quota that is changed or removed holds at once`() throws {
        let broker = try TestBroker()
        try broker.createTopic("a")
        let context = try #require(broker.node.context)
        #expect(!context.quotas.isActive)
        try Self.set(.producerByteRate, 1_000, client: nil, broker)
        #expect(context.quotas.isActive)
        #expect(try Self.produce(50_000, on: broker.connect(), broker).throttleTimeMs > 10_000)
        try Self.set(.producerByteRate, 1_000_000, client: "test", broker)
        #expect(try Self.produce(50_000, on: broker.connect(), broker).throttleTimeMs == 0)
        let other = broker.connect()
        other.clientID = "other"
        #expect(try Self.produce(50_000, on: other, broker).throttleTimeMs > 10_000)
        try Self.set(.producerByteRate, nil, client: nil, broker)
        try Self.set(.producerByteRate, nil, client: "test", broker)
        #expect(!context.quotas.isActive)
        #expect(try Self.produce(50_000, on: broker.connect(), broker).throttleTimeMs == 0)
    }

    @Test func `quotas hold again after a restart`() throws {
        let broker = try TestBroker()
        try broker.createTopic("a")
        try Self.set(.producerByteRate, 1_000, client: "test", broker)
        try broker.restart()
        #expect(try Self.produce(50_000, on: broker.connect(), broker).throttleTimeMs > 10_000)
    }

    @Test func `a client that leaves or a broker that stops does not wait for the end of the muting`() throws {
        let broker = try TestBroker()
        try broker.createTopic("a")
        try Self.set(.producerByteRate, 1_000, client: "test", broker)
        let gone = broker.connect()
        #expect(try Self.produce(900_000, on: gone, broker).throttleTimeMs > 60_000)
        gone.close()
        let connection = broker.connect()
        #expect(try Self.produce(900_000, on: connection, broker).throttleTimeMs > 60_000)
        let before = broker.now
        try broker.shutdown()
        #expect(broker.now - before < 10_000)
        #expect(try connection.waitForClose(within: 1_000))
    }

    @Test func `client ids without end are bounded`() throws {
        let broker = try TestBroker()
        try Self.set(.producerByteRate, 1, client: nil, broker)
        let quotas = try #require(broker.node.context).quotas
        for number in 0..<25_000 {
            _ = quotas.record(.producerByteRate, 1, user: "ANONYMOUS", clientID: "client-\(number)")
        }
        #expect((1...10_000).contains(quotas.sensorCount))
        // Who was active last is still known.
        #expect(quotas.record(.producerByteRate, 1_000, user: "ANONYMOUS", clientID: "client-24999") > 10_000)
        #expect(quotas.record(.producerByteRate, 10, user: "ANONYMOUS", clientID: "client-0") == 0)
        try broker.world.advance(by: 3_600_001)
        _ = quotas.record(.producerByteRate, 1, user: "ANONYMOUS", clientID: "new")
        #expect(quotas.sensorCount == 1)
    }

    @Test func `the time of requests is measured in percent of a thread, and no wait is longer than a window`() throws {
        let broker = try TestBroker()
        try Self.set(.requestPercentage, 1, client: "test", broker)
        let quotas = try #require(broker.node.context).quotas
        let clock = broker.host.runtime.clock
        let quota = RequestQuota(manager: quotas, user: "ANONYMOUS", clientID: "test", clock: clock)
        #expect(quota.charge(.metadata, requestBytes: 10, nanoseconds: 90_000_000) == 0)
        let wait = quota.charge(.metadata, requestBytes: 10, nanoseconds: 20_000_000)
        #expect(wait == 1_000)
        let other = RequestQuota(manager: quotas, user: "ANONYMOUS", clientID: "other", clock: clock)
        #expect(other.charge(.metadata, requestBytes: 10, nanoseconds: 900_000_000) == 0)
    }
}
