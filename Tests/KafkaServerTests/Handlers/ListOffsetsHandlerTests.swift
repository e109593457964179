// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaReplication
import KafkaServer
import KafkaSimulator
import KafkaStorage
import Testing

/// ListOffsets (key 2).
@Suite struct ListOffsetsHandlerTests {
    typealias Answer = ListOffsetsResponse.ListOffsetsPartitionResponse

    private func ask(
        _ broker: TestBroker, _ timestamp: Int64, version: Int16, topic: String = "t", partition: Int32 = 0,
        epoch: Int32 = -1, count: Int32 = 10, isolation: Int8 = 0
    ) throws -> Answer {
        let request = ListOffsetsRequest(
            replicaID: -1, isolationLevel: version >= 2 ? isolation : 0,
            topics: [
                .init(
                    name: topic,
                    partitions: [
                        .init(
                            partitionIndex: partition, currentLeaderEpoch: version >= 4 ? epoch : -1,
                            timestamp: timestamp, maxNumOffsets: version == 0 ? count : 1)
                    ])
            ])
        let response = try broker.call(request, version: version)
        let answered = try #require(response.topics.first)
        #expect(answered.name == topic)
        let answer = try #require(answered.partitions.first)
        #expect(answer.partitionIndex == partition)
        return answer
    }

    /// Records at offsets 0…5 with times +0, +10, +20, +5, +30 and +30; the first two are gone.
    private func makeBroker() throws -> (broker: TestBroker, time: Int64) {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let time = broker.now - 1_000
        for delta in [0, 10, 20, 5, 30, 30] as [Int64] { try broker.produce(["x"], to: "t", timestamp: time + delta) }
        let deleted = try broker.call(
            DeleteRecordsRequest(
                topics: [.init(name: "t", partitions: [.init(partitionIndex: 0, offset: 2)])], timeoutMs: 1_000))
        #expect(deleted.topics[0].partitions[0].lowWatermark == 2)
        return (broker, time)
    }

    @Test(arguments: 1...11 as ClosedRange<Int16>)
    func `markers and times resolve in every version`(version: Int16) throws {
        let (broker, time) = try makeBroker()
        let epoch: Int32 = version >= 4 ? 0 : -1
        func check(_ asked: Int64, _ offset: Int64, _ timestamp: Int64, _ leaderEpoch: Int32) throws {
            let answer = try ask(broker, asked, version: version)
            #expect(answer.errorCode == 0, "asked for \(asked)")
            #expect(answer.offset == offset, "asked for \(asked)")
            #expect(answer.timestamp == timestamp, "asked for \(asked)")
            #expect(answer.leaderEpoch == leaderEpoch, "asked for \(asked)")
        }
        try check(-1, 6, -1, epoch)
        try check(-2, 2, -1, epoch)
        try check(0, 2, time + 20, epoch)
        try check(time + 6, 2, time + 20, epoch)
        try check(time + 20, 2, time + 20, epoch)
        try check(time + 21, 4, time + 30, epoch)
        try check(time + 30, 4, time + 30, epoch)
        try check(time + 31, -1, -1, -1)
        try check(.max, -1, -1, -1)
        if version >= 7 { try check(-3, 4, time + 30, epoch) }
        if version >= 8 { try check(-4, 2, -1, epoch) }
        if version >= 9 { try check(-5, -1, -1, -1) }
        if version >= 11 { try check(-6, -1, -1, -1) }
        #expect(broker.log.complaints == [])
    }

    @Test(arguments: 1...11 as ClosedRange<Int16>)
    func `markers of later versions are refused`(version: Int16) throws {
        let (broker, _) = try makeBroker()
        let known = [-2, -1] + [(-3, 7), (-4, 8), (-5, 9), (-6, 11)].filter { version >= $0.1 }.map(\.0)
        for marker in [-7, -6, -5, -4, -3, .min] as [Int] where !known.contains(marker) {
            let answer = try ask(broker, Int64(marker), version: version)
            #expect(ErrorCode(answer.errorCode) == .unsupportedVersion, "marker \(marker)")
            #expect(answer.offset == -1)
        }
    }

    @Test(arguments: 0...11 as ClosedRange<Int16>)
    func `errors are told in every version`(version: Int16) throws {
        let (broker, time) = try makeBroker()
        for timestamp in [-1, -2, time] {
            #expect(
                ErrorCode(try ask(broker, timestamp, version: version, topic: "missing").errorCode)
                    == .unknownTopicOrPartition)
            let outside = try ask(broker, timestamp, version: version, partition: 1)
            #expect(ErrorCode(outside.errorCode) == .unknownTopicOrPartition)
            #expect(outside.offset == -1)
        }
        guard version >= 4 else { return }
        #expect(ErrorCode(try ask(broker, -1, version: version, epoch: 1).errorCode) == .unknownLeaderEpoch)
        #expect(try ask(broker, -1, version: version, epoch: 0).errorCode == 0)
        try broker.restart()
        #expect(ErrorCode(try ask(broker, -1, version: version, epoch: 0).errorCode) == .fencedLeaderEpoch)
    }

    @Test(arguments: 1...11 as ClosedRange<Int16>)
    func `an empty log has a start and an end`(version: Int16) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        #expect(try ask(broker, -1, version: version).offset == 0)
        #expect(try ask(broker, -2, version: version).offset == 0)
        #expect(try ask(broker, 0, version: version).offset == -1)
        if version >= 7 { #expect(try ask(broker, -3, version: version).offset == -1) }
    }

    @Test(arguments: 2...11 as ClosedRange<Int16>)
    func `committed readers see the last stable offset`(version: Int16) throws {
        let (broker, _) = try makeBroker()
        #expect(try ask(broker, -1, version: version, isolation: 1).offset == 6)
        // An open transaction at offset 6.
        let partition = try #require(broker.node.context?.replicas.topic(name: "t")?.partition(0))
        let now = broker.now
        var batch = try Batches.batch(["y"], timestamp: now, producer: .init(id: 5, sequence: 0), isTransactional: true)
        _ = try batch.withUnsafeMutableBytes { try partition.append($0, origin: .client, now: now).get() }
        #expect(try ask(broker, -1, version: version, isolation: 1).offset == 6)
        #expect(try ask(broker, -1, version: version, isolation: 0).offset == 7)
        #expect(try ask(broker, now, version: version, isolation: 1).offset == -1)
        #expect(try ask(broker, now, version: version, isolation: 0).offset == 6)
    }

    @Test func `version 0 lists starts of segments`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t", ["internal.segment.bytes": "300"])
        for _ in 0..<8 { try broker.produce([String(repeating: "x", count: 100)], to: "t") }
        let all = try ask(broker, -1, version: 0, count: 100).oldStyleOffsets
        #expect(all.first == 8)
        #expect(all.last == 0)
        #expect(all == all.sorted(by: >) && all.count > 2)
        #expect(try ask(broker, -1, version: 0, count: 1).oldStyleOffsets == [8])
        #expect(try ask(broker, -2, version: 0, count: 5).oldStyleOffsets == [0])
        #expect(try ask(broker, -1, version: 0, count: 0).oldStyleOffsets == [])
        #expect(try ask(broker, -1, version: 0, count: -1).oldStyleOffsets == [])
        #expect(try ask(broker, -1, version: 0, count: .max).oldStyleOffsets == all)
    }

    @Test func `a partition named twice is refused`() throws {
        let (broker, _) = try makeBroker()
        let partition = ListOffsetsRequest.ListOffsetsPartition(partitionIndex: 0, timestamp: -1)
        let request = ListOffsetsRequest(topics: [.init(name: "t", partitions: [partition, partition])])
        let response = try broker.call(request, version: 7)
        #expect(response.topics[0].partitions.map { ErrorCode($0.errorCode) } == [.invalidRequest, .invalidRequest])
    }
}
