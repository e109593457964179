// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
internal import KafkaMetadata
internal import KafkaRuntime

/// A queue that owns some of the shards.
///
/// Confined to `queue`, which is what makes it `@unchecked Sendable`.
final class CoordinatorWorker: @unchecked Sendable {
    /// A partition of the offsets topic that this broker leads.
    struct Led: Sendable {
        let index: Int32
        let leaderEpoch: Int32
    }

    let queue: any SerialQueue
    private let environment: GroupShardEnvironment
    private var shards = SortedMap<Int32, GroupShardRuntime>()
    private var metadata: any GroupMetadataView = GroupMetadataImage(image: .empty)
    /// The topic that the shards are partitions of; a new one of the same name has nothing to do with the old.
    private var topicID: KafkaUUID?
    /// The broker's settings and those of single groups, as they are now.
    private var configuration: GroupCoordinatorConfiguration
    private var isStopped = false

    init(queue: any SerialQueue, environment: GroupShardEnvironment) {
        self.queue = queue
        self.environment = environment
        configuration = GroupCoordinatorConfiguration(environment.settings)
    }

    func serve<Response>(_ operation: GroupOperation<Response>, in index: Int32) {
        queue.assertCurrent()
        guard let shard = shards[index] else { return operation.refuse(.notCoordinator) }
        shard.serve(operation)
    }

    /// The shards in ascending order.
    var all: [GroupShardRuntime] { shards.values }

    /// The partitions led by this broker are these now.
    func lead(_ led: [Led], topicID: KafkaUUID?) {
        queue.assertCurrent()
        guard !isStopped else { return }
        if topicID != self.topicID {
            for shard in shards.values { shard.unload() }
            shards = SortedMap()
            self.topicID = topicID
        }
        var left = SortedMap<Int32, GroupShardRuntime>()
        for one in led {
            if let shard = shards.removeValue(forKey: one.index) {
                shard.leaderEpoch = one.leaderEpoch
                left[one.index] = shard
            } else {
                let shard = GroupShardRuntime(
                    index: one.index, leaderEpoch: one.leaderEpoch, configuration: configuration, metadata: metadata,
                    queue: queue, environment: environment)
                left[one.index] = shard
                shard.load()
            }
        }
        for lost in shards.values { lost.unload() }
        shards = left
    }

    func metadataChanged(_ view: any GroupMetadataView, deletedTopics: [String]) {
        queue.assertCurrent()
        metadata = view
        for shard in shards.values { shard.metadataChanged(view, deletedTopics: deletedTopics) }
    }

    func reconfigure(_ configuration: GroupCoordinatorConfiguration) {
        queue.assertCurrent()
        self.configuration = configuration
        for shard in shards.values { shard.configuration = configuration }
    }

    /// All shards as they are now. Takes the time of a look at each, however many groups there are.
    func reports() -> [GroupShardReport] {
        queue.assertCurrent()
        return shards.values.compactMap(\.report)
    }

    /// Ends everything; what was acknowledged is in the log.
    func stop() {
        queue.assertCurrent()
        isStopped = true
        for shard in shards.values { shard.unload() }
        shards = SortedMap()
    }
}
