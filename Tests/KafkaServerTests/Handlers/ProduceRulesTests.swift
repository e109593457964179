// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRecords
import KafkaServer
import KafkaSimulator
import Testing

/// What a topic's configuration and a producer's sequence numbers demand of a produced batch.
@Suite struct ProduceRulesTests {
    // MARK: Sizes

    @Test func `a batch over the topic's limit is too large`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t", ["max.message.bytes": "200"])
        let fits = try Batches.batch([String(repeating: "x", count: 100)], timestamp: broker.now)
        let large = try Batches.batch([String(repeating: "x", count: 200)], timestamp: broker.now)
        #expect(fits.count <= 200 && large.count > 200)
        #expect(try broker.produce(fits, to: "t", version: 9).errorCode == 0)
        let answer = try broker.produce(large, to: "t", version: 9)
        #expect(ErrorCode(answer.errorCode) == .messageTooLarge)
        for (version, magic) in [(0, 0), (2, 1)] as [(Int16, Int8)] {
            let set = try Batches.messageSet(
                [String(repeating: "x", count: 200)], magic: magic, timestamp: broker.now)
            let answer = try broker.produce(set, to: "t", version: version)
            #expect(ErrorCode(answer.errorCode) == .messageTooLarge, "version \(version)")
        }
    }

    @Test func `the broker's limit counts where the topic sets none`() throws {
        let broker = try TestBroker(["message.max.bytes": "150"])
        try broker.createTopic("t")
        let large = try Batches.batch([String(repeating: "x", count: 200)], timestamp: broker.now)
        #expect(ErrorCode(try broker.produce(large, to: "t", version: 9).errorCode) == .messageTooLarge)
    }

    // MARK: Times

    @Test func `a topic may stamp the time itself`() throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t", ["message.timestamp.type": "LogAppendTime"])
        for version in 0...13 as ClosedRange<Int16> {
            let records =
                version < 3
                ? try Batches.messageSet(["a"], magic: version < 2 ? 0 : 1, timestamp: 5)
                : try Batches.batch(["a"], timestamp: 5)
            let request = version >= 13 ? Requests.produce(records, id: id) : Requests.produce(records, to: "t")
            let answer = try #require(
                try broker.call(request, version: version).responses.first?.partitionResponses.first)
            #expect(answer.errorCode == 0)
            #expect(answer.logAppendTimeMs == (version >= 2 ? broker.now : -1), "version \(version)")
        }
        let fetched = try broker.call(Requests.fetch("t"), version: 12)
        let stored = try #require(fetched.responses.first?.partitions.first).records
        for header in try Batches.headers(in: stored) {
            #expect(header.attributes.timestampType == .logAppendTime)
            #expect(header.maxTimestamp == broker.now)
        }
    }

    @Test func `times outside the topic's range are refused record by record`() throws {
        let broker = try TestBroker()
        try broker.createTopic(
            "t", ["message.timestamp.before.max.ms": "1000", "message.timestamp.after.max.ms": "2000"])
        let now = broker.now
        for (time, isTaken) in [
            (now, true), (now - 1_000, true), (now + 2_000, true), (now - 1_001, false), (now + 2_001, false),
            (0, false),
        ] {
            let answer = try broker.produce(try Batches.batch(["a"], timestamp: time), to: "t", version: 9)
            #expect(ErrorCode(answer.errorCode) == (isTaken ? .none : .invalidTimestamp), "\(time - now)")
            #expect(answer.recordErrors.map(\.batchIndex) == (isTaken ? [] : [0]))
            #expect(answer.recordErrors.allSatisfy { $0.batchIndexErrorMessage != nil })
        }
    }

    @Test func `records far in the future are refused by default`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let future = try Batches.batch(["a"], timestamp: broker.now + 3_600_001)
        #expect(ErrorCode(try broker.produce(future, to: "t", version: 9).errorCode) == .invalidTimestamp)
        let past = try Batches.batch(["a"], timestamp: 0)
        #expect(try broker.produce(past, to: "t", version: 9).errorCode == 0)
    }

    // MARK: Compacted topics, codecs

    @Test func `only the records without a key are named`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t", ["cleanup.policy": "compact,delete"])
        var builder = RecordBatchBuilder()
        for (index, key) in ["a", nil, "b", nil].enumerated() {
            try builder.append(timestamp: broker.now, key: key.map { Array($0.utf8) }, value: [UInt8(index)])
        }
        let answer = try broker.produce(try builder.finish(), to: "t", version: 9)
        #expect(ErrorCode(answer.errorCode) == .invalidRecord)
        #expect(answer.recordErrors.map(\.batchIndex) == [1, 3])
        #expect(try broker.records(of: "t") == [])
        #expect(try broker.produce(["tombstone and value"], to: "t") == 0)
    }

    @Test(arguments: ["uncompressed", "gzip", "snappy", "lz4", "zstd"])
    func `a topic may demand a codec`(codec: String) throws {
        let broker = try TestBroker()
        try broker.createTopic("t", ["compression.type": codec])
        for type in CompressionType.allCases {
            let batch = try Batches.batch(["a", "b"], timestamp: broker.now, compression: type)
            #expect(try broker.produce(batch, to: "t", version: 9).errorCode == 0)
        }
        let fetched = try broker.call(Requests.fetch("t"), version: 12)
        let stored = try #require(fetched.responses.first?.partitions.first).records
        let codecs = try Batches.headers(in: stored).map { $0.attributes.compression }
        let expected: CompressionType =
            switch codec {
            case "gzip": .gzip
            case "snappy": .snappy
            case "lz4": .lz4
            case "zstd": .zstd
            default: .none
            }
        #expect(codecs == Array(repeating: expected, count: 5))
        #expect(try Batches.values(in: stored).count == 10)
    }

    // MARK: Idempotence

    private func send(_ broker: TestBroker, id: Int64 = 7, epoch: Int16 = 0, _ sequence: Int32, count: Int = 2) throws
        -> ProduceResponse.PartitionProduceResponse
    {
        let batch = try Batches.batch(
            (0..<count).map { "\(sequence)+\($0)" }, timestamp: broker.now,
            producer: .init(id: id, epoch: epoch, sequence: sequence))
        return try broker.produce(batch, to: "t", version: 9)
    }

    @Test func `what was sent twice is answered twice and stored once`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        for sequence in [0, 2, 4, 6, 8, 10] as [Int32] {
            #expect(try send(broker, sequence).baseOffset == Int64(sequence))
        }
        for sequence in [2, 4, 6, 8, 10] as [Int32] {
            let again = try send(broker, sequence)
            #expect(again.errorCode == 0)
            #expect(again.baseOffset == Int64(sequence))
        }
        // Five batches are remembered; this is older.
        #expect(ErrorCode(try send(broker, 0).errorCode) == .outOfOrderSequenceNumber)
        #expect(try broker.records(of: "t").count == 12)
    }

    @Test func `sequence numbers must follow one another`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        #expect(try send(broker, 0).errorCode == 0)
        #expect(ErrorCode(try send(broker, 3).errorCode) == .outOfOrderSequenceNumber)
        #expect(ErrorCode(try send(broker, 1).errorCode) == .outOfOrderSequenceNumber)
        #expect(try send(broker, 2).errorCode == 0)
        #expect(ErrorCode(try send(broker, epoch: 1, 4).errorCode) == .outOfOrderSequenceNumber)
        #expect(try send(broker, epoch: 1, 0).errorCode == 0)
        #expect(ErrorCode(try send(broker, epoch: 0, 4).errorCode) == .invalidProducerEpoch)
        #expect(try broker.records(of: "t").count == 6)
    }

    @Test func `an unknown producer may begin anywhere`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        #expect(try send(broker, id: 1, 77).errorCode == 0)
        #expect(try send(broker, id: 2, .max, count: 3).errorCode == 0)
        #expect(try send(broker, id: 2, 2).errorCode == 0)
    }

    @Test(arguments: [true, false])
    func `sequences are known after a restart`(cleanly: Bool) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        #expect(try send(broker, 0).errorCode == 0)
        #expect(try send(broker, 2).errorCode == 0)
        if cleanly { try broker.restart() } else { try broker.crash(.process) }
        let again = try send(broker, 2)
        #expect(again.errorCode == 0 && again.baseOffset == 2)
        #expect(ErrorCode(try send(broker, 6).errorCode) == .outOfOrderSequenceNumber)
        #expect(try send(broker, 4).errorCode == 0)
        #expect(try broker.records(of: "t") == ["0=0+0", "1=0+1", "2=2+0", "3=2+1", "4=4+0", "5=4+1"])
    }

    // MARK: Several partitions

    @Test func `partitions fail one by one`() throws {
        let broker = try TestBroker()
        try broker.createTopic("good", partitions: 2)
        try broker.createTopic("compacted", ["cleanup.policy": "compact"])
        let batch = RecordBytes.owned(try Batches.batch(["a"], key: nil, timestamp: broker.now))
        let request = ProduceRequest(
            acks: -1, timeoutMs: 1_000,
            topicData: [
                .init(
                    name: "good",
                    partitionData: [
                        .init(index: 1, records: batch), .init(index: 5, records: batch),
                        .init(index: 0, records: .null),
                    ]),
                .init(name: "missing", partitionData: [.init(index: 0, records: batch)]),
                .init(name: "compacted", partitionData: [.init(index: 0, records: batch)]),
            ])
        let response = try broker.call(request, version: 9)
        #expect(response.responses.map(\.name) == ["good", "missing", "compacted"])
        let codes = response.responses.map { $0.partitionResponses.map { ErrorCode($0.errorCode) } }
        #expect(
            codes == [[.none, .unknownTopicOrPartition, .invalidRecord], [.unknownTopicOrPartition], [.invalidRecord]])
    }

    @Test func `nothing in, nothing out`() throws {
        let broker = try TestBroker()
        for version in 0...13 as ClosedRange<Int16> {
            let response = try broker.call(ProduceRequest(acks: 1, timeoutMs: 1), version: version)
            #expect(response.responses.isEmpty)
        }
    }
}
