// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaProtocol
internal import Synchronization

/// A partition as a fetch request names it: by topic id from version 13 on, by topic name before.
package struct FetchPartitionKey: Hashable, Sendable {
    /// Empty when the request named the topic by id.
    package let topicName: String
    /// Zero when the request named the topic by name.
    package let topicID: KafkaUUID
    package let partition: Int32

    package init(topicName: String, topicID: KafkaUUID, partition: Int32) {
        self.topicName = topicName
        self.topicID = topicID
        self.partition = partition
    }

    init(_ topic: NamedTopic, _ partition: Int32) {
        topicName = String(decoding: topic.name, as: UTF8.self)
        topicID = topic.id
        self.partition = partition
    }

    package func isOfSameTopic(as other: FetchPartitionKey) -> Bool {
        topicID == other.topicID && topicName == other.topicName
    }
}

/// What a fetch request asks of one partition.
package struct FetchPartitionRequest: Sendable {
    package let key: FetchPartitionKey
    package let asked: FetchRequestView.Partition

    package init(key: FetchPartitionKey, asked: FetchRequestView.Partition) {
        self.key = key
        self.asked = asked
    }
}

/// What was last told to the client about one partition; a reply leaves out a partition where nothing differs.
package struct FetchPartitionTold: Equatable, Sendable {
    package var highWatermark: Int64
    package var lastStableOffset: Int64
    package var logStartOffset: Int64

    package init(highWatermark: Int64, lastStableOffset: Int64, logStartOffset: Int64) {
        self.highWatermark = highWatermark
        self.lastStableOffset = lastStableOffset
        self.logStartOffset = logStartOffset
    }

    /// Differs from everything a partition can report, so the next reply includes the partition.
    package static let nothing = FetchPartitionTold(highWatermark: -1, lastStableOffset: -1, logStartOffset: -1)
}

/// An incremental fetch session (KIP-227): the broker remembers which partitions a client fetches and what it has
/// told it, so that requests and replies carry only what changed.
package final class FetchSession: Sendable {
    package let id: Int32
    /// Whether partitions are named by topic id; a client may not change that within a session.
    package let usesTopicIDs: Bool
    private let state: Mutex<State>

    private struct State: ~Copyable {
        /// The epoch the next incremental request must carry.
        var nextEpoch: Int32 = 1
        var partitions = FetchSessionPartitions()
    }

    init(id: Int32, usesTopicIDs: Bool, partitions: FetchSessionPartitions) {
        self.id = id
        self.usesTopicIDs = usesTopicIDs
        state = Mutex(State(partitions: partitions))
    }

    package var partitionCount: Int { state.withLock { $0.partitions.count } }

    /// Applies an incremental request.
    ///
    /// - Returns: how many partitions the session has then; nil when `epoch` is not the one that is due
    ///   (INVALID_FETCH_SESSION_EPOCH).
    package func update(epoch: Int32, by request: FetchRequestView) -> Int? {
        state.withLock { state in
            guard epoch == state.nextEpoch else { return nil }
            state.nextEpoch = epoch == .max ? 1 : epoch + 1
            state.partitions.update(by: request)
            return state.partitions.count
        }
    }

    /// Lends the partitions to `body`, and nobody else meanwhile.
    package func withPartitions(
        _ body: (inout FetchSessionPartitions) throws(WireError) -> Void
    ) throws(WireError) {
        try state.withLock { (state) throws(WireError) in try body(&state.partitions) }
    }
}
