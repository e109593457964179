// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
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
}

/// What a fetch request asks of one partition.
package struct FetchPartitionRequest: Sendable {
    package let key: FetchPartitionKey
    package var fetchOffset: Int64
    package var maxBytes: Int32
    /// −1 when the client does not know.
    package var currentLeaderEpoch: Int32
    package var lastFetchedEpoch: Int32
    /// The follower's log start offset; −1 from consumers.
    package var logStartOffset: Int64

    package init(
        key: FetchPartitionKey, fetchOffset: Int64, maxBytes: Int32, currentLeaderEpoch: Int32,
        lastFetchedEpoch: Int32, logStartOffset: Int64
    ) {
        self.key = key
        self.fetchOffset = fetchOffset
        self.maxBytes = maxBytes
        self.currentLeaderEpoch = currentLeaderEpoch
        self.lastFetchedEpoch = lastFetchedEpoch
        self.logStartOffset = logStartOffset
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

    private struct Entry {
        var request: FetchPartitionRequest
        var told: FetchPartitionTold
    }

    private struct State: ~Copyable {
        /// The epoch the next incremental request must carry.
        var nextEpoch: Int32 = 1
        var entries: [Entry] = []
        var indexes: [FetchPartitionKey: Int] = [:]
        /// Where the next reply starts reading, so that a partition with much data does not starve those behind it.
        var start = 0
    }

    init(id: Int32, usesTopicIDs: Bool, partitions: [FetchPartitionRequest]) {
        self.id = id
        self.usesTopicIDs = usesTopicIDs
        state = Mutex(State())
        state.withLock { state in
            for partition in partitions { Self.upsert(partition, in: &state) }
        }
    }

    package var partitionCount: Int { state.withLock { $0.entries.count } }

    private static func upsert(_ request: FetchPartitionRequest, in state: inout State) {
        if let index = state.indexes[request.key] {
            state.entries[index].request = request
        } else {
            state.indexes[request.key] = state.entries.count
            state.entries.append(Entry(request: request, told: .nothing))
        }
    }

    /// Applies an incremental request and returns all partitions of the session, in the order to read them in.
    ///
    /// - Returns: nil when `epoch` is not the one that is due (INVALID_FETCH_SESSION_EPOCH).
    package func update(
        epoch: Int32, changed: [FetchPartitionRequest], forgotten: [FetchPartitionKey]
    ) -> [FetchPartitionRequest]? {
        state.withLock { state in
            guard epoch == state.nextEpoch else { return nil }
            state.nextEpoch = epoch == .max ? 1 : epoch + 1
            for partition in changed { Self.upsert(partition, in: &state) }
            if !forgotten.isEmpty { Self.forget(forgotten, in: &state) }
            let count = state.entries.count
            guard count > 0 else { return [] }
            let start = state.start % count
            return (0..<count).map { state.entries[(start + $0) % count].request }
        }
    }

    private static func forget(_ keys: [FetchPartitionKey], in state: inout State) {
        let gone = Set(keys)
        state.entries.removeAll { gone.contains($0.request.key) }
        state.indexes.removeAll(keepingCapacity: true)
        for (index, entry) in state.entries.enumerated() { state.indexes[entry.request.key] = index }
        state.start = 0
    }

    /// Whether the reply has to mention the partition; remembers what it will be told.
    ///
    /// - Parameter hasData: the reply carries records, an error or another thing that must be seen.
    package func mustTell(_ key: FetchPartitionKey, _ told: FetchPartitionTold, hasData: Bool, isError: Bool) -> Bool {
        state.withLock { state in
            guard let index = state.indexes[key] else { return hasData || isError }
            let changed = state.entries[index].told != told
            // After an error the client knows nothing of the partition.
            state.entries[index].told = isError ? .nothing : told
            if hasData { state.start = index + 1 }
            return changed || hasData || isError
        }
    }
}
