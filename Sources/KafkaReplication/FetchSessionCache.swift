// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol
package import KafkaRuntime
internal import Synchronization

/// The fetch sessions of a broker, at most `max.incremental.fetch.session.cache.slots` of them (KIP-227).
///
/// When it is full, a new session takes the place of one that was unused for two minutes, or of a smaller one that
/// is older than two minutes; otherwise the client goes on without a session, with full requests.
package final class FetchSessionCache: Sendable {
    /// Milliseconds after which a session may be evicted.
    private static let evictionAge: Int64 = 120_000

    private struct Slot {
        let session: FetchSession
        let createdAt: Int64
        var lastUsed: Int64
    }

    private let slotCount: Int
    private let random: any RandomSource
    private let slots = Mutex<[Int32: Slot]>([:])

    package init(slotCount: Int, random: any RandomSource) {
        self.slotCount = slotCount
        self.random = random
    }

    package var count: Int { slots.withLock { $0.count } }

    /// The session with this id, marked as used at `now` (monotonic milliseconds).
    package func session(_ id: Int32, now: Int64) -> FetchSession? {
        slots.withLock { slots in
            guard slots[id] != nil else { return nil }
            slots[id]!.lastUsed = now
            return slots[id]!.session
        }
    }

    package func remove(_ id: Int32) {
        slots.withLock { $0[id] = nil }
    }

    /// Makes a session for the partitions of a full request; nil when it names none, or there is no room.
    package func make(for request: FetchRequestView, now: Int64) -> FetchSession? {
        guard slotCount > 0 else { return nil }
        let partitions = FetchSessionPartitions(of: request)
        guard partitions.count > 0 else { return nil }
        return slots.withLock { slots in
            if slots.count >= slotCount {
                guard let victim = Self.victim(among: slots, newSize: partitions.count, now: now) else { return nil }
                slots[victim] = nil
            }
            var id: Int32
            repeat { id = Int32(truncatingIfNeeded: random.below(Int64(Int32.max) - 1) + 1) } while slots[id] != nil
            let session = FetchSession(id: id, usesTopicIDs: request.version >= 13, partitions: partitions)
            slots[id] = Slot(session: session, createdAt: now, lastUsed: now)
            return session
        }
    }

    /// Chosen by a total order (last use, id), so the dictionary's own order has no effect.
    private static func victim(among slots: [Int32: Slot], newSize: Int, now: Int64) -> Int32? {
        let unused = slots.filter { now - $0.value.lastUsed > evictionAge }
        if let oldest = unused.min(by: { ($0.value.lastUsed, $0.key) < ($1.value.lastUsed, $1.key) }) {
            return oldest.key
        }
        return
            slots
            .filter { now - $0.value.createdAt > evictionAge && $0.value.session.partitionCount < newSize }
            .min { ($0.value.session.partitionCount, $0.key) < ($1.value.session.partitionCount, $1.key) }?
            .key
    }
}
