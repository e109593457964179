// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRecords
import KafkaRuntime

/// After all was repaired: writes one more record to every partition and reads every partition from its start to it.
///
/// `@unchecked Sendable`: confined to its client's queue; what is read from outside is read between events.
final class SwarmFinalCheck: @unchecked Sendable {
    private enum Step {
        case write
        case findStart
        case read(Int64)
        case done
    }

    private final class Work: @unchecked Sendable {
        let partition: PartitionModel
        var step = Step.write
        /// The offset of the record that was written here.
        var last: Int64 = -1

        init(_ partition: PartitionModel) { self.partition = partition }
    }

    private let model: SwarmModel
    private let client: KafkaClient
    private let work: [Work]

    init(model: SwarmModel, client: KafkaClient) {
        self.model = model
        self.client = client
        work = model.usableTopics.filter { !$0.isDeletionAsked }.flatMap(\.partitions).map(Work.init)
    }

    var isFinished: Bool { work.allSatisfy { if case .done = $0.step { true } else { false } } }

    var unfinished: String {
        let open = work.filter { if case .done = $0.step { false } else { true } }
        return "not done: \(open.map { "\($0.partition.name) at \($0.step)" })"
    }

    func start() { client.queue.async { [self] in for item in work { go(on: item) } } }

    private func again(_ item: Work) {
        client.queue.schedule(after: 300) { [self] in go(on: item) }
    }

    private func go(on item: Work) {
        switch item.step {
        case .write: write(item)
        case .findStart: findStart(item)
        case .read(let position): read(item, position)
        case .done: break
        }
    }

    private func write(_ item: Work) {
        let topic = item.partition.topic
        let now = client.runtime.clock.wallMilliseconds
        let key: Int32 = topic.plan.keys > 0 || topic.limits.mayCompact ? 0 : -1
        let serial = model.add(
            SwarmRecord(
                partition: item.partition.place, key: key, isTombstone: false, valueBytes: 10, sender: -1, number: 0,
                timestamp: now, isTimestampKnown: !topic.plan.hasAppendTime, sentAt: model.brokerTime()))
        var builder = RecordBatchBuilder()
        do throws(RecordError) {
            try builder.append(
                timestamp: now, key: SwarmRecordBytes.key(key), value: SwarmRecordBytes.value(serial, count: 10),
                headers: [(key: SwarmRecordBytes.header, value: SwarmRecordBytes.headerValue(serial))])
            let data = ProduceRequest.PartitionProduceData(
                index: item.partition.index, records: .owned(try builder.finish()))
            let request = ProduceRequest(
                acks: -1, timeoutMs: 10_000,
                topicData: [.init(name: topic.plan.name, topicID: topic.id, partitionData: [data])])
            let losses = model.losses
            client.send(request, to: KafkaClient.anyBroker) { [self] result in
                let answer = (try? result.get())?.responses.first?.partitionResponses.first
                guard let answer, answer.errorCode == 0 else { return again(item) }
                item.partition.acknowledged(serial..<serial + 1, at: answer.baseOffset, losses: losses)
                item.last = answer.baseOffset
                item.step = .findStart
                go(on: item)
            }
        } catch {
            model.find("a batch could not be built: \(error)")
        }
    }

    private func findStart(_ item: Work) {
        let request = ListOffsetsRequest(
            replicaID: -1, isolationLevel: 0,
            topics: [
                .init(
                    name: item.partition.topic.plan.name,
                    partitions: [.init(partitionIndex: item.partition.index, timestamp: -2)])
            ])
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            guard let answer = (try? result.get())?.topics.first?.partitions.first, answer.errorCode == 0 else {
                return again(item)
            }
            item.step = .read(answer.offset)
            go(on: item)
        }
    }

    private func read(_ item: Work, _ position: Int64) {
        let topic = item.partition.topic
        let request = FetchRequest(
            maxWaitMs: 500, minBytes: 1, maxBytes: 10_000_000, sessionID: 0, sessionEpoch: -1,
            topics: [
                .init(
                    topic: topic.plan.name, topicID: topic.id,
                    partitions: [
                        .init(partition: item.partition.index, fetchOffset: position, partitionMaxBytes: 100_000)
                    ])
            ])
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            guard let data = (try? result.get())?.responses.first?.partitions.first else { return again(item) }
            if ErrorCode(rawValue: data.errorCode) == .offsetOutOfRange {
                // Retention was quicker.
                item.step = .findStart
                return again(item)
            }
            guard data.errorCode == 0 else { return again(item) }
            var reading = SwarmReading(
                partition: item.partition, model: model, how: "read in the end", position: position)
            data.records.withBytes { _ = reading.take($0, below: data.highWatermark) }
            guard model.isFine else { return }
            if reading.position > item.last {
                item.step = .done
            } else {
                item.step = .read(reading.position)
                go(on: item)
            }
        }
    }
}
