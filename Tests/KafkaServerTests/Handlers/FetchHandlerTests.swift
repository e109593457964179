// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRecords
import KafkaReplication
import KafkaServer
import KafkaSimulator
import KafkaStorage
import Testing

/// Fetch (key 1) without sessions.
@Suite struct FetchHandlerTests {
    typealias Answer = FetchResponse.PartitionData

    private func named(_ request: FetchRequest, _ id: KafkaUUID, _ version: Int16) -> FetchRequest {
        guard version >= 13 else { return request }
        var request = request
        for index in request.topics.indices {
            request.topics[index].topic = ""
            request.topics[index].topicID = id
        }
        return request
    }

    private func fetch(_ broker: TestBroker, _ request: FetchRequest, _ id: KafkaUUID, version: Int16) throws -> Answer
    {
        let response = try broker.call(named(request, id, version), version: version)
        #expect(response.errorCode == 0)
        let topic = try #require(response.responses.first)
        #expect(topic.topic == (version >= 13 ? "" : "t"))
        #expect(topic.topicID == (version >= 13 ? id : .zero))
        return try #require(topic.partitions.first)
    }

    /// The records of an answer as `offset=value`, whatever their format.
    private func values(_ answer: Answer, version: Int16) throws -> [String] {
        if version >= 4 { return try Batches.values(in: answer.records) }
        return try Batches.oldValues(in: answer.records, magic: version >= 2 ? 1 : 0)
    }

    @Test(arguments: 0...18 as ClosedRange<Int16>, [CompressionType.none, .gzip, .snappy, .lz4])
    func `reads in every version`(version: Int16, codec: CompressionType) throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        for values in [["a", "b"], ["c"]] {
            let batch = try Batches.batch(values, timestamp: broker.now, compression: codec)
            #expect(try broker.produce(batch, to: "t", version: 9).errorCode == 0)
        }
        let answer = try fetch(broker, Requests.fetch("t"), id, version: version)
        #expect(try values(answer, version: version) == ["0=a", "1=b", "2=c"])
        #expect(answer.highWatermark == 3)
        #expect(answer.lastStableOffset == (version >= 4 ? 3 : -1))
        #expect(answer.logStartOffset == (version >= 5 ? 0 : -1))
        #expect(version < 4 || answer.abortedTransactions == nil)
        #expect(answer.preferredReadReplica == -1)
        #expect(broker.log.complaints == [])
    }

    @Test(arguments: 4...18 as ClosedRange<Int16>)
    func `committed readers get a list of aborted transactions`(version: Int16) throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        try broker.produce(["a"], to: "t")
        var request = Requests.fetch("t")
        request.isolationLevel = 1
        let answer = try fetch(broker, request, id, version: version)
        #expect(answer.abortedTransactions?.isEmpty == true)
        #expect(answer.lastStableOffset == 1)
        #expect(try Batches.values(in: answer.records) == ["0=a"])
    }

    @Test(arguments: 0...18 as ClosedRange<Int16>)
    func `errors are told in every version`(version: Int16) throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        try broker.produce(["a", "b"], to: "t")
        for offset in [3, 100, -1, .max, .min] as [Int64] {
            let answer = try fetch(broker, Requests.fetch("t", from: offset), id, version: version)
            #expect(ErrorCode(answer.errorCode) == .offsetOutOfRange, "offset \(offset)")
            #expect(answer.records.count == 0)
        }
        #expect(try fetch(broker, Requests.fetch("t", from: 2), id, version: version).errorCode == 0)
        for partition in [1, -1, .max] as [Int32] {
            let answer = try fetch(broker, Requests.fetch("t", partition: partition), id, version: version)
            #expect(ErrorCode(answer.errorCode) == .unknownTopicOrPartition)
            #expect(answer.highWatermark == -1)
        }
        let stranger =
            version >= 13
            ? Requests.fetch(id: KafkaUUID(randomHigh: 1, randomLow: 2)) : Requests.fetch("missing")
        let answer = try broker.call(stranger, version: version)
        let partition = try #require(answer.responses.first?.partitions.first)
        #expect(ErrorCode(partition.errorCode) == (version >= 13 ? .unknownTopicID : .unknownTopicOrPartition))
    }

    @Test func `the leader's epoch is compared`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        try broker.restart()
        try broker.restart()
        let metadata = try broker.call(MetadataRequest(topics: [.init(name: "t")]))
        let epoch = try #require(metadata.topics.first?.partitions.first?.leaderEpoch)
        #expect(epoch > 0)
        for (asked, expected) in [
            (epoch - 1, ErrorCode.fencedLeaderEpoch), (epoch, .none), (epoch + 1, .unknownLeaderEpoch), (-1, .none),
        ] {
            var request = Requests.fetch("t")
            request.topics[0].partitions[0].currentLeaderEpoch = asked
            let answer = try broker.call(request, version: 12)
            #expect(ErrorCode(try #require(answer.responses.first?.partitions.first).errorCode) == expected)
        }
    }

    @Test func `a log that parted from the client's is told where`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        try broker.produce(["a", "b"], to: "t")
        let first = try #require(try epochs(broker).first)
        try broker.restart()
        try broker.produce(["c"], to: "t")
        let second = try #require(try epochs(broker).last)
        #expect(first < second)
        func diverging(from offset: Int64, _ epoch: Int32) throws -> FetchResponse.PartitionData {
            var request = Requests.fetch("t", from: offset, maxWait: 10_000, minBytes: 1_000_000)
            request.topics[0].partitions[0].lastFetchedEpoch = epoch
            return try #require(try broker.call(request, version: 12).responses.first?.partitions.first)
        }
        // The client has three records of the first epoch, the log two.
        let parted = try diverging(from: 3, first)
        #expect(parted.divergingEpoch.epoch == first && parted.divergingEpoch.endOffset == 2)
        #expect(parted.records.count == 0)
        #expect(parted.errorCode == 0)
        // Epochs that this log has never seen say nothing.
        for epoch in [second + 1, .max] as [Int32] {
            #expect(ErrorCode(try diverging(from: 2, epoch).errorCode) == .offsetOutOfRange)
        }
        #expect(ErrorCode(try diverging(from: -1, first).errorCode) == .offsetOutOfRange)
        let agreed = try diverging(from: 2, first)
        #expect(agreed.divergingEpoch.epoch == -1)
        #expect(try Batches.values(in: agreed.records) == ["2=c"])
    }

    private func epochs(_ broker: TestBroker) throws -> [Int32] {
        let answer = try broker.call(Requests.fetch("t"), version: 12)
        return try Batches.headers(in: try #require(answer.responses.first?.partitions.first).records).map(
            \.partitionLeaderEpoch)
    }

    @Test(arguments: [0, 1, 14] as [Int16])
    func `followers have nothing to fetch here`(version: Int16) throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        var request = named(Requests.fetch("t"), id, version)
        request.replicaID = 2
        let response = try broker.call(request, version: version)
        #expect(version < 7 || ErrorCode(response.errorCode) == .invalidRequest)
        #expect(response.responses.allSatisfy { $0.partitions.allSatisfy { $0.errorCode != 0 } })
        if version < 7 { #expect(!response.responses.isEmpty) }
    }

    // MARK: Limits

    @Test func `the first batch comes whole, further ones must fit`() throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t", partitions: 1)
        try broker.createTopic("u")
        for topic in ["t", "u"] {
            for _ in 0..<4 { try broker.produce([String(repeating: "x", count: 1_000)], to: topic) }
        }
        for version in [3, 4, 12, 18] as [Int16] {
            // The partition's limit is smaller than its first batch.
            let one = try fetch(broker, Requests.fetch("t", partitionMaxBytes: 1), id, version: version)
            #expect(try values(one, version: version).map { $0.prefix(2) } == ["0="], "version \(version)")
            let two = try fetch(broker, Requests.fetch("t", partitionMaxBytes: 2_500), id, version: version)
            #expect(try values(two, version: version).map { $0.prefix(2) } == ["0=", "1="], "version \(version)")
        }
        // Only the first partition gets more than the limits.
        var both = Requests.fetch("t", partitionMaxBytes: 1)
        both.topics += Requests.fetch("u", partitionMaxBytes: 1).topics
        let answers = try broker.call(both, version: 12).responses
        #expect(try answers.map { try Batches.values(in: $0.partitions[0].records).count } == [1, 0])
        #expect(answers.map { $0.partitions[0].errorCode } == [0, 0])
        // The answer's limit.
        both.topics[0].partitions[0].partitionMaxBytes = 1 << 20
        both.topics[1].partitions[0].partitionMaxBytes = 1 << 20
        both.maxBytes = 5_500
        let limited = try broker.call(both, version: 12).responses
        #expect(try limited.map { try Batches.values(in: $0.partitions[0].records).count } == [4, 1])
    }

    @Test func `the broker's limit counts over the client's`() throws {
        let broker = try TestBroker(["fetch.max.bytes": "2500"])
        let id = try broker.createTopic("t")
        for _ in 0..<4 { try broker.produce([String(repeating: "x", count: 1_000)], to: "t") }
        #expect(try values(try fetch(broker, Requests.fetch("t"), id, version: 12), version: 12).count == 2)
    }

    @Test func `limits below zero are as zero`() throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        try broker.produce(["a"], to: "t")
        var request = Requests.fetch("t", partitionMaxBytes: -5, minBytes: -1)
        request.maxBytes = -7
        #expect(try values(try fetch(broker, request, id, version: 12), version: 12) == ["0=a"])
        request.maxWaitMs = -1
        request.minBytes = .max
        #expect(try fetch(broker, request, id, version: 12).errorCode == 0)
    }

    // MARK: Damage

    @Test(arguments: [4, 12, 18] as [Int16])
    func `with log.verify.on.read a damaged batch is named, not sent`(version: Int16) throws {
        let broker = try TestBroker(["log.verify.on.read": "true"])
        let id = try broker.createTopic("t")
        for value in ["a", "b", "c"] { try broker.produce([value], to: "t") }
        let path = "/data/t-0/00000000000000000000.log"
        let size = try #require(try broker.files.status(path)).size / 3
        try broker.files.open(path, .readWrite).write([0xFF], at: size + 65)
        let before = try fetch(broker, Requests.fetch("t"), id, version: version)
        #expect(try values(before, version: version) == ["0=a"])
        #expect(before.errorCode == 0)
        let damaged = try fetch(broker, Requests.fetch("t", from: 1), id, version: version)
        #expect(ErrorCode(damaged.errorCode) == .corruptMessage)
        #expect(damaged.records.count == 0)
        #expect(broker.log.complaints.contains { $0.contains("\(path) is corrupt at byte \(size)") })
        #expect(
            try values(fetch(broker, Requests.fetch("t", from: 2), id, version: version), version: version) == ["2=c"])
    }

    // MARK: Transactions

    /// Appends to partition 0 what producers and the coordinator write in transactions.
    private func append(_ bytes: [UInt8], _ origin: AppendOrigin, to broker: TestBroker) throws {
        let partition = try #require(broker.node.context?.replicas.topic(name: "t")?.partition(0))
        var bytes = bytes
        let now = broker.now
        _ = try bytes.withUnsafeMutableBytes { try partition.append($0, origin: origin, now: now).get() }
    }

    /// Offsets 0: aborted a, 1: committed b, 2: abort, 3: commit, 4: open c, 5: plain d.
    private func transactions(_ broker: TestBroker) throws {
        for (value, producer) in [("a", 7), ("b", 8)] as [(String, Int64)] {
            let batch = try Batches.batch(
                [value], timestamp: broker.now, producer: .init(id: producer, sequence: 0), isTransactional: true)
            try append(batch, .client, to: broker)
        }
        for (result, producer) in [(.abort, 7), (.commit, 8)] as [(EndTransactionMarker.Result, Int64)] {
            let marker = EndTransactionMarker(result, coordinatorEpoch: 0)
            try append(
                marker.batch(producerID: producer, producerEpoch: 0, timestamp: broker.now), .coordinator, to: broker)
        }
        let open = try Batches.batch(
            ["c"], timestamp: broker.now, producer: .init(id: 9, sequence: 0), isTransactional: true)
        try append(open, .client, to: broker)
        try broker.produce(["d"], to: "t")
    }

    @Test(arguments: 4...18 as ClosedRange<Int16>)
    func `readers of committed records end at open transactions and are told of the aborted ones`(
        version: Int16
    ) throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        try transactions(broker)
        var request = Requests.fetch("t")
        let uncommitted = try fetch(broker, request, id, version: version)
        #expect(uncommitted.abortedTransactions == nil)
        #expect(uncommitted.lastStableOffset == 4)
        #expect(try Batches.headers(in: uncommitted.records).map(\.baseOffset) == [0, 1, 2, 3, 4, 5])
        request.isolationLevel = 1
        let committed = try fetch(broker, request, id, version: version)
        #expect(committed.lastStableOffset == 4)
        #expect(committed.highWatermark == 6)
        #expect(try Batches.headers(in: committed.records).map(\.baseOffset) == [0, 1, 2, 3])
        let aborted = try #require(committed.abortedTransactions)
        #expect(aborted.map(\.producerID) == [7])
        #expect(aborted.map(\.firstOffset) == [0])
        request.topics[0].partitions[0].fetchOffset = 3
        #expect(try fetch(broker, request, id, version: version).abortedTransactions?.isEmpty == true)
        request.topics[0].partitions[0].fetchOffset = 4
        let atEnd = try fetch(broker, request, id, version: version)
        #expect(atEnd.records.count == 0)
        #expect(atEnd.errorCode == 0)
        #expect(atEnd.abortedTransactions?.isEmpty == true)
    }

    @Test(arguments: 0...3 as ClosedRange<Int16>)
    func `old clients get past the ends of transactions`(version: Int16) throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        try transactions(broker)
        for maxBytes in [1, 100, 1 << 20] as [Int32] {
            let request = Requests.fetch("t", from: 2, partitionMaxBytes: maxBytes)
            let answer = try fetch(broker, request, id, version: version)
            #expect(try values(answer, version: version).first == "4=c", "\(maxBytes)")
        }
    }

    // MARK: Old formats

    @Test(arguments: 0...3 as ClosedRange<Int16>)
    func `old clients get no record from before their offset`(version: Int16) throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        try broker.produce(["a", "b", "c", "d"], to: "t")
        let answer = try fetch(broker, Requests.fetch("t", from: 2), id, version: version)
        #expect(try values(answer, version: version) == ["2=c", "3=d"])
    }

    @Test(arguments: 0...3 as ClosedRange<Int16>)
    func `what no old format can hold is told so`(version: Int16) throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        let batch = try Batches.batch(["a"], timestamp: broker.now, compression: .zstd)
        #expect(try broker.produce(batch, to: "t", version: 9).errorCode == 0)
        let answer = try fetch(broker, Requests.fetch("t"), id, version: version)
        #expect(ErrorCode(answer.errorCode) == .unsupportedCompressionType)
        #expect(answer.records.count == 0)
    }

    @Test(arguments: 0...18 as ClosedRange<Int16>)
    func `topics kept in zstd are closed to clients from before it`(version: Int16) throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t", ["compression.type": "zstd"])
        try broker.produce(["a"], to: "t")
        let answer = try fetch(broker, Requests.fetch("t"), id, version: version)
        #expect(ErrorCode(answer.errorCode) == (version < 10 ? .unsupportedCompressionType : .none))
    }
}
