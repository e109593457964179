// SPDX-License-Identifier: Apache-2.0
internal import KafkaCoordination
internal import Synchronization

/// What the group coordinators have done since they were made; counted on their queues, read from anywhere.
final class GroupStatistics: Sendable {
    /// Offsets that were committed.
    let committedOffsets = Atomic<Int64>(0)
    /// Offsets that went because nobody had used them for their retention.
    let expiredOffsets = Atomic<Int64>(0)
    /// Offsets that were deleted by request, or with their topic or group.
    let deletedOffsets = Atomic<Int64>(0)
    /// Generations of classic groups that got their assignments.
    let completedRebalances = Atomic<Int64>(0)
    /// New epochs of consumer groups.
    let consumerRebalances = Atomic<Int64>(0)
    private let loads = Mutex(Loads())

    /// How long partitions of the offsets topic took to load, in milliseconds.
    struct Loads: Sendable {
        var count: Int64 = 0
        var sum: Int64 = 0
        var longest: Int64 = 0
    }

    var loadTimes: Loads { loads.withLock { $0 } }

    func loaded(milliseconds: Int64) {
        loads.withLock { loads in
            loads.count += 1
            loads.sum += milliseconds
            loads.longest = max(loads.longest, milliseconds)
        }
    }

    /// A decision is in the log.
    func written(_ records: [GroupCoordinatorRecord], _ ticket: AppendTicket?, _ cause: GroupChangeCause) {
        if case .assignment = ticket { completedRebalances.add(1, ordering: .relaxed) }
        for record in records {
            switch record {
            case .offsetCommit(_, .some): committedOffsets.add(1, ordering: .relaxed)
            case .offsetCommit(_, nil), .legacyOffsetCommit(_, nil):
                switch cause {
                case .expiry: expiredOffsets.add(1, ordering: .relaxed)
                case .other: deletedOffsets.add(1, ordering: .relaxed)
                }
            case .consumerGroupMetadata(_, .some): consumerRebalances.add(1, ordering: .relaxed)
            default: break
            }
        }
    }
}

/// Why a shard changes, as far as it is counted.
enum GroupChangeCause: Sendable {
    /// Time has passed.
    case expiry
    case other
}

/// One shard as it was when somebody asked.
struct GroupShardReport: Sendable {
    enum State: String, CaseIterable, Sendable {
        case loading
        case active
        /// Its log is damaged.
        case failed
    }

    let state: State
    /// nil unless `active`.
    let snapshot: GroupShardSnapshot?
}
