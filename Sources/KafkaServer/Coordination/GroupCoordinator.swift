// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
internal import KafkaMetadata
internal import KafkaRuntime
internal import Logging
internal import Synchronization

/// What one of several shards made of a request.
enum ShardAnswer<Response: Sendable>: Sendable {
    case answered(Response)
    case refused(ErrorCode)
}

/// Coordinates the groups whose partitions of `__consumer_offsets` this broker leads.
///
/// A fixed number of serial queues (`group.coordinator.threads`) own a shard for each of these partitions. The cluster's
/// metadata say which they are; requests and changes of the metadata reach the shards through their queues.
package final class GroupCoordinator: Sendable {
    /// The topic as it was first seen: which partition keeps a group must not change while it exists.
    private struct Topic {
        let id: KafkaUUID
        let partitionCount: Int32
        /// With the partitions that were added since.
        var presentCount: Int

        init(id: KafkaUUID, partitionCount: Int32) {
            self.id = id
            self.partitionCount = partitionCount
            presentCount = Int(partitionCount)
        }
    }

    /// Groups that one request may name: its answer is much longer than it.
    static let groupsPerRequestMax = 100_000

    let settings: CoordinatorConfiguration
    private let nodeID: Int32
    private let present: @Sendable (MetadataImage) -> CoordinatorConfiguration
    private let log: Logger
    let statistics: GroupStatistics
    private let workers: [CoordinatorWorker]
    private let topic = Mutex<Topic?>(nil)

    /// - Parameters:
    ///   - settings: as the broker was started with.
    ///   - present: `settings` with what was set while the cluster ran.
    init(
        _ settings: CoordinatorConfiguration, nodeID: Int32, runtime: Runtime, replicas: ReplicaManager, log: Logger,
        present: @escaping @Sendable (MetadataImage) -> CoordinatorConfiguration
    ) {
        self.settings = settings
        self.nodeID = nodeID
        self.present = present
        self.log = log
        let environment = GroupShardEnvironment(settings, runtime: runtime, replicas: replicas, log: log)
        statistics = environment.statistics
        workers = (0..<settings.threads).map { number in
            CoordinatorWorker(
                queue: runtime.queues.makeQueue(label: "group-coordinator-\(number)"), environment: environment)
        }
    }

    /// The partition that keeps `group`; nil while there is no topic.
    func partition(of group: String) -> Int32? {
        topic.withLock { $0 }.map { OffsetsTopic.partition(of: group, partitionCount: $0.partitionCount) }
    }

    // MARK: Requests

    /// Has the shard of `group` serve `operation`. From any queue.
    func submit<Response>(_ operation: GroupOperation<Response>, for group: String) {
        guard let index = partition(of: group) else { return operation.refuse(.notCoordinator) }
        let worker = worker(of: index)
        worker.queue.async { worker.serve(operation, in: index) }
    }

    /// Has every shard serve an operation that `make` gives for it; `finish` gets what they came to, in the order of
    /// the partitions, once all have answered.
    func submitToAll<Response: Sendable>(
        _ make:
            @escaping @Sendable (@escaping @Sendable (ShardAnswer<Response>) -> Void) -> GroupOperation<Response>,
        finish: @escaping @Sendable ([ShardAnswer<Response>]) -> Void
    ) {
        let gathering = Gathering<[(Int32, ShardAnswer<Response>)]>(count: workers.count) { parts in
            finish(parts.flatMap { $0 }.sorted { $0.0 < $1.0 }.map(\.1))
        }
        for (place, worker) in workers.enumerated() {
            worker.queue.async {
                let shards = worker.all
                let inner = Gathering<ShardAnswer<Response>>(count: shards.count) { results in
                    gathering.set(zip(shards.map(\.index), results).map { ($0, $1) }, at: place)
                }
                for (number, shard) in shards.enumerated() {
                    shard.serve(make { inner.set($0, at: number) })
                }
            }
        }
    }

    /// Has every shard say what there is to count; `finish` gets it on the queue of the last to answer.
    func reports(_ finish: @escaping @Sendable ([GroupShardReport]) -> Void) {
        let gathering = Gathering<[GroupShardReport]>(count: workers.count) { finish($0.flatMap { $0 }) }
        for (place, worker) in workers.enumerated() {
            worker.queue.async { gathering.set(worker.reports(), at: place) }
        }
    }

    private func worker(of index: Int32) -> CoordinatorWorker { workers[Int(index) % workers.count] }

    // MARK: Metadata

    /// Brings the shards in line with what the cluster's metadata say. Called on the metadata queue, in order.
    func metadataPublished(_ image: MetadataImage, _ delta: MetadataDelta) {
        let view = GroupMetadataImage(image: image)
        if delta.changedConfigs.contains(where: { $0.kind == .group || $0.kind == .broker }) { reconfigure(image) }
        if concernsOffsetsTopic(image, delta) { lead(image, view) }
        let deleted = delta.deletedTopics.map(\.name)
        guard !deleted.isEmpty || !delta.createdTopics.isEmpty || !delta.changedPartitions.isEmpty else { return }
        for worker in workers {
            worker.queue.async { worker.metadataChanged(view, deletedTopics: deleted) }
        }
    }

    /// Takes over what was set while the cluster runs, for all groups and for single ones.
    private func reconfigure(_ image: MetadataImage) {
        var overrides: [String: ConsumerGroupConfiguration.GroupOverrides] = [:]
        for resource in image.configs.keys where resource.kind == .group {
            let own = image.configuration(ofGroup: resource.name)
            overrides[resource.name] = .init(
                sessionTimeoutMilliseconds: own.consumerSessionTimeoutMilliseconds,
                heartbeatIntervalMilliseconds: own.consumerHeartbeatIntervalMilliseconds,
                assignmentIntervalMilliseconds: own.consumerAssignmentIntervalMilliseconds)
        }
        var configuration = GroupCoordinatorConfiguration(present(image))
        configuration.consumer.overrides = overrides
        for worker in workers { worker.queue.async { [configuration] in worker.reconfigure(configuration) } }
    }

    private func concernsOffsetsTopic(_ image: MetadataImage, _ delta: MetadataDelta) -> Bool {
        if delta.deletedTopics.contains(where: { $0.name == OffsetsTopic.name }) { return true }
        guard let id = image.topics.id(ofTopic: OffsetsTopic.name) else { return false }
        return delta.changedPartitions.contains { $0.topicID == id }
    }

    private func lead(_ image: MetadataImage, _ view: GroupMetadataImage) {
        let found = image.topics.topic(named: OffsetsTopic.name)
        let before = topic.withLock { topic -> Int32? in
            guard topic?.id == found?.id else {
                topic = found.map { Topic(id: $0.id, partitionCount: Int32($0.partitionCount)) }
                return nil
            }
            guard let known = topic, let found, found.partitionCount != known.presentCount else { return nil }
            topic?.presentCount = found.partitionCount
            return known.partitionCount
        }
        if let before, let found {
            log.warning(
                """
                partitions were added to the topic of the groups: from the next start on most groups belong to another \
                partition, where their offsets are not
                """, metadata: ["topic": "\(found.name)", "before": "\(before)", "now": "\(found.partitionCount)"])
        }
        var led = workers.map { _ in [CoordinatorWorker.Led]() }
        for (index, registration) in found?.partitions ?? SortedMap() where registration.leader == nodeID {
            led[Int(index) % workers.count].append(.init(index: index, leaderEpoch: registration.leaderEpoch))
        }
        let id = found?.id
        for (worker, led) in zip(workers, led) {
            worker.queue.async { worker.lead(led, topicID: id) }
        }
    }

    // MARK: Stop

    /// Ends all shards; `completion` runs on `queue`.
    func stop(on queue: any SerialQueue, completion: @escaping @Sendable () -> Void) {
        let gathering = Gathering<Void>(count: workers.count) { _ in queue.async(completion) }
        for (place, worker) in workers.enumerated() {
            worker.queue.async {
                worker.stop()
                gathering.set((), at: place)
            }
        }
    }
}
