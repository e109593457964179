// SPDX-License-Identifier: Apache-2.0
import KafkaProtocol
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

private let told = FetchPartitionTold(highWatermark: 5, lastStableOffset: 5, logStartOffset: 0)

/// Gives `body` a request of version 12 for partitions of topic `t`.
private func withRequest<R>(
    _ partitions: [Int32], from offset: Int64 = 0, forgetting forgotten: [Int32] = [],
    _ body: (FetchRequestView) throws -> R
) throws -> R {
    var request = FetchRequest(sessionEpoch: 1)
    if !partitions.isEmpty {
        request.topics = [
            .init(
                topic: "t",
                partitions: partitions.map { .init(partition: $0, fetchOffset: offset, partitionMaxBytes: 1 << 20) })
        ]
    }
    if !forgotten.isEmpty { request.forgottenTopicsData = [.init(topic: "t", partitions: forgotten)] }
    let bytes = try request.encoded(version: 12)
    return try bytes.withUnsafeBytes { try body(FetchRequestView($0, version: 12)) }
}

extension FetchSession {
    /// The partitions in the order of reading.
    fileprivate var order: [Int32] {
        var order: [Int32] = []
        try? withPartitions { partitions in order = (0..<partitions.count).map { partitions[$0].key.partition } }
        return order
    }

    /// Answers with the same told of everything; which partitions had to be mentioned.
    fileprivate func answer(
        _ told: FetchPartitionTold, data: Set<Int32> = [], errors: Set<Int32> = [], isSent: Bool = true
    ) -> [Int32] {
        var mentioned: [Int32] = []
        try? withPartitions { partitions in
            for turn in 0..<partitions.count {
                let number = partitions[turn].key.partition
                let mustTell = partitions.note(
                    turn, told, hasData: data.contains(number), isError: errors.contains(number))
                if mustTell { mentioned.append(number) }
            }
            if isSent { partitions.commit() }
        }
        return mentioned
    }
}

@Suite struct FetchSessionTests {
    private let cache = FetchSessionCache(slotCount: 2, random: SeededRandom(seed: 1))

    private func makeSession(_ partitions: [Int32] = [0, 1, 2], now: Int64 = 0) throws -> FetchSession? {
        try withRequest(partitions) { cache.make(for: $0, now: now) }
    }

    @Test func `an epoch that is not the next one is refused`() throws {
        let session = try #require(try makeSession())
        try withRequest([]) { request in
            #expect(session.update(epoch: 2, by: request) == nil)
            #expect(session.update(epoch: 1, by: request) == 3)
            #expect(session.update(epoch: 1, by: request) == nil)
        }
    }

    @Test func `an incremental request without changes asks for everything the session holds`() throws {
        let session = try #require(try makeSession())
        _ = try withRequest([]) { session.update(epoch: 1, by: $0) }
        #expect(session.order == [0, 1, 2])
    }

    @Test func `changed partitions replace, new ones join, forgotten ones leave`() throws {
        let session = try #require(try makeSession())
        let count = try withRequest([1, 9], from: 77, forgetting: [0]) { session.update(epoch: 1, by: $0) }
        #expect(count == 3)
        #expect(session.order == [1, 2, 9])
        try session.withPartitions { partitions in
            #expect((0..<3).map { partitions[$0].asked.fetchOffset } == [77, 0, 77])
        }
    }

    @Test func `a partition is told again only when something differs`() throws {
        let session = try #require(try makeSession())
        #expect(session.answer(told) == [0, 1, 2])
        #expect(session.answer(told) == [])
        var later = told
        later.highWatermark = 6
        #expect(session.answer(later) == [0, 1, 2])
        #expect(session.answer(later, data: [0]) == [0])
    }

    @Test func `what was not sent is told with the next answer`() throws {
        let session = try #require(try makeSession())
        #expect(session.answer(told, data: [1], isSent: false) == [0, 1, 2])
        #expect(session.order == [0, 1, 2])
        #expect(session.answer(told) == [0, 1, 2])
    }

    @Test func `after an error the next reply tells the partition whole`() throws {
        let session = try #require(try makeSession())
        #expect(session.answer(told, errors: [0]) == [0, 1, 2])
        #expect(session.answer(told) == [0])
    }

    @Test func `reading starts behind the partition that had data last`() throws {
        let session = try #require(try makeSession())
        _ = session.answer(told, data: [1])
        #expect(session.order == [2, 0, 1])
        _ = session.answer(told, data: [2])
        #expect(session.order == [0, 1, 2])
    }

    @Test func `a full cache makes no session until one is old enough to go`() throws {
        _ = try makeSession()
        _ = try makeSession()
        #expect(try makeSession([0], now: 119_999) == nil)
        let replacement = try #require(try makeSession([0], now: 120_001))
        #expect(cache.count == 2)
        #expect(cache.session(replacement.id, now: 120_001) === replacement)
    }

    @Test func `a request for nothing gets no session`() throws {
        #expect(try makeSession([]) == nil)
    }
}
