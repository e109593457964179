// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
package import KafkaRecords
import KafkaRuntime

package struct ProducerWorkload: Sendable {
    package var topic = "workload"
    package var partitions: Int32 = 1
    /// Records to write to each partition.
    package var recordsPerPartition: Int64 = 1_000
    package var recordsPerBatch = 10
    package var valueBytes = 100
    package var compression = CompressionType.none
    package var acks: Int16 = -1
    /// Requests under way for each partition; the broker remembers five batches of a producer.
    package var outstandingPerPartition = 5
    /// Creates the topic first, with this many replicas; 0 leaves that to others.
    package var replicationFactor: Int16 = 1
    package var topicConfigs: [(name: String, value: String)] = []

    package init() {}
}

/// An idempotent producer: writes numbered records to every partition of a topic and goes on through failures until all
/// are acknowledged.
///
/// `@unchecked Sendable`: confined to its client's queue; what is read from outside is read between the simulation's
/// events.
package final class SimulatedProducer: @unchecked Sendable {
    package let workload: ProducerWorkload
    package let client: KafkaClient
    private var senders: [PartitionSender]
    private var producerID: Int64 = -1
    private var producerEpoch: Int16 = -1
    private var isWaiting = false
    private var isStopped = false
    /// Why it gave up before a producer id or a topic was there.
    private var startFailure: String?

    package init(_ workload: ProducerWorkload, client: KafkaClient) {
        self.workload = workload
        self.client = client
        senders = (0..<workload.partitions).map {
            PartitionSender(
                partition: TopicPartition(topic: workload.topic, partition: $0), total: workload.recordsPerPartition)
        }
    }

    package func start() { client.queue.async { [self] in createTopic() } }

    package func stop() {
        client.queue.async { [self] in
            isStopped = true
            client.close()
        }
    }

    // MARK: What came of it

    package var isFinished: Bool { startFailure != nil || senders.allSatisfy(\.isFinished) }
    package var failures: [String] { (startFailure.map { [$0] } ?? []) + senders.compactMap(\.failure) }
    package var retries: Int { senders.reduce(0) { $0 + $1.retries } }

    /// Records of `partition` that are acknowledged, from number 0 on without a gap.
    package func acknowledgedCount(_ partition: Int32) -> Int64 {
        senders[Int(partition)].acknowledged.last.map { $0.firstNumber + Int64($0.count) } ?? 0
    }

    /// The numbers of acknowledged records of `partition` with the offsets that the broker named for them.
    package func acknowledgedOffsets(_ partition: Int32) -> [(number: Int64, offset: Int64)] {
        senders[Int(partition)].acknowledged.filter { $0.baseOffset >= 0 }.flatMap { batch in
            (0..<Int64(batch.count)).map { (batch.firstNumber + $0, batch.baseOffset + $0) }
        }
    }

    // MARK: Beginning

    private func again(_ step: @escaping @Sendable () -> Void) {
        guard !isStopped else { return }
        client.queue.schedule(after: client.drawBackoff(), step)
    }

    private func createTopic() {
        guard workload.replicationFactor > 0 else { return prepareProducer() }
        let topic = CreateTopicsRequest.CreatableTopic(
            name: workload.topic, numPartitions: workload.partitions, replicationFactor: workload.replicationFactor,
            configs: workload.topicConfigs.map { .init(name: $0.name, value: $0.value) })
        client.send(CreateTopicsRequest(topics: [topic]), to: KafkaClient.anyBroker) { [self] result in
            let code = (try? result.get())?.topics.first.flatMap { ErrorCode(rawValue: $0.errorCode) }
            switch code {
            case ErrorCode.none?, .topicAlreadyExists?: prepareProducer()
            case let code? where !code.isRetriable: startFailure = "creating the topic failed with \(code.name)"
            default: again { [self] in createTopic() }
            }
        }
    }

    private func prepareProducer() {
        let request = InitProducerIdRequest(transactionalID: nil, transactionTimeoutMs: 60_000)
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            guard let response = try? result.get() else { return again { [self] in prepareProducer() } }
            switch ErrorCode(rawValue: response.errorCode) {
            case ErrorCode.none?:
                producerID = response.producerID
                producerEpoch = response.producerEpoch
                refresh()
            case let code? where !code.isRetriable:
                startFailure = "no producer id: \(code.name)"
            default:
                again { [self] in prepareProducer() }
            }
        }
    }

    // MARK: Sending

    /// Waits a moment, asks who leads, and goes on where answers are no longer outstanding.
    private func recover() {
        guard !isWaiting else { return }
        isWaiting = true
        again { [self] in
            isWaiting = false
            refresh()
        }
    }

    private func refresh() {
        client.refresh([workload.topic]) { [self] _ in
            for index in senders.indices where senders[index].isStalled {
                // Where an answer is outstanding its arrival leads here again.
                _ = senders[index].rewind()
            }
            pump()
        }
    }

    private func pump() {
        guard !isStopped, !isWaiting else { return }
        var lacksLeader = false
        for index in senders.indices where !senders[index].isFinished && !senders[index].isStalled {
            guard let leader = client.leader(of: senders[index].partition) else {
                lacksLeader = true
                continue
            }
            sendBatches(index, to: leader)
        }
        if lacksLeader { recover() }
    }

    private func sendBatches(_ index: Int, to leader: Int32) {
        do throws(RecordError) {
            let partition = senders[index].partition
            while let batch = try senders[index].next(
                limit: workload.outstandingPerPartition,
                make: { (number, sequence) throws(RecordError) in
                    try makeBatch(partition, number: number, sequence: sequence)
                })
            {
                send(batch, index, to: leader)
            }
        } catch {
            startFailure = "a batch could not be built: \(error)"
        }
    }

    private func makeBatch(
        _ partition: TopicPartition, number: Int64, sequence: Int32
    ) throws(RecordError) -> (count: Int, bytes: [UInt8]) {
        var options = RecordBatchBuilder.Options()
        options.compression = workload.compression
        options.producerID = producerID
        options.producerEpoch = producerEpoch
        options.baseSequence = sequence
        var builder = RecordBatchBuilder(options)
        let count = Int(min(Int64(workload.recordsPerBatch), workload.recordsPerPartition - number))
        let now = client.runtime.clock.wallMilliseconds
        for record in number..<number + Int64(count) {
            try builder.append(
                timestamp: now, key: WorkloadRecord.key(number: record, partition: partition),
                value: WorkloadRecord.value(number: record, partition: partition, size: workload.valueBytes))
        }
        return (count, try builder.finish())
    }

    private func send(_ batch: PartitionSender.Batch, _ index: Int, to leader: Int32) {
        let partition = senders[index].partition
        let data = ProduceRequest.PartitionProduceData(index: partition.partition, records: .owned(batch.bytes))
        let topic = ProduceRequest.TopicProduceData(
            name: partition.topic, topicID: client.topic(partition.topic)?.id ?? .zero, partitionData: [data])
        let request = ProduceRequest(acks: workload.acks, timeoutMs: 10_000, topicData: [topic])
        client.send(request, to: leader) { [self] result in
            let answer = (try? result.get())?.responses.first?.partitionResponses.first
            senders[index].finish(batch, Self.outcome(of: answer))
            if senders[index].isStalled { recover() } else { pump() }
        }
    }

    private static func outcome(
        of answer: ProduceResponse.PartitionProduceResponse?
    ) -> PartitionSender.Outcome {
        guard let answer else { return .mustRetry }
        switch ErrorCode(rawValue: answer.errorCode) {
        case ErrorCode.none?: return .acknowledged(baseOffset: answer.baseOffset)
        case .duplicateSequenceNumber?: return .acknowledged(baseOffset: -1)
        // A predecessor failed: sent again in order, both will do.
        case .outOfOrderSequenceNumber?: return .mustRetry
        case let code? where code.isRetriable: return .mustRetry
        case let code?: return .fatal("\(code.name): \(answer.errorMessage ?? "no message")")
        case nil: return .fatal("unknown error code \(answer.errorCode)")
        }
    }
}
