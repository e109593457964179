// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
internal import KafkaProtocol
internal import KafkaRuntime
internal import KafkaStorage
internal import Logging

/// Tells the controller which log directories have failed, and in which directory each replica lies (KIP-858), until it
/// knows.
///
/// Confined to the metadata queue, which is what makes it `@unchecked Sendable`.
final class DirectoryReports: @unchecked Sendable {
    /// Milliseconds before something that failed is tried again.
    private static let retryDelay: Int64 = 500
    /// The most replicas in one request.
    private static let assignmentsMax = 2_000

    private let nodeID: Int32
    private let failureTimeout: Int64
    private let runtime: Runtime
    private let queue: any SerialQueue
    private let log: Logger
    private let onFatal: @Sendable (String) -> Void
    private var quorum: MetadataQuorum?

    /// Failed directories that the controller may not know of yet, and since when; monotonic milliseconds.
    private var unreported: [(path: String, id: KafkaUUID, since: Int64)] = []
    private var isReporting = false
    /// Where replicas lie, as far as the controller was not told.
    private var assignments: [TopicIDPartition: KafkaUUID] = [:]
    private var isAssigning = false

    /// - Parameter failureTimeout: `log.dir.failure.timeout.ms`.
    init(
        nodeID: Int32, failureTimeout: Int64, runtime: Runtime, queue: any SerialQueue, log: Logger,
        onFatal: @escaping @Sendable (String) -> Void
    ) {
        self.nodeID = nodeID
        self.failureTimeout = failureTimeout
        self.runtime = runtime
        self.queue = queue
        self.log = log
        self.onFatal = onFatal
    }

    /// The broker is registered: what was found before is told now.
    func start(_ quorum: MetadataQuorum) {
        queue.assertCurrent()
        self.quorum = quorum
        report()
        assign()
    }

    func stop() {
        queue.assertCurrent()
        quorum = nil
    }

    // MARK: Failed directories

    /// A directory has failed. `lost` are the replicas in it.
    func failed(_ directory: FailedDirectory, _ lost: [TopicIDPartition]) {
        queue.assertCurrent()
        guard let id = directory.directoryID, let quorum else { return }
        let topics = quorum.published.topics
        for place in lost {
            // The controller believes the replica elsewhere, so that the failure of this directory tells it nothing.
            assignments[place] = nil
            guard topics.partition(place)?.directory(ofReplicaOn: nodeID) != id else { continue }
            assignments[place] = DirectoryID.lost
        }
        unreported.append((directory.path, id, runtime.clock.monotonicMilliseconds))
        report()
        assign()
    }

    private func report() {
        guard let quorum, !isReporting, !unreported.isEmpty else { return }
        isReporting = true
        var heartbeat = BrokerHeartbeatRequest(
            brokerID: nodeID, brokerEpoch: quorum.published.cluster.broker(nodeID)?.epoch ?? -1,
            currentMetadataOffset: quorum.published.provenance.offset, wantFence: false, wantShutDown: false)
        heartbeat.offlineLogDirs = unreported.map(\.id)
        let (request, told) = (heartbeat, unreported.count)
        quorum.submit(
            { controller, context in
                controller.brokerHeartbeat(request, nextOffset: context.nextOffset, now: context.now)
            },
            completion: { [self] result in
                isReporting = false
                if case .success(let response) = result, response.errorCode == 0 {
                    unreported.removeFirst(told)
                    return report()
                }
                reportAgain()
            })
    }

    private func reportAgain() {
        guard quorum != nil, let first = unreported.first else { return }
        if runtime.clock.monotonicMilliseconds - first.since >= failureTimeout {
            return onFatal(
                "the failure of \(first.path) could not be reported to the controller for \(failureTimeout) ms"
                    + " (log.dir.failure.timeout.ms)")
        }
        queue.schedule(after: Self.retryDelay) { [weak self] in self?.report() }
    }

    // MARK: Places of replicas

    /// A replica lies in a directory that the metadata do not name.
    func found(_ place: TopicIDPartition, in directory: KafkaUUID) {
        queue.assertCurrent()
        assignments[place] = directory
        // With what else is found in the same image.
        queue.async { [weak self] in self?.assign() }
    }

    private func assign() {
        guard let quorum, !isAssigning, !assignments.isEmpty else { return }
        isAssigning = true
        let sent = assignments.sorted { $0.key < $1.key }.prefix(Self.assignmentsMax)
        let request = Self.request(nodeID, quorum.published.cluster.broker(nodeID)?.epoch ?? -1, sent)
        quorum.submit(
            { controller, _ in controller.assignReplicasToDirs(request) },
            completion: { [self] result in
                isAssigning = false
                guard case .success(let response) = result, response.errorCode == 0 else {
                    guard self.quorum != nil else { return }
                    queue.schedule(after: Self.retryDelay) { [weak self] in self?.assign() }
                    return
                }
                // What was refused is of a partition that is gone, and meanwhile a replica may have moved on.
                for (place, directory) in sent where assignments[place] == directory { assignments[place] = nil }
                assign()
            })
    }

    private static func request(
        _ nodeID: Int32, _ epoch: Int64, _ assignments: some Sequence<(key: TopicIDPartition, value: KafkaUUID)>
    ) -> AssignReplicasToDirsRequest {
        var byDirectory: [KafkaUUID: [AssignReplicasToDirsRequest.TopicData]] = [:]
        for (place, directory) in assignments {
            var topics = byDirectory[directory] ?? []
            if topics.last?.topicID != place.topicID { topics.append(.init(topicID: place.topicID)) }
            topics[topics.count - 1].partitions.append(.init(partitionIndex: place.partition))
            byDirectory[directory] = topics
        }
        return AssignReplicasToDirsRequest(
            brokerID: nodeID, brokerEpoch: epoch,
            directories: byDirectory.sorted { $0.key < $1.key }.map { .init(id: $0.key, topics: $0.value) })
    }
}
