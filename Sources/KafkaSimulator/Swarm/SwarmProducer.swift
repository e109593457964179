// SPDX-License-Identifier: Apache-2.0
import DequeModule
import KafkaBase
import KafkaProtocol
import KafkaRecords
import KafkaRuntime

/// Writes records to partitions at random. An idempotent one sends again what was not acknowledged until it is; any
/// other sends everything once, so that nothing it sends may ever be there twice.
///
/// `@unchecked Sendable`: confined to its client's queue; what is read from outside is read between events.
final class SwarmProducer: @unchecked Sendable {
    struct Batch {
        let serials: Range<Int32>
        let baseSequence: Int32
        let bytes: [UInt8]
        /// The model's count of losses when it was last sent.
        var losses = 0
        var attempts = 0
        /// Whether everything before it was acknowledged when it was last sent.
        var isHead = false
        /// The broker's life in which it was first sent.
        var life = 0
    }

    /// What it writes to one partition.
    final class Stream {
        let partition: PartitionModel
        let sender: Int32
        var producerID: Int64 = -1
        var producerEpoch: Int16 = -1
        var isAskingForID = false
        var nextSequence: Int32 = 0
        /// Not acknowledged, in order; the first `sent` of them are under way or wait to be sent again.
        var pending: Deque<Batch> = []
        var sent = 0
        var outstanding = 0
        var mustRewind = false
        /// Whether the broker has taken a batch under the present producer id. Until then it takes any sequence number,
        /// so that the second of two would be taken where the first has failed, and the first never more.
        var isKnown = false
        /// The last offset that it was given, −1 for none.
        var lastOffset: Int64 = -1
        /// Goes up when everything begins anew; answers to what was sent before say nothing.
        var beginning = 0

        init(_ partition: PartitionModel, sender: Int32) {
            self.partition = partition
            self.sender = sender
        }
    }

    let plan: SwarmPlan.Producer
    let client: KafkaClient
    private let number: Int32
    private let model: SwarmModel
    private var random: Xoshiro256
    private var streams: [Stream] = []
    private var places: [Int: Int] = [:]
    private var left: Int
    private var isStopped = false
    /// In the end it does not pause any more.
    var isHurried = false
    private(set) var retries = 0

    init(_ plan: SwarmPlan.Producer, number: Int32, model: SwarmModel, client: KafkaClient, seed: UInt64) {
        self.plan = plan
        self.number = number
        self.model = model
        self.client = client
        left = plan.records
        random = Xoshiro256(seed: seed)
    }

    func start() { client.queue.async { [self] in tick() } }
    func stop() { isStopped = true }

    /// Whether all is sent, and acknowledged where it is sent until it is.
    var isFinished: Bool { left == 0 && streams.allSatisfy { $0.pending.isEmpty } }

    var unfinished: String {
        let open = streams.filter { !$0.pending.isEmpty }.map { "\($0.partition.name): \($0.pending.count)" }
        return "producer \(number) has \(left) records to send, batches without an answer: \(open)"
    }

    /// What was not synced may be gone: where it counts, nothing that was sent before is sent again.
    func loss() {
        for stream in streams where !stream.partition.topic.plan.isSynced { begin(stream) }
    }

    private func begin(_ stream: Stream) {
        stream.beginning += 1
        stream.producerID = -1
        stream.nextSequence = 0
        stream.pending = []
        stream.sent = 0
        stream.outstanding = 0
        stream.mustRewind = false
        stream.isKnown = false
    }

    // MARK: Writing

    private func tick() {
        guard !isStopped else { return }
        for stream in streams { pump(stream) }
        if left > 0 { write() }
        if !isFinished {
            let pause = isHurried ? 20 : max(1, random.value(in: plan.pause))
            client.queue.schedule(after: pause) { [self] in tick() }
        }
    }

    private func write() {
        let topics = model.usableTopics
        guard !topics.isEmpty else { return }
        let topic = topics[random.value(in: 0...topics.count - 1)]
        let stream = stream(to: topic.partitions[random.value(in: 0...topic.partitions.count - 1)])
        let limit = plan.isIdempotent && !stream.isKnown ? 1 : plan.outstanding
        guard stream.pending.count < limit else { return }
        if plan.isIdempotent, stream.producerID < 0 { return askForID(stream) }
        do throws(RecordError) {
            stream.pending.append(try makeBatch(stream))
        } catch {
            return model.find("a batch could not be built: \(error)")
        }
        pump(stream)
    }

    private func stream(to partition: PartitionModel) -> Stream {
        if let place = places[partition.place] { return streams[place] }
        places[partition.place] = streams.count
        let stream = Stream(partition, sender: plan.isIdempotent ? number : -1)
        streams.append(stream)
        return stream
    }

    private func askForID(_ stream: Stream) {
        guard !stream.isAskingForID else { return }
        stream.isAskingForID = true
        let request = InitProducerIdRequest(transactionalID: nil, transactionTimeoutMs: 60_000)
        let beginning = stream.beginning
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            stream.isAskingForID = false
            guard case .success(let response) = result, stream.beginning == beginning else { return }
            if response.errorCode == 0 {
                stream.producerID = response.producerID
                stream.producerEpoch = response.producerEpoch
                if !model.takeProducerID(response.producerID) {
                    model.find("producer id \(response.producerID) was given out twice")
                }
            } else if ErrorCode(rawValue: response.errorCode)?.isRetriable != true {
                model.find("no producer id: \(Self.name(response.errorCode))")
            }
        }
    }

    private func makeBatch(_ stream: Stream) throws(RecordError) -> Batch {
        var options = RecordBatchBuilder.Options()
        options.compression = [.none, .gzip, .snappy, .lz4, .zstd][plan.compression]
        if plan.isIdempotent {
            options.producerID = stream.producerID
            options.producerEpoch = stream.producerEpoch
            options.baseSequence = stream.nextSequence
        }
        var builder = RecordBatchBuilder(options)
        let count = min(left, random.value(in: plan.recordsPerBatch))
        var first: Int32 = -1
        let room = stream.partition.topic.plan.segmentBytes - 200
        while builder.count < count {
            // What does not compress grows a little by compression.
            let size = min(random.value(in: plan.valueBytes), room / 2 - 50)
            if first >= 0, (builder.uncompressedSize + size + 60) * 9 / 8 > room { break }
            let serial = try addRecord(stream, valueBytes: size, &builder)
            if first < 0 { first = serial }
        }
        let added = Int(builder.count)
        left -= added
        let sequence = stream.nextSequence
        stream.nextSequence = RecordBatchHeader.incrementSequence(sequence, by: Int32(added))
        return Batch(serials: first..<first + Int32(added), baseSequence: sequence, bytes: try builder.finish())
    }

    private func addRecord(
        _ stream: Stream, valueBytes: Int, _ builder: inout RecordBatchBuilder
    ) throws(RecordError) -> Int32 {
        let topic = stream.partition.topic.plan
        let hasKey =
            topic.isCompacted || stream.partition.topic.limits.mayCompact || (topic.keys > 0 && random.chance(2, in: 3))
        let key = hasKey ? Int32(random.value(in: 0...Int64(max(topic.keys, 1) - 1))) : -1
        let isTombstone = hasKey && random.chance(1, in: 6)
        let size = isTombstone ? 0 : valueBytes
        let age = random.chance(1, in: 8) ? random.value(in: 0...10_000 as ClosedRange<Int64>) : 0
        let timestamp = client.runtime.clock.wallMilliseconds - age
        let serial = model.add(
            SwarmRecord(
                partition: stream.partition.place, key: key, isTombstone: isTombstone, valueBytes: Int32(size),
                sender: stream.sender, number: stream.partition.nextNumber(stream.sender), timestamp: timestamp,
                isTimestampKnown: !topic.hasAppendTime, sentAt: model.brokerTime()))
        try builder.append(
            timestamp: timestamp, key: SwarmRecordBytes.key(key),
            value: isTombstone ? nil : SwarmRecordBytes.value(serial, count: size),
            headers: [(key: SwarmRecordBytes.header, value: SwarmRecordBytes.headerValue(serial))])
        return serial
    }

    // MARK: Sending

    private func pump(_ stream: Stream) {
        if stream.mustRewind {
            guard stream.outstanding == 0 else { return }
            stream.mustRewind = false
            stream.sent = 0
        }
        while stream.sent < stream.pending.count, stream.outstanding < plan.outstanding, !stream.mustRewind {
            let index = stream.sent
            stream.pending[index].losses = model.losses
            if stream.pending[index].attempts == 0 { stream.pending[index].life = model.brokerLife() }
            stream.pending[index].attempts += 1
            stream.pending[index].isHead = index == 0
            if stream.pending[index].attempts > 1 { retries += 1 }
            let batch = stream.pending[index]
            if plan.isIdempotent {
                stream.sent += 1
                stream.outstanding += 1
            } else {
                // Whatever the answer is, it is not sent again.
                stream.pending.removeFirst()
            }
            send(batch, stream)
        }
    }

    private func send(_ batch: Batch, _ stream: Stream) {
        let topic = stream.partition.topic
        let data = ProduceRequest.PartitionProduceData(index: stream.partition.index, records: .owned(batch.bytes))
        let request = ProduceRequest(
            acks: plan.acks, timeoutMs: 10_000,
            topicData: [.init(name: topic.plan.name, topicID: topic.id, partitionData: [data])])
        let beginning = stream.beginning
        guard plan.acks != 0 else { return sendOneWay(request) }
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            let answer = (try? result.get())?.responses.first?.partitionResponses.first
            guard stream.beginning == beginning else {
                // It was sent before a loss; what it promised then is for the model to judge.
                if let answer, answer.errorCode == 0 { acknowledge(batch, stream, answer.baseOffset) }
                return
            }
            finish(batch, stream, answer)
        }
    }

    private func sendOneWay(_ request: ProduceRequest) {
        client.connection(to: KafkaClient.anyBroker) { result in
            guard case .success(let connection) = result,
                let version = connection.version(of: ProduceRequest.self)
            else { return }
            try? connection.sendOneWay(request, version: version)
        }
    }

    private func acknowledge(_ batch: Batch, _ stream: Stream, _ offset: Int64) {
        stream.partition.acknowledged(batch.serials, at: offset, losses: batch.losses)
        stream.lastOffset = max(stream.lastOffset, offset + Int64(batch.serials.count) - 1)
    }

    private func finish(_ batch: Batch, _ stream: Stream, _ answer: ProduceResponse.PartitionProduceResponse?) {
        let code = answer.map { ErrorCode(rawValue: $0.errorCode) ?? .unknownServerError }
        if code == ErrorCode.none, let answer { acknowledge(batch, stream, answer.baseOffset) }
        if let code, let fault = fault(code, batch, stream) {
            model.find(
                "\(stream.partition.name): records \(batch.serials), sequence \(batch.baseSequence) of producer "
                    + "\(stream.producerID), sent the \(batch.attempts). time, got \(fault)")
        }
        guard plan.isIdempotent else { return }
        stream.outstanding -= 1
        switch code {
        case ErrorCode.none?, .duplicateSequenceNumber?:
            stream.isKnown = true
            if stream.pending.first?.serials == batch.serials {
                stream.pending.removeFirst()
                stream.sent -= 1
            } else {
                // One before it failed: both are sent again, and the broker will say that it has this one.
                stream.mustRewind = true
            }
        case .unknownTopicID?, .unknownTopicOrPartition?:
            if stream.partition.topic.isDeletionAsked { return begin(stream) }
            stream.mustRewind = true
        case .outOfOrderSequenceNumber? where isForgotten(batch, stream): begin(stream)
        default:
            stream.mustRewind = true
        }
    }

    /// Whether the broker may have had the batch, and cannot know it any more: it was started again, when only each
    /// producer's last batch is known without the log, this one was not the last, and the log has lost it: with its
    /// beginning, because there are later records for all the keys in it, or in a gap that a loss of power has left.
    private func isForgotten(_ batch: Batch, _ stream: Stream) -> Bool {
        guard batch.attempts > 1, batch.life != model.brokerLife() else { return false }
        let hasSuccessor = stream.pending.contains {
            $0.attempts > 0 && $0.serials.lowerBound > batch.serials.lowerBound
        }
        guard hasSuccessor else { return false }
        return stream.partition.judgedStart > stream.lastOffset + 1 || stream.partition.mayHaveGap
            || stream.partition.mayBeCompactedAway(batch.serials, behind: stream.lastOffset)
    }

    /// What is wrong with an answer; nil for what a producer has to expect.
    private func fault(_ code: ErrorCode, _ batch: Batch, _ stream: Stream) -> String? {
        switch code {
        case .none, .unknownTopicID, .unknownTopicOrPartition, .notLeaderOrFollower, .kafkaStorageError,
            .requestTimedOut, .leaderNotAvailable, .notEnoughReplicas, .notEnoughReplicasAfterAppend:
            return nil
        case .duplicateSequenceNumber:
            return batch.attempts > 1 ? nil : "\(code.name) the first time it was sent"
        case .outOfOrderSequenceNumber:
            // Behind a batch that failed it is right.
            return batch.isHead && batch.losses == model.losses && !isForgotten(batch, stream) ? code.name : nil
        default: return code.name
        }
    }

    static func name(_ code: Int16) -> String { ErrorCode(rawValue: code)?.name ?? "error \(code)" }
}
