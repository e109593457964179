// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRecords
import KafkaRuntime

/// A broker of one node with one topic, just enough to examine the client: it keeps batches in memory, knows what an
/// idempotent producer sent last, and misbehaves on order.
///
/// `@unchecked Sendable`: simulations run in one thread.
final class ScriptedBroker: @unchecked Sendable {
    struct Batch {
        let baseOffset: Int64
        let nextOffset: Int64
        let bytes: [UInt8]
    }

    let topic: String
    let topicID = KafkaUUID(high: 1, low: 2)
    var partitions: [Int32: [Batch]] = [:]
    /// API versions offered.
    var offered: [(APIKey, ClosedRange<Int16>)] = [
        (.produce, 0...13), (.fetch, 0...18), (.metadata, 0...13), (.apiVersions, 0...3), (.createTopics, 0...7),
        (.initProducerID, 0...5),
    ]
    /// Asked before each request is handled; what it returns happens instead.
    var misbehave: (APIKey) -> Misbehaviour? = { _ in nil }
    private(set) var requests: [APIKey: Int] = [:]
    private(set) var duplicates = 0
    private let runtime: Runtime
    private let host: String
    private let port: UInt16
    private var producers: [Int32: [(producerID: Int64, baseSequence: Int32, baseOffset: Int64)]] = [:]
    private var lastProducerID: Int64 = 1_000

    enum Misbehaviour {
        case closeBefore
        /// The request takes effect, but the client never learns of it.
        case closeAfter
        case stayMute
        case answerTo(correlationID: Int32)
        case garbage
        case fail(ErrorCode)
    }

    init(host: String, port: UInt16, runtime: Runtime, topic: String = "workload", partitions count: Int32 = 1) throws {
        self.host = host
        self.port = port
        self.runtime = runtime
        self.topic = topic
        for partition in 0..<count { partitions[partition] = [] }
        _ = try runtime.network.listen(on: SocketAddress(host: "", port: port), options: ListenOptions()) {
            [self] connection in Session(self, connection)
        }
    }

    private final class Session: ConnectionHandler {
        let broker: ScriptedBroker
        let connection: any Connection

        init(_ broker: ScriptedBroker, _ connection: any Connection) {
            self.broker = broker
            self.connection = connection
        }

        func received(_ bytes: UnsafeMutableRawBufferPointer) -> Consumption {
            var used = 0
            while true {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[used...])
                guard let length = try? Frame.length(in: rest, limit: 1 << 24), rest.count >= length + 4 else {
                    return Consumption(consumed: used)
                }
                let frame = UnsafeRawBufferPointer(rebasing: rest[4..<4 + length])
                do { try broker.handle(frame, connection) } catch { connection.close() }
                used += 4 + length
            }
        }

        func drained() {}
        func closed(_ reason: CloseReason) {}
    }

    private func handle(_ frame: UnsafeRawBufferPointer, _ connection: any Connection) throws {
        var reader = ByteReader(frame)
        let header = try RequestHeader(receivedFrom: &reader)
        guard let api = APIKey(rawValue: header.apiKey) else { return connection.close() }
        requests[api, default: 0] += 1
        let misbehaviour = misbehave(api)
        var correlationID = header.correlationID
        var code = ErrorCode.none
        switch misbehaviour {
        case .closeBefore: return connection.close()
        case .stayMute: return
        case .garbage: return [0, 0, 0, 2, 9, 9].withUnsafeBytes { connection.send($0) }
        case .answerTo(let other): correlationID = other
        case .fail(let failure): code = failure
        case .closeAfter, nil: break
        }
        let version = header.apiVersion
        var writer = ByteWriter()
        switch api {
        case .apiVersions:
            let known = offered.first { $0.0 == .apiVersions }!.1
            let isKnown = known.contains(version)
            let response = ApiVersionsResponse(
                errorCode: isKnown ? code.rawValue : ErrorCode.unsupportedVersion.rawValue,
                apiKeys: offered.map {
                    .init(apiKey: $0.0.rawValue, minVersion: $0.1.lowerBound, maxVersion: $0.1.upperBound)
                })
            try Frame.write(response, version: isKnown ? version : 0, correlationID: correlationID, into: &writer)
        case .metadata:
            try Frame.write(metadata(), version: version, correlationID: correlationID, into: &writer)
        case .createTopics:
            let response = CreateTopicsResponse(topics: [.init(name: topic, topicID: topicID, errorCode: code.rawValue)]
            )
            try Frame.write(response, version: version, correlationID: correlationID, into: &writer)
        case .initProducerID:
            lastProducerID += 1
            let response = InitProducerIdResponse(
                errorCode: code.rawValue, producerID: lastProducerID, producerEpoch: 0)
            try Frame.write(response, version: version, correlationID: correlationID, into: &writer)
        case .produce:
            let request = try ProduceRequest(from: &reader, version: version)
            let response = code == .none ? try produce(request) : refusal(request, code)
            try Frame.write(response, version: version, correlationID: correlationID, into: &writer)
        case .fetch:
            let request = try FetchRequest(from: &reader, version: version)
            try Frame.write(fetch(request, code), version: version, correlationID: correlationID, into: &writer)
        default:
            return connection.close()
        }
        if case .closeAfter = misbehaviour { return connection.close() }
        connection.send(writer.bytes)
    }

    private func metadata() -> MetadataResponse {
        let found = partitions.keys.sorted().map {
            MetadataResponse.MetadataResponsePartition(
                partitionIndex: $0, leaderID: 1, replicaNodes: [1], isrNodes: [1])
        }
        return MetadataResponse(
            brokers: [.init(nodeID: 1, host: host, port: Int32(port))], clusterID: "c", controllerID: 1,
            topics: [.init(name: topic, topicID: topicID, partitions: found)])
    }

    private func refusal(_ request: ProduceRequest, _ code: ErrorCode) -> ProduceResponse {
        ProduceResponse(
            responses: request.topicData.map { data in
                .init(
                    name: data.name, topicID: data.topicID,
                    partitionResponses: data.partitionData.map { .init(index: $0.index, errorCode: code.rawValue) })
            })
    }

    private func produce(_ request: ProduceRequest) throws -> ProduceResponse {
        var responses: [ProduceResponse.TopicProduceResponse] = []
        for data in request.topicData {
            let answers = try data.partitionData.map { partition in
                try partition.records.withBytes { try append($0, partition.index) }
            }
            responses.append(.init(name: data.name, topicID: data.topicID, partitionResponses: answers))
        }
        return ProduceResponse(responses: responses)
    }

    private func append(
        _ bytes: UnsafeRawBufferPointer, _ partition: Int32
    ) throws -> ProduceResponse.PartitionProduceResponse {
        let batch = try RecordBatch(bytes: bytes)
        try batch.verifyCRC()
        let header = batch.header
        guard (1...10_000).contains(header.recordsCount) else {
            return .init(index: partition, errorCode: ErrorCode.corruptMessage.rawValue, baseOffset: -1)
        }
        let known = producers[partition, default: []].filter { $0.producerID == header.producerID }
        if let same = known.last(where: { $0.baseSequence == header.baseSequence }) {
            duplicates += 1
            return .init(index: partition, baseOffset: same.baseOffset)
        }
        let log = partitions[partition] ?? []
        let expected = known.isEmpty ? 0 : log.last.map { Int32(truncatingIfNeeded: $0.nextOffset) } ?? 0
        guard header.baseSequence == expected else {
            return .init(index: partition, errorCode: ErrorCode.outOfOrderSequenceNumber.rawValue, baseOffset: -1)
        }
        let baseOffset = log.last?.nextOffset ?? 0
        var copy = [UInt8](bytes)
        copy.withUnsafeMutableBytes { BatchPatch.setOffsets($0, baseOffset: baseOffset, leaderEpoch: 0) }
        partitions[partition]?.append(
            Batch(baseOffset: baseOffset, nextOffset: baseOffset + Int64(header.recordsCount), bytes: copy))
        producers[partition, default: []].append((header.producerID, header.baseSequence, baseOffset))
        return .init(index: partition, baseOffset: baseOffset)
    }

    private func fetch(_ request: FetchRequest, _ code: ErrorCode) -> FetchResponse {
        guard code == .none else { return FetchResponse(errorCode: code.rawValue) }
        return FetchResponse(
            responses: request.topics.map { asked in
                .init(
                    topic: asked.topic, topicID: asked.topicID,
                    partitions: asked.partitions.map { partition in
                        let log = partitions[partition.partition] ?? []
                        let found = log.filter { $0.nextOffset > partition.fetchOffset }.prefix(3)
                        return .init(
                            partitionIndex: partition.partition, highWatermark: log.last?.nextOffset ?? 0,
                            records: .owned(found.flatMap(\.bytes)))
                    })
            })
    }
}
