// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRecords
import KafkaRuntime

/// Reads partitions at random, from where it stopped or from somewhere else, and tells the model what it has seen.
///
/// `@unchecked Sendable`: confined to its client's queue; what is read from outside is read between events.
final class SwarmConsumer: @unchecked Sendable {
    private struct Place {
        var position: Int64 = 0
        /// Where it stands in a whole reading that must reach the end; nil outside of one.
        var highWatermark: Int64 = 0
        var life = -1
    }

    let plan: SwarmPlan.Consumer
    let client: KafkaClient
    private let model: SwarmModel
    private var random: Xoshiro256
    private var places: [Int: Place] = [:]
    private var isStopped = false
    /// Starts of the broker, to tell one life of it from another.
    private let brokerLife: () -> Int
    private(set) var fetches = 0

    init(
        _ plan: SwarmPlan.Consumer, model: SwarmModel, client: KafkaClient, seed: UInt64,
        brokerLife: @escaping () -> Int
    ) {
        self.plan = plan
        self.model = model
        self.client = client
        self.brokerLife = brokerLife
        random = Xoshiro256(seed: seed)
    }

    func start() { client.queue.async { [self] in tick() } }
    func stop() { isStopped = true }

    private func again() {
        guard !isStopped else { return }
        client.queue.schedule(after: random.value(in: plan.pause)) { [self] in tick() }
    }

    private func tick() {
        let topics = model.usableTopics
        guard !isStopped, !topics.isEmpty else { return again() }
        let topic = topics[random.value(in: 0...topics.count - 1)]
        let partitions = topic.partitions.filter { _ in random.chance(2, in: 3) }
        for partition in partitions where random.chance(plan.seekPercent, in: 100) {
            places[partition.place, default: Place()].position = random.value(in: 0...partition.knownEnd)
        }
        guard !partitions.isEmpty else { return again() }
        fetch(topic, partitions)
    }

    private func fetch(_ topic: TopicModel, _ partitions: [PartitionModel]) {
        fetches += 1
        let asked = partitions.map { (partition: $0, position: places[$0.place]?.position ?? 0) }
        let request = FetchRequest(
            maxWaitMs: plan.maxWait, minBytes: 1, maxBytes: plan.maxBytes, sessionID: 0, sessionEpoch: -1,
            topics: [
                .init(
                    topic: topic.plan.name, topicID: topic.id,
                    partitions: asked.map {
                        .init(
                            partition: $0.partition.index, fetchOffset: $0.position,
                            partitionMaxBytes: plan.partitionBytes)
                    })
            ])
        let losses = model.losses
        let life = brokerLife()
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            defer { again() }
            guard case .success(let response) = result else { return }
            // What was answered before a loss may be gone.
            guard losses == model.losses else { return }
            guard response.errorCode == 0 else {
                return model.find("a fetch got \(SwarmProducer.name(response.errorCode))")
            }
            for data in response.responses.flatMap(\.partitions) {
                guard let (partition, position) = asked.first(where: { $0.partition.index == data.partitionIndex })
                else { continue }
                // A request waits for its connection, so that another life may have answered.
                take(data, partition, position, life == brokerLife() ? life : -1)
            }
        }
    }

    private func take(
        _ data: FetchResponse.PartitionData, _ partition: PartitionModel, _ position: Int64, _ life: Int
    ) {
        switch ErrorCode(rawValue: data.errorCode) {
        case ErrorCode.none?: break
        case .offsetOutOfRange?:
            places[partition.place, default: Place()].position = max(0, data.logStartOffset)
            if data.logStartOffset < 0 || position == data.logStartOffset { ask(partition) }
            return
        case .unknownTopicID?, .unknownTopicOrPartition?, .notLeaderOrFollower?, .kafkaStorageError?,
            .offsetNotAvailable?:
            return
        default:
            return model.find("\(partition.name): a fetch at \(position) got \(SwarmProducer.name(data.errorCode))")
        }
        var place = places[partition.place] ?? Place()
        if place.life == life, life >= 0, data.highWatermark < place.highWatermark {
            model.find(
                "\(partition.name): the high watermark went from \(place.highWatermark) to \(data.highWatermark)")
        }
        place.highWatermark = data.highWatermark
        place.life = life
        var reading = SwarmReading(partition: partition, model: model, how: "fetched", position: position)
        data.records.withBytes { _ = reading.take($0, below: data.highWatermark) }
        if place.position == position { place.position = reading.position }
        places[partition.place] = place
    }

    /// Asks where the log begins.
    private func ask(_ partition: PartitionModel) {
        let request = ListOffsetsRequest(
            replicaID: -1, isolationLevel: 0,
            topics: [
                .init(
                    name: partition.topic.plan.name, partitions: [.init(partitionIndex: partition.index, timestamp: -2)]
                )
            ])
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            guard let answer = (try? result.get())?.topics.first?.partitions.first, answer.errorCode == 0 else {
                return
            }
            places[partition.place, default: Place()].position = max(0, answer.offset)
        }
    }
}

/// Goes over batches that were read from one place of a log on and tells the model what is in them.
struct SwarmReading {
    let partition: PartitionModel
    let model: SwarmModel
    let how: String
    /// The next offset.
    var position: Int64
    /// Called with the offset of each record at or above the position.
    var each: ((Int64) -> Void)?
    private var isFirst = true

    init(
        partition: PartitionModel, model: SwarmModel, how: String, position: Int64, each: ((Int64) -> Void)? = nil
    ) {
        self.partition = partition
        self.model = model
        self.how = how
        self.position = position
        self.each = each
    }

    /// Takes whole batches, perhaps with a partial one behind; returns the bytes of the whole ones.
    @discardableResult
    mutating func take(_ bytes: UnsafeRawBufferPointer, below limit: Int64) -> Int {
        var cursor = BatchCursor(bytes)
        do throws(RecordError) {
            while let (_, bytes) = try cursor.next() {
                try take(RecordBatch(bytes: bytes), below: limit)
                if !model.isFine { break }
            }
        } catch {
            model.find("\(partition.name): what was \(how) at \(position) is malformed: \(error)")
        }
        return cursor.position
    }

    private mutating func take(_ batch: RecordBatch, below limit: Int64) throws(RecordError) {
        try batch.verifyCRC()
        let header = batch.header
        // A whole batch is given out, even where only a part of it was asked for.
        if header.baseOffset > position, !partition.topic.limits.mayCompact {
            model.find("\(partition.name): \(how) from \(position), but the batch begins at \(header.baseOffset)")
        }
        if header.nextOffset <= position {
            model.find("\(partition.name): \(how) from \(position), but the batch ends at \(header.lastOffset)")
        }
        if header.nextOffset > limit {
            model.find("\(partition.name): offset \(header.lastOffset) was \(how) above \(limit)")
        }
        var last = header.baseOffset - 1
        var reader = try batch.makeReader()
        while let record = try reader.next() {
            if record.offset <= last || record.offset > header.lastOffset {
                model.find(
                    "\(partition.name): offset \(record.offset) follows \(last) in a batch up to \(header.lastOffset)")
            }
            if record.offset != last + 1, !partition.topic.limits.mayCompact {
                model.find("\(partition.name): offset \(last + 1) is missing in a batch")
            }
            last = record.offset
            partition.observed(record, how: how)
            if record.offset >= position { each?(record.offset) }
        }
        if last != header.lastOffset, !partition.topic.limits.mayCompact {
            model.find("\(partition.name): a batch up to \(header.lastOffset) ends at \(last)")
        }
        position = max(position, header.nextOffset)
        isFirst = false
    }
}
