// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaReplication
import KafkaRuntime
import Synchronization
import Testing

/// SplitMix64, so that session ids differ but tests repeat.
private final class SeededRandom: RandomSource {
    private let state: Mutex<UInt64>

    init(seed: UInt64) { state = Mutex(seed) }

    func next() -> UInt64 {
        state.withLock { state in
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }
}

private func key(_ partition: Int32, topic: String = "t") -> FetchPartitionKey {
    FetchPartitionKey(topicName: topic, topicID: .zero, partition: partition)
}

private func asking(_ partition: Int32, from offset: Int64 = 0) -> FetchPartitionRequest {
    FetchPartitionRequest(
        key: key(partition), fetchOffset: offset, maxBytes: 1 << 20, currentLeaderEpoch: -1, lastFetchedEpoch: -1,
        logStartOffset: -1)
}

private let told = FetchPartitionTold(highWatermark: 5, lastStableOffset: 5, logStartOffset: 0)

@Suite struct FetchSessionTests {
    private let cache = FetchSessionCache(slotCount: 2, random: SeededRandom(seed: 1))

    private func makeSession(_ partitions: [Int32] = [0, 1, 2]) throws -> FetchSession {
        try #require(cache.make(usesTopicIDs: false, partitions: partitions.map { asking($0) }, now: 0))
    }

    @Test func `an epoch that is not the next one is refused`() throws {
        let session = try makeSession()
        #expect(session.update(epoch: 2, changed: [], forgotten: []) == nil)
        #expect(session.update(epoch: 1, changed: [], forgotten: []) != nil)
        #expect(session.update(epoch: 1, changed: [], forgotten: []) == nil)
    }

    @Test func `an incremental request without changes asks for everything the session holds`() throws {
        let session = try makeSession()
        let all = try #require(session.update(epoch: 1, changed: [], forgotten: []))
        #expect(all.map(\.key.partition) == [0, 1, 2])
    }

    @Test func `changed partitions replace, new ones join, forgotten ones leave`() throws {
        let session = try makeSession()
        let all = try #require(
            session.update(epoch: 1, changed: [asking(1, from: 77), asking(9)], forgotten: [key(0)]))
        #expect(all.map(\.key.partition) == [1, 2, 9])
        #expect(all.first?.fetchOffset == 77)
    }

    @Test func `a partition is told again only when something differs`() throws {
        let session = try makeSession()
        #expect(session.mustTell(key(0), told, hasData: false, isError: false))
        #expect(!session.mustTell(key(0), told, hasData: false, isError: false))
        var later = told
        later.highWatermark = 6
        #expect(session.mustTell(key(0), later, hasData: false, isError: false))
        #expect(session.mustTell(key(0), later, hasData: true, isError: false))
    }

    @Test func `after an error the next reply tells the partition whole`() throws {
        let session = try makeSession()
        #expect(session.mustTell(key(0), told, hasData: false, isError: true))
        #expect(session.mustTell(key(0), told, hasData: false, isError: false))
    }

    @Test func `reading starts behind the partition that had data last`() throws {
        let session = try makeSession()
        _ = session.mustTell(key(1), told, hasData: true, isError: false)
        let all = try #require(session.update(epoch: 1, changed: [], forgotten: []))
        #expect(all.map(\.key.partition) == [2, 0, 1])
    }

    @Test func `a full cache makes no session until one is old enough to go`() throws {
        _ = try makeSession()
        _ = try makeSession()
        #expect(cache.make(usesTopicIDs: false, partitions: [asking(0)], now: 119_999) == nil)
        let replacement = try #require(cache.make(usesTopicIDs: false, partitions: [asking(0)], now: 120_001))
        #expect(cache.count == 2)
        #expect(cache.session(replacement.id, now: 120_001) === replacement)
    }

    @Test func `a request for nothing gets no session`() {
        #expect(cache.make(usesTopicIDs: true, partitions: [], now: 0) == nil)
    }
}
