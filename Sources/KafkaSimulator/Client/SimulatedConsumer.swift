// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRecords
import KafkaRuntime

package struct ConsumerWorkload: Sendable {
    package var topic = "workload"
    package var partitions: Int32 = 1
    /// Records after which a partition is done.
    package var recordsPerPartition: Int64 = 1_000
    package var maxWait: Int32 = 500
    package var minBytes: Int32 = 1
    package var maxBytes: Int32 = 1 << 20
    package var partitionMaxBytes: Int32 = 64 << 10
    /// Whether to use fetch sessions (KIP-227) where the broker's version has them.
    package var usesSessions = true

    package init() {}
}

/// A consumer that reads every partition of a topic from its beginning and examines all it gets: checksums, offsets
/// without gaps, and the numbers and bytes of the records.
///
/// `@unchecked Sendable`: confined to its client's queue; what is read from outside is read between the simulation's
/// events.
package final class SimulatedConsumer: @unchecked Sendable {
    package let workload: ConsumerWorkload
    package let client: KafkaClient
    private var readers: [PartitionReader]
    private var sessions: [Int32: FetchSession] = [:]
    private var busy: Set<Int32> = []
    private var isWaiting = false
    private var isStopped = false

    private struct FetchSession {
        var id: Int32 = 0
        var epoch: Int32 = 0
        /// Partition and offset as the broker has them from earlier requests of the session.
        var known: [Int32: Int64] = [:]
    }

    package init(_ workload: ConsumerWorkload, client: KafkaClient) {
        self.workload = workload
        self.client = client
        readers = (0..<workload.partitions).map {
            PartitionReader(partition: TopicPartition(topic: workload.topic, partition: $0))
        }
    }

    package func start() { client.queue.async { [self] in refresh() } }

    package func stop() {
        client.queue.async { [self] in
            isStopped = true
            client.close()
        }
    }

    // MARK: What came of it

    package var isFinished: Bool { readers.allSatisfy { $0.count >= workload.recordsPerPartition } }
    /// What was wrong with what it was given; a few are kept for each partition.
    package var findings: [String] { readers.flatMap(\.findings) }
    package func count(_ partition: Int32) -> Int64 { readers[Int(partition)].count }
    /// The numbers read from `partition`, by offset from the first on.
    package func numbers(_ partition: Int32) -> [Int64] { readers[Int(partition)].numbers }

    // MARK: Fetching

    private func recover() {
        guard !isWaiting, !isStopped else { return }
        isWaiting = true
        client.queue.schedule(after: client.drawBackoff()) { [self] in
            isWaiting = false
            refresh()
        }
    }

    private func refresh() {
        client.refresh([workload.topic]) { [self] _ in pump() }
    }

    /// Keeps one fetch under way to every leader of a partition that is not done.
    private func pump() {
        guard !isStopped, !isWaiting else { return }
        var byLeader: [Int32: [Int32]] = [:]
        for reader in readers {
            guard let leader = client.leader(of: reader.partition) else { return recover() }
            byLeader[leader, default: []].append(reader.partition.partition)
        }
        for leader in byLeader.keys.sorted() where !busy.contains(leader) {
            busy.insert(leader)
            fetch(byLeader[leader] ?? [], from: leader)
        }
    }

    private func fetch(_ partitions: [Int32], from leader: Int32) {
        client.connection(to: leader) { [self] result in
            switch result {
            case .failure:
                failed(leader)
            case .success(let connection):
                let version = connection.version(of: FetchRequest.self) ?? FetchRequest.versions.upperBound
                connection.send(makeRequest(partitions, leader, version: version)) { [self] result in
                    switch result {
                    case .success(let response): take(response, from: leader)
                    case .failure: failed(leader)
                    }
                }
            }
        }
    }

    private func failed(_ leader: Int32) {
        busy.remove(leader)
        sessions[leader] = nil
        recover()
    }

    private func makeRequest(_ partitions: [Int32], _ leader: Int32, version: Int16) -> FetchRequest {
        let hasSession = workload.usesSessions && version >= 7
        var session = sessions[leader] ?? FetchSession()
        var changed: [FetchRequest.FetchPartition] = []
        for partition in partitions {
            let position = readers[Int(partition)].position
            if hasSession, session.epoch > 0, session.known[partition] == position { continue }
            session.known[partition] = position
            changed.append(
                FetchRequest.FetchPartition(
                    partition: partition, fetchOffset: position, partitionMaxBytes: workload.partitionMaxBytes))
        }
        sessions[leader] = session
        let topicID = client.topic(workload.topic)?.id ?? .zero
        let topic = FetchRequest.FetchTopic(topic: workload.topic, topicID: topicID, partitions: changed)
        return FetchRequest(
            maxWaitMs: workload.maxWait, minBytes: workload.minBytes, maxBytes: workload.maxBytes,
            sessionID: hasSession ? session.id : 0, sessionEpoch: hasSession ? session.epoch : -1,
            topics: changed.isEmpty ? [] : [topic])
    }

    private func take(_ response: FetchResponse, from leader: Int32) {
        busy.remove(leader)
        guard response.errorCode == 0 else {
            // The session is gone, or the broker is in trouble: begin a new one.
            sessions[leader] = nil
            return recover()
        }
        if workload.usesSessions, response.sessionID != 0 {
            var session = sessions[leader] ?? FetchSession()
            session.id = response.sessionID
            session.epoch += 1
            sessions[leader] = session
        } else {
            sessions[leader] = nil
        }
        var mustRefresh = false
        for topic in response.responses {
            for data in topic.partitions where readers.indices.contains(Int(data.partitionIndex)) {
                if data.errorCode == 0 {
                    data.records.withBytes {
                        readers[Int(data.partitionIndex)].take($0, highWatermark: data.highWatermark)
                    }
                } else {
                    readers[Int(data.partitionIndex)].refused(ErrorCode(rawValue: data.errorCode))
                    sessions[leader] = nil
                    mustRefresh = true
                }
            }
        }
        if mustRefresh { recover() } else { pump() }
    }
}
