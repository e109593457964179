// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaReplication
import KafkaServer
import KafkaSimulator
import Testing

/// Fetches that wait for data (long poll).
@Suite struct FetchWaitingTests {
    /// Sends a fetch on a connection of its own and lets it arrive.
    private func park(_ broker: TestBroker, _ request: FetchRequest, version: Int16 = 12) throws -> TestConnection {
        let connection = broker.connect()
        try connection.send(request, version: version)
        try broker.world.advance(by: 5)
        #expect(connection.waitingAnswers == 0, "the fetch does not wait")
        return connection
    }

    private func answer(_ connection: TestConnection, within milliseconds: Int64, version: Int16 = 12) throws
        -> FetchResponse.PartitionData
    {
        let response = try connection.receive(
            FetchResponse.self, version: version, correlationID: 1, within: milliseconds)
        return try #require(response.responses.first?.partitions.first)
    }

    @Test(arguments: 0...12 as ClosedRange<Int16>)
    func `a produce wakes it`(version: Int16) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let waiting = try park(broker, Requests.fetch("t", maxWait: 10_000), version: version)
        try broker.produce(["a"], to: "t")
        let data = try answer(waiting, within: 5, version: version)
        let values =
            version >= 4
            ? try Batches.values(in: data.records)
            : try Batches.oldValues(in: data.records, magic: version >= 2 ? 1 : 0)
        #expect(values == ["0=a"])
        #expect(data.highWatermark == 1)
    }

    @Test func `the deadline ends it`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let waiting = try park(broker, Requests.fetch("t", maxWait: 500))
        try broker.world.advance(by: 490)
        #expect(waiting.waitingAnswers == 0)
        let data = try answer(waiting, within: 10)
        #expect(data.errorCode == 0 && data.records.count == 0)
    }

    @Test func `it waits for as many bytes as it asked for`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        try broker.produce([String(repeating: "x", count: 400)], to: "t")
        let waiting = try park(broker, Requests.fetch("t", maxWait: 10_000, minBytes: 1_200))
        try broker.produce([String(repeating: "y", count: 400)], to: "t")
        try broker.world.advance(by: 100)
        #expect(waiting.waitingAnswers == 0)
        try broker.produce([String(repeating: "z", count: 400)], to: "t")
        #expect(try Batches.values(in: try answer(waiting, within: 5).records).count == 3)
    }

    @Test func `what cannot be gathered is not waited for`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        try broker.produce([String(repeating: "x", count: 400)], to: "t")
        var request = Requests.fetch("t", maxWait: 10_000, minBytes: .max)
        request.maxBytes = 100
        let response = try broker.call(request, version: 12, within: 100)
        #expect(response.responses.first?.partitions.first?.records.count ?? 0 > 100)
    }

    @Test func `bytes of several partitions add up`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        try broker.createTopic("u")
        var request = Requests.fetch("t", maxWait: 10_000, minBytes: 800)
        request.topics += Requests.fetch("u").topics
        let waiting = try park(broker, request)
        try broker.produce([String(repeating: "x", count: 400)], to: "t")
        try broker.world.advance(by: 100)
        #expect(waiting.waitingAnswers == 0)
        try broker.produce([String(repeating: "x", count: 400)], to: "u")
        let response = try waiting.receive(FetchResponse.self, version: 12, correlationID: 1, within: 5)
        #expect(response.responses.map { $0.partitions[0].records.count > 400 } == [true, true])
    }

    @Test func `an error is not waited with`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        for request in [
            Requests.fetch("t", from: 5, maxWait: 10_000), Requests.fetch("missing", maxWait: 10_000),
            Requests.fetch("t", partition: 3, maxWait: 10_000),
        ] {
            let response = try broker.call(request, version: 12, within: 100)
            #expect(response.responses.first?.partitions.first?.errorCode != 0)
        }
        // Nothing was asked for, so there is nothing to wait for.
        #expect(try broker.call(FetchRequest(maxWaitMs: 10_000, minBytes: 1), version: 12, within: 100).errorCode == 0)
    }

    @Test(arguments: [12, 13] as [Int16])
    func `deleting the topic wakes it`(version: Int16) throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        let request =
            version >= 13 ? Requests.fetch(id: id, maxWait: 60_000) : Requests.fetch("t", maxWait: 60_000)
        let waiting = try park(broker, request, version: version)
        try broker.deleteTopic("t")
        let data = try answer(waiting, within: 10, version: version)
        #expect(ErrorCode(data.errorCode) == (version >= 13 ? .unknownTopicID : .unknownTopicOrPartition))
    }

    @Test func `a partition that is named many times is waited for once`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let partition = try #require(broker.node.context?.replicas.topic(name: "t")?.partition(0))
        var request = Requests.fetch("t", maxWait: 500)
        request.topics[0].partitions = Array(repeating: request.topics[0].partitions[0], count: 1_000)
        let waiting = try park(broker, request)
        #expect(partition.waiterCount == 1)
        try broker.produce(["a"], to: "t")
        #expect(try answer(waiting, within: 5).highWatermark == 1)
        #expect(partition.waiterCount == 0)
    }

    @Test func `many that wait are all woken, each once`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let waiting = try (0..<50).map { _ in try park(broker, Requests.fetch("t", maxWait: 10_000)) }
        try broker.produce(["a"], to: "t")
        for connection in waiting { #expect(try answer(connection, within: 20).highWatermark == 1) }
        try broker.world.advance(by: 20_000)
        #expect(waiting.allSatisfy { $0.waitingAnswers == 0 && !$0.isClosed })
    }

    @Test func `a client that leaves is forgotten`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let waiting = try park(broker, Requests.fetch("t", maxWait: .max))
        let before = broker.world.stepCount
        waiting.close()
        try broker.world.advance(by: 2_000)
        #expect(broker.world.stepCount > before)
        try broker.produce(["a"], to: "t")
        try broker.world.advance(by: 10)
        #expect(!broker.log.contains("cannot be written"))
    }
}
