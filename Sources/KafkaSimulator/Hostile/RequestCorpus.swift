// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
import KafkaProtocol
import KafkaRecords

/// Valid requests of every API in every version, as the bytes that follow a frame's length: what hostile input is made
/// from.
///
/// Requests with content are found by letting the decoders loose on random bytes that are mostly small numbers: where
/// one succeeds, what it has used up is a valid request. Hand-made requests that name a real topic and carry real record
/// batches reach further into a broker.
package struct RequestCorpus: Sendable {
    package private(set) var requests: [[UInt8]] = []
    /// Of every request: its API and version.
    package private(set) var kinds: [(api: Int16, version: Int16)] = []
    /// Indices of the requests that are drawn nine times out of ten; empty where all are drawn alike.
    private var preferred: [Int] = []
    private let topic: String
    private let topicID: KafkaUUID
    private let batches: [[UInt8]]

    /// - Parameters:
    ///   - attempts: how often random bytes are tried for each version of each API.
    ///   - topic: a topic that the broker has.
    package init(seed: UInt64, attempts: Int, topic: String, topicID: KafkaUUID) {
        self.topic = topic
        self.topicID = topicID
        batches = Self.recordSets()
        var random = Xoshiro256(seed: seed)
        for type in AllMessages.types {
            guard let request = type as? any RequestMessage.Type else { continue }
            addVersions(of: request, attempts: attempts, &random)
        }
        addHandMade()
    }

    /// Draws the requests that `isServed` by API key and version nine times out of ten: what a broker does not serve
    /// it refuses by the header alone.
    package mutating func prefer(_ isServed: (_ api: Int16, _ version: Int16) -> Bool) {
        preferred = kinds.indices.filter { isServed(kinds[$0].api, kinds[$0].version) }
    }

    func draw(_ mutator: inout FrameMutator) -> [UInt8] {
        if preferred.isEmpty || mutator.draw(10) == 0 { return requests[mutator.draw(requests.count)] }
        return requests[preferred[mutator.draw(preferred.count)]]
    }

    // MARK: Found requests

    private mutating func addVersions<R: RequestMessage>(
        of type: R.Type, attempts: Int, _ random: inout Xoshiro256
    ) {
        for version in R.versions {
            add(R(), version: version)
            for _ in 0..<attempts {
                var bytes = [UInt8](repeating: 0, count: 300)
                let zeros = random.value(in: 2...9)
                for index in bytes.indices where !random.chance(zeros, in: 10) {
                    bytes[index] = UInt8(truncatingIfNeeded: random.value(in: 0...3))
                }
                if let body = Self.decodablePrefix(of: bytes, R.self, version: version) {
                    add(body: body, R.self, version: version)
                }
            }
        }
    }

    /// What a decoder uses up of `bytes`; nil where it fails.
    private static func decodablePrefix<R: RequestMessage>(
        of bytes: [UInt8], _ type: R.Type, version: Int16
    ) -> [UInt8]? {
        bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(buffer)
            guard (try? R(from: &reader, version: version)) != nil else { return nil }
            return Array(bytes[..<reader.position])
        }
    }

    private mutating func add<R: RequestMessage>(_ request: R, version: Int16) {
        guard let body = try? request.encoded(version: version) else { return }
        add(body: body, R.self, version: version)
    }

    private mutating func add<R: RequestMessage>(body: [UInt8], _ type: R.Type, version: Int16) {
        let header = RequestHeader(
            apiKey: R.apiKey.rawValue, apiVersion: version, correlationID: 7, clientID: "hostile")
        let headerVersion = RequestHeader.headerVersion(apiKey: R.apiKey, version: version)
        guard let encoded = try? header.encoded(version: headerVersion) else { return }
        requests.append(encoded + body)
        kinds.append((R.apiKey.rawValue, version))
    }

    // MARK: Hand-made requests

    private mutating func addHandMade() {
        for version in ProduceRequest.versions {
            for records in batches {
                add(produce(records, acks: 1, version: version), version: version)
                add(produce(records, acks: -1, version: version), version: version)
            }
        }
        for version in FetchRequest.versions {
            let partition = FetchRequest.FetchPartition(partition: 0, fetchOffset: 0, partitionMaxBytes: 100_000)
            let asked = FetchRequest.FetchTopic(
                topic: version < 13 ? topic : "", topicID: version < 13 ? .zero : topicID, partitions: [partition])
            for epoch in [-1, 0] as [Int32] where epoch == -1 || version >= 7 {
                add(
                    FetchRequest(
                        maxWaitMs: 10, minBytes: 0, maxBytes: 100_000, sessionEpoch: epoch, topics: [asked]),
                    version: version)
            }
        }
        for version in ListOffsetsRequest.versions {
            for timestamp in [-3, -2, -1, 1_700_000_000_000] as [Int64] {
                let partition = ListOffsetsRequest.ListOffsetsPartition(partitionIndex: 0, timestamp: timestamp)
                let asked = ListOffsetsRequest.ListOffsetsTopic(name: topic, partitions: [partition])
                add(ListOffsetsRequest(replicaID: -1, topics: [asked]), version: version)
            }
        }
        for version in MetadataRequest.versions {
            add(MetadataRequest(topics: [.init(name: topic)], allowAutoTopicCreation: false), version: version)
        }
        for version in OffsetForLeaderEpochRequest.versions {
            let partition = OffsetForLeaderEpochRequest.OffsetForLeaderPartition(partition: 0, leaderEpoch: 0)
            add(
                OffsetForLeaderEpochRequest(topics: [.init(topic: topic, partitions: [partition])]), version: version)
        }
        for version in DescribeConfigsRequest.versions {
            add(
                DescribeConfigsRequest(resources: [
                    .init(resourceType: 2, resourceName: topic), .init(resourceType: 4, resourceName: "0"),
                ]), version: version)
        }
        for version in InitProducerIdRequest.versions {
            add(InitProducerIdRequest(transactionalID: nil, transactionTimeoutMs: 60_000), version: version)
        }
    }

    private func produce(_ records: [UInt8], acks: Int16, version: Int16) -> ProduceRequest {
        let partition = ProduceRequest.PartitionProduceData(index: 0, records: .owned(records))
        let data = ProduceRequest.TopicProduceData(
            name: version < 13 ? topic : "", topicID: version < 13 ? .zero : topicID, partitionData: [partition])
        return ProduceRequest(acks: acks, timeoutMs: 1_000, topicData: [data])
    }

    /// A frame with a Produce request whose batch is damaged, but has the right length and checksum, so that what is
    /// behind those checks has to find it.
    func damagedProduce(_ mutator: inout FrameMutator) -> [UInt8] {
        let batch = mutator.damage(batches[mutator.draw(batches.count)])
        let version = Int16(3 + mutator.draw(11))
        var writer = ByteWriter(capacity: batch.count + 128)
        let request = produce(batch, acks: 1, version: version)
        guard
            (try? Frame.write(request, version: version, correlationID: 9, clientID: "hostile", into: &writer)) != nil
        else { return [] }
        return writer.toArray()
    }

    /// Record batches with each codec, an idempotent one, and several in one.
    private static func recordSets() -> [[UInt8]] {
        var sets: [[UInt8]] = []
        for compression in CompressionType.allCases {
            if let batch = try? makeBatch(compression, producerID: -1, count: 20) { sets.append(batch) }
        }
        if let batch = try? makeBatch(.none, producerID: 5, count: 1) { sets.append(batch) }
        sets.append(sets[0] + sets[0])
        return sets
    }

    private static func makeBatch(
        _ compression: CompressionType, producerID: Int64, count: Int
    ) throws(RecordError) -> [UInt8] {
        var options = RecordBatchBuilder.Options()
        options.compression = compression
        if producerID >= 0 {
            options.producerID = producerID
            options.producerEpoch = 0
            options.baseSequence = 0
        }
        var builder = RecordBatchBuilder(options)
        for number in 0..<count {
            try builder.append(
                timestamp: 1_700_000_000_000 + Int64(number), key: Array("key-\(number)".utf8),
                value: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 50),
                headers: [(key: "h", value: [1, 2, 3])])
        }
        return try builder.finish()
    }
}
