// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRecords
import KafkaServer
import Testing

/// Produce (key 0).
@Suite struct ProduceHandlerTests {
    typealias Answer = ProduceResponse.PartitionProduceResponse

    /// Produces to topic `t` in any version, naming it by id from 13 on.
    private func produce(
        _ records: [UInt8]?, _ broker: TestBroker, _ id: KafkaUUID, version: Int16, partition: Int32 = 0,
        acks: Int16 = -1
    ) throws -> Answer {
        let request =
            version >= 13
            ? Requests.produce(records, id: id, partition: partition, acks: acks)
            : Requests.produce(records, to: "t", partition: partition, acks: acks)
        let response = try broker.call(request, version: version)
        return try #require(response.responses.first?.partitionResponses.first)
    }

    private func records(_ version: Int16, _ values: [String], _ broker: TestBroker) throws -> [UInt8] {
        switch version {
        case 0...1: try Batches.messageSet(values, magic: 0, timestamp: broker.now)
        case 2: try Batches.messageSet(values, magic: 1, timestamp: broker.now)
        default: try Batches.batch(values, timestamp: broker.now)
        }
    }

    @Test(arguments: 0...13 as ClosedRange<Int16>)
    func `appends in every version`(version: Int16) throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        for (acks, offset) in [(1, 0), (-1, 2)] as [(Int16, Int64)] {
            let answer = try produce(
                try records(version, ["a", "b"], broker), broker, id, version: version, acks: acks)
            #expect(answer.errorCode == 0)
            #expect(answer.baseOffset == offset)
            #expect(answer.logAppendTimeMs == -1)
            #expect(answer.logStartOffset == (version >= 5 ? 0 : -1))
        }
        #expect(try broker.records(of: "t") == ["0=a", "1=b", "2=a", "3=b"])
        #expect(broker.log.complaints == [])
    }

    @Test(arguments: 0...13 as ClosedRange<Int16>)
    func `names what it does not know`(version: Int16) throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        let bytes = try records(version, ["a"], broker)
        #expect(try produce(bytes, broker, id, version: version, partition: 1).errorCode == 3)
        #expect(try produce(bytes, broker, id, version: version, partition: -1).errorCode == 3)
        let stranger = try produce(bytes, broker, KafkaUUID(randomHigh: 1, randomLow: 2), version: version)
        #expect(ErrorCode(stranger.errorCode) == (version >= 13 ? .unknownTopicID : .none))
        guard version < 13 else { return }
        let unknown = try broker.produce(bytes, to: "missing", version: version)
        #expect(ErrorCode(unknown.errorCode) == .unknownTopicOrPartition)
        #expect(unknown.baseOffset == -1)
    }

    @Test(arguments: 0...13 as ClosedRange<Int16>)
    func `answers every failure in every version`(version: Int16) throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t", ["cleanup.policy": "compact"])
        let keyless =
            version < 3
            ? try Batches.messageSet(["a", "b"], magic: version < 2 ? 0 : 1, timestamp: broker.now, key: nil)
            : try Batches.batch(["a", "b"], key: nil, timestamp: broker.now)
        let answer = try produce(keyless, broker, id, version: version)
        #expect(ErrorCode(answer.errorCode) == .invalidRecord)
        #expect(answer.baseOffset == -1)
        #expect(answer.recordErrors.map(\.batchIndex) == (version >= 8 ? [0, 1] : []))
        #expect((answer.errorMessage != nil) == (version >= 8))
    }

    // MARK: Acknowledgements

    @Test func `without acknowledgement nothing is answered`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        for version in 0...12 as ClosedRange<Int16> {
            try broker.connection.send(
                Requests.produce(try records(version, ["v\(version)"], broker), to: "t", acks: 0), version: version)
        }
        // The answer to this is the first that comes.
        let api = try broker.call(ApiVersionsRequest(), version: 0)
        #expect(api.errorCode == 0)
        #expect(try broker.records(of: "t") == (0...12).map { "\($0)=v\($0)" })
    }

    @Test func `a failure without acknowledgement closes the connection`() throws {
        let broker = try TestBroker()
        let connection = broker.connect()
        try connection.send(
            Requests.produce(try Batches.batch(["a"], timestamp: broker.now), to: "missing", acks: 0), version: 9)
        #expect(try connection.waitForClose())
        #expect(connection.frames.isEmpty)
    }

    @Test(arguments: [2, -2, Int16.max, Int16.min])
    func `acks other than 0, 1 and −1 are refused`(acks: Int16) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let bytes = try Batches.batch(["a"], timestamp: broker.now)
        let answer = try broker.produce(bytes, to: "t", version: 9, acks: acks)
        #expect(ErrorCode(answer.errorCode) == .invalidRequiredAcks)
        #expect(try broker.records(of: "t") == [])
    }

    // MARK: Formats

    @Test(arguments: 0...2 as ClosedRange<Int16>)
    func `batches of format 2 are refused in old versions`(version: Int16) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let answer = try broker.produce(try Batches.batch(["a"], timestamp: broker.now), to: "t", version: version)
        #expect(ErrorCode(answer.errorCode) == .unsupportedForMessageFormat)
    }

    @Test(arguments: [(3, 0), (3, 1), (12, 0), (12, 1)] as [(Int16, Int8)])
    func `message sets are refused in new versions`(version: Int16, magic: Int8) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let bytes = try Batches.messageSet(["a"], magic: magic, timestamp: broker.now)
        #expect(ErrorCode(try broker.produce(bytes, to: "t", version: version).errorCode) == .invalidRecord)
    }

    @Test(arguments: [3, 4, 100, 127, -1] as [Int8])
    func `formats that do not exist are refused`(magic: Int8) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        for version in [0, 2, 3, 12] as [Int16] {
            var bytes = try Batches.batch(["a"], timestamp: broker.now)
            bytes[16] = UInt8(bitPattern: magic)
            let answer = try broker.produce(bytes, to: "t", version: version)
            #expect(answer.errorCode != 0, "version \(version)")
            #expect(ErrorCode(answer.errorCode) != .unknownServerError)
        }
        #expect(try broker.records(of: "t") == [])
    }

    @Test(arguments: [(0, 0), (1, 0), (2, 1)] as [(Int16, Int8)], [CompressionType.none, .gzip, .snappy, .lz4])
    func `message sets become batches`(form: (version: Int16, magic: Int8), codec: CompressionType) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let set = try Batches.messageSet(
            ["a", "b", "c"], magic: form.magic, timestamp: broker.now - 5, compression: codec)
        let answer = try broker.produce(set, to: "t", version: form.version)
        #expect(answer.errorCode == 0)
        let response = try broker.call(Requests.fetch("t"), version: 12)
        let stored = try #require(response.responses.first?.partitions.first).records
        #expect(try Batches.values(in: stored) == ["0=a", "1=b", "2=c"])
        let header = try #require(try Batches.headers(in: stored).first)
        #expect(header.attributes.compression == codec)
        #expect(header.maxTimestamp == (form.magic == 1 ? broker.now - 5 : -1))
    }

    @Test(arguments: 3...12 as ClosedRange<Int16>)
    func `there must be exactly one batch`(version: Int16) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let batch = try Batches.batch(["a"], timestamp: broker.now)
        #expect(ErrorCode(try broker.produce(batch + batch, to: "t", version: version).errorCode) == .invalidRecord)
        #expect(ErrorCode(try broker.produce([], to: "t", version: version).errorCode) == .invalidRecord)
        #expect(try broker.records(of: "t") == [])
    }

    @Test func `old versions may carry nothing`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        for version in 0...2 as ClosedRange<Int16> {
            #expect(try broker.produce([], to: "t", version: version).errorCode == 0)
        }
        #expect(try broker.records(of: "t") == [])
    }

    @Test(arguments: 0...13 as ClosedRange<Int16>)
    func `null records are refused`(version: Int16) throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        let answer = try produce(nil, broker, id, version: version)
        #expect(answer.errorCode != 0)
        #expect(ErrorCode(answer.errorCode) == .invalidRecord)
    }

    @Test func `every cut of a batch is refused and the connection lives on`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let batch = try Batches.batch(["a", "b"], timestamp: broker.now)
        for length in 1..<batch.count {
            let answer = try broker.produce(Array(batch[..<length]), to: "t", version: 9)
            let code = ErrorCode(answer.errorCode)
            #expect([.corruptMessage, .invalidRecord].contains(code), "\(length) bytes: \(code)")
        }
        #expect(try broker.produce(["after"], to: "t") == 0)
    }

    @Test func `a batch whose checksum is wrong is corrupt`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        for position in [17, 21, 60, 65] {
            var batch = try Batches.batch(["a", "b"], timestamp: broker.now)
            batch[position] ^= 0x40
            let answer = try broker.produce(batch, to: "t", version: 9)
            #expect(ErrorCode(answer.errorCode) == .corruptMessage, "byte \(position)")
        }
        for magic in [0, 1] as [Int8] {
            var set = try Batches.messageSet(["a"], magic: magic, timestamp: broker.now)
            set[set.count - 1] ^= 1
            let answer = try broker.produce(set, to: "t", version: magic == 0 ? 0 : 2)
            #expect(ErrorCode(answer.errorCode) == .corruptMessage)
        }
        #expect(try broker.records(of: "t") == [])
        #expect(!broker.log.contains("append failed"))
    }

    @Test(arguments: 3...12 as ClosedRange<Int16>, [CompressionType.none, .gzip, .snappy, .lz4, .zstd])
    func `codecs are taken, zstd from version 7 on`(version: Int16, codec: CompressionType) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let batch = try Batches.batch(["a", "b"], timestamp: broker.now, compression: codec)
        let answer = try broker.produce(batch, to: "t", version: version)
        let isRefused = codec == .zstd && version < 7
        #expect(ErrorCode(answer.errorCode) == (isRefused ? .unsupportedCompressionType : .none))
        #expect(try broker.records(of: "t") == (isRefused ? [] : ["0=a", "1=b"]))
    }

    @Test func `transactional and control batches are refused`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let transactional = try Batches.batch(
            ["a"], timestamp: broker.now, producer: .init(id: 1, sequence: 0), isTransactional: true)
        #expect(ErrorCode(try broker.produce(transactional, to: "t", version: 9).errorCode) == .invalidTxnState)
        let control = try Batches.batch(["a"], timestamp: broker.now, isControl: true)
        #expect(ErrorCode(try broker.produce(control, to: "t", version: 9).errorCode) == .invalidRecord)
        #expect(try broker.records(of: "t") == [])
    }

    @Test func `internal topics belong to the broker`() throws {
        let broker = try TestBroker()
        try broker.createTopic("__consumer_offsets")
        let batch = try Batches.batch(["a"], timestamp: broker.now)
        let answer = try broker.produce(batch, to: "__consumer_offsets", version: 9)
        #expect(ErrorCode(answer.errorCode) == .invalidTopicException)
    }
}
