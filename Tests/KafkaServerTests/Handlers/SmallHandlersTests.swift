// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaServer
import KafkaSimulator
import Testing

/// DeleteRecords (key 21), InitProducerId (key 22), OffsetForLeaderEpoch (key 23) and DescribeCluster (key 60).
@Suite struct SmallHandlersTests {
    // MARK: DeleteRecords

    private func delete(
        _ broker: TestBroker, _ topic: String, _ offset: Int64, partition: Int32 = 0, version: Int16 = 2
    )
        throws -> DeleteRecordsResponse.DeleteRecordsPartitionResult
    {
        let answer = try broker.call(
            DeleteRecordsRequest(
                topics: [.init(name: topic, partitions: [.init(partitionIndex: partition, offset: offset)])],
                timeoutMs: 1_000), version: version)
        return try #require(answer.topics.first?.partitions.first)
    }

    @Test(arguments: 0...2 as ClosedRange<Int16>)
    func `moves the start in every version`(version: Int16) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        for value in ["a", "b", "c"] { try broker.produce([value], to: "t") }
        let moved = try delete(broker, "t", 1, version: version)
        #expect(moved.errorCode == 0 && moved.lowWatermark == 1)
        // Never back.
        #expect(try delete(broker, "t", 0, version: version).lowWatermark == 1)
        for offset in [4, -2, .max] as [Int64] {
            let refused = try delete(broker, "t", offset, version: version)
            #expect(ErrorCode(refused.errorCode) == .offsetOutOfRange)
            #expect(refused.lowWatermark == -1)
        }
        #expect(ErrorCode(try delete(broker, "missing", 0, version: version).errorCode) == .unknownTopicOrPartition)
        #expect(
            ErrorCode(try delete(broker, "t", 0, partition: 1, version: version).errorCode) == .unknownTopicOrPartition)
        #expect(try broker.records(of: "t", from: 1) == ["1=b", "2=c"])
        #expect(try delete(broker, "t", -1, version: version).lowWatermark == 3)
        let gone = try broker.call(Requests.fetch("t", from: 1), version: 12)
        #expect(ErrorCode(gone.responses[0].partitions[0].errorCode) == .offsetOutOfRange)
    }

    @Test func `compacted topics keep their records`() throws {
        let broker = try TestBroker()
        try broker.createTopic("compacted", ["cleanup.policy": "compact"])
        try broker.createTopic("both", ["cleanup.policy": "compact,delete"])
        for topic in ["compacted", "both"] { try broker.produce(["a"], to: topic) }
        #expect(ErrorCode(try delete(broker, "compacted", -1).errorCode) == .policyViolation)
        #expect(try delete(broker, "both", -1).errorCode == 0)
    }

    @Test func `the start stays where it was moved to`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        for value in ["a", "b", "c"] { try broker.produce([value], to: "t") }
        #expect(try delete(broker, "t", 2).lowWatermark == 2)
        try broker.restart()
        #expect(
            try broker.call(Requests.fetch("t", from: 2), version: 12).responses[0].partitions[0].logStartOffset == 2)
    }

    // MARK: InitProducerId

    @Test(arguments: 0...6 as ClosedRange<Int16>)
    func `gives out ids in every version`(version: Int16) throws {
        let broker = try TestBroker()
        var ids: Set<Int64> = []
        for _ in 0..<5 {
            let answer = try broker.call(
                InitProducerIdRequest(transactionalID: nil, transactionTimeoutMs: 60_000), version: version)
            #expect(answer.errorCode == 0 && answer.producerEpoch == 0)
            #expect(answer.ongoingTxnProducerID == -1)
            ids.insert(answer.producerID)
        }
        #expect(ids.count == 5 && ids.allSatisfy { $0 >= 0 })
    }

    @Test(arguments: 0...6 as ClosedRange<Int16>)
    func `transactional ids are refused`(version: Int16) throws {
        let broker = try TestBroker()
        for (id, expected) in [("", ErrorCode.invalidRequest), ("tx", .unsupportedVersion)] {
            let answer = try broker.call(
                InitProducerIdRequest(transactionalID: id, transactionTimeoutMs: 60_000), version: version)
            #expect(ErrorCode(answer.errorCode) == expected)
            #expect(answer.producerID == -1 && answer.producerEpoch == -1)
        }
    }

    @Test func `an id is given once, across blocks, restarts and crashes`() throws {
        let broker = try TestBroker()
        var ids: Set<Int64> = []
        var count = 0
        func take(_ number: Int) throws {
            for _ in 0..<number {
                let answer = try broker.call(InitProducerIdRequest(transactionalID: nil), version: 4)
                #expect(answer.errorCode == 0)
                ids.insert(answer.producerID)
                count += 1
            }
        }
        try take(1_200)
        try broker.restart()
        try take(10)
        try broker.crash(.machine)
        try take(10)
        try broker.crash(.process)
        try take(10)
        #expect(ids.count == count)
    }

    @Test func `many ask at once`() throws {
        let broker = try TestBroker(options: SimulationOptions())
        let connections = (0..<40).map { _ in broker.connect() }
        for connection in connections {
            try connection.send(InitProducerIdRequest(transactionalID: nil), version: 4)
        }
        let ids = try connections.map {
            try $0.receive(InitProducerIdResponse.self, version: 4, correlationID: 1).producerID
        }
        #expect(Set(ids).count == 40)
    }

    // MARK: OffsetForLeaderEpoch

    @Test(arguments: 0...4 as ClosedRange<Int16>)
    func `tells where epochs end in every version`(version: Int16) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        try broker.produce(["a", "b"], to: "t")
        try broker.restart()
        try broker.produce(["c"], to: "t")
        func ask(_ epoch: Int32, current: Int32 = -1, topic: String = "t", partition: Int32 = 0) throws
            -> OffsetForLeaderEpochResponse.EpochEndOffset
        {
            let answer = try broker.call(
                OffsetForLeaderEpochRequest(
                    replicaID: version >= 3 ? -1 : -2,
                    topics: [
                        .init(
                            topic: topic,
                            partitions: [
                                .init(
                                    partition: partition, currentLeaderEpoch: version >= 2 ? current : -1,
                                    leaderEpoch: epoch)
                            ])
                    ]), version: version)
            return try #require(answer.topics.first?.partitions.first)
        }
        let first = try ask(0)
        #expect(first.errorCode == 0 && first.endOffset == 2)
        #expect(first.leaderEpoch == (version >= 1 ? 0 : -1))
        #expect(try ask(1_000).endOffset == -1)
        #expect(try ask(-1).endOffset == -1)
        #expect(ErrorCode(try ask(0, topic: "missing").errorCode) == .unknownTopicOrPartition)
        #expect(ErrorCode(try ask(0, partition: 1).errorCode) == .unknownTopicOrPartition)
        guard version >= 2 else { return }
        #expect(ErrorCode(try ask(0, current: 0).errorCode) == .fencedLeaderEpoch)
        #expect(ErrorCode(try ask(0, current: 1_000).errorCode) == .unknownLeaderEpoch)
        // An epoch in which nothing was written yet ends at the log's end, and so do those before it.
        try broker.restart()
        try broker.restart()
        let newest = try #require((1..<20).first { try ask(0, current: $0).errorCode == 0 })
        #expect(try ask(newest).endOffset == 3 && ask(newest).leaderEpoch == newest)
        let between = try ask(newest - 1)
        #expect(between.endOffset == 3 && between.leaderEpoch < newest)
        #expect(try ask(newest + 1).endOffset == -1)
    }

    // MARK: DescribeCluster

    @Test(arguments: 0...2 as ClosedRange<Int16>)
    func `describes the cluster in every version`(version: Int16) throws {
        let broker = try TestBroker(["broker.rack": "west", "node.id": "7"])
        for operations in [false, true] {
            let answer = try broker.call(
                DescribeClusterRequest(
                    includeClusterAuthorizedOperations: operations, includeFencedBrokers: version >= 2),
                version: version)
            #expect(answer.errorCode == 0)
            #expect(answer.clusterID == (try broker.call(MetadataRequest(topics: []))).clusterID)
            #expect(answer.controllerID == 7)
            #expect(answer.brokers.map(\.brokerID) == [7])
            #expect(answer.brokers[0].host == "broker" && answer.brokers[0].port == 9092)
            #expect(answer.brokers[0].rack == "west" && !answer.brokers[0].isFenced)
            #expect((answer.clusterAuthorizedOperations == .min) == !operations)
        }
    }

    @Test(
        arguments: [1, 2] as [Int16],
        [(2, ErrorCode.mismatchedEndpointType), (0, .unsupportedEndpointType), (9, .unsupportedEndpointType)]
            as [(Int8, ErrorCode)])
    func `controllers are described elsewhere`(version: Int16, kind: (type: Int8, error: ErrorCode)) throws {
        let broker = try TestBroker()
        let answer = try broker.call(DescribeClusterRequest(endpointType: kind.type), version: version)
        #expect(ErrorCode(answer.errorCode) == kind.error)
        #expect(answer.errorMessage != nil && answer.brokers.isEmpty)
    }
}
