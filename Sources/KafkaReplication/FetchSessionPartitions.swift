// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol

/// The partitions of a fetch session, in the order to read them in, with what the client was told of each.
///
/// An answer is prepared by a `note` for each partition; `commit` makes it what the client knows. Without it the answer
/// was not sent.
package struct FetchSessionPartitions: Sendable {
    private struct Entry: Sendable {
        var request: FetchPartitionRequest
        var told = FetchPartitionTold.nothing
        /// What the answer that is being prepared would tell.
        var telling = FetchPartitionTold.nothing
    }

    private var entries: [Entry] = []
    private var indexes: [FetchPartitionKey: Int] = [:]
    /// Where reading starts, so that a partition with much data does not starve those behind it.
    private var start = 0
    /// Where it starts after the answer that is being prepared.
    private var nextStart: Int?

    package init() {}

    /// Those of a full request.
    package init(of request: FetchRequestView) { update(by: request) }

    package var count: Int { entries.count }

    /// The partition that is read as number `turn`, from 0 on.
    package subscript(_ turn: Int) -> FetchPartitionRequest { entries[index(turn)].request }

    private func index(_ turn: Int) -> Int {
        let index = start + turn
        return index < entries.count ? index : index - entries.count
    }

    // MARK: Requests

    /// Takes over what a request names and forgets what it says it is done with.
    package mutating func update(by request: FetchRequestView) {
        nextStart = nil
        // A view was read whole when it was made: it cannot fail now.
        try? apply(request)
        if start >= entries.count { start = 0 }
    }

    private mutating func apply(_ request: FetchRequestView) throws(WireError) {
        var walk = request.walk()
        while let topic = try walk.nextTopic() {
            while let asked = try walk.nextPartition() {
                upsert(FetchPartitionRequest(key: FetchPartitionKey(topic, asked.index), asked: asked))
            }
        }
        var forgotten: Set<FetchPartitionKey> = []
        try request.forEachForgotten { forgotten.insert(FetchPartitionKey($0, $1)) }
        if !forgotten.isEmpty { forget(forgotten) }
    }

    private mutating func upsert(_ request: FetchPartitionRequest) {
        if let index = indexes[request.key] {
            entries[index].request = request
        } else {
            indexes[request.key] = entries.count
            entries.append(Entry(request: request))
        }
    }

    private mutating func forget(_ gone: Set<FetchPartitionKey>) {
        entries.removeAll { gone.contains($0.request.key) }
        indexes.removeAll(keepingCapacity: true)
        for (index, entry) in entries.enumerated() { indexes[entry.request.key] = index }
        start = 0
    }

    // MARK: Answers

    /// Notes what the answer would tell of the partition of this turn; whether it has to.
    ///
    /// - Parameter hasData: the answer carries records, or another thing that must be seen.
    package mutating func note(
        _ turn: Int, _ told: FetchPartitionTold, hasData: Bool, isError: Bool
    ) -> Bool {
        let index = index(turn)
        let hasChanged = entries[index].told != told
        // After an error the client knows nothing of the partition.
        entries[index].telling = isError ? .nothing : told
        if hasData { nextStart = index + 1 }
        return hasChanged || hasData || isError
    }

    /// The answer goes out.
    package mutating func commit() {
        for index in entries.indices { entries[index].told = entries[index].telling }
        if let nextStart { start = nextStart < entries.count ? nextStart : 0 }
        nextStart = nil
    }
}
