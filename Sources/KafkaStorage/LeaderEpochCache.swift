// SPDX-License-Identifier: Apache-2.0

/// One leader epoch and the first offset written in it.
public struct EpochEntry: Equatable, Sendable {
    /// The leader epoch.
    public let epoch: Int32
    /// The offset of its first record.
    public let startOffset: Int64

    public init(epoch: Int32, startOffset: Int64) {
        self.epoch = epoch
        self.startOffset = startOffset
    }
}

/// Which leader wrote which offsets (KIP-101): what followers compare to find where their logs part.
///
/// Both columns ascend strictly. The entries are written to `leader-epoch-checkpoint` by whoever owns the cache, when
/// `isDirty`; what a crash takes from that file comes back from the batches above the recovery point.
struct LeaderEpochCache: Sendable {
    static let undefinedEpoch: Int32 = -1
    static let undefinedOffset: Int64 = -1

    private(set) var entries: [EpochEntry]
    /// Whether the entries changed since they were last written.
    var isDirty = false

    init(_ entries: [EpochEntry] = []) { self.entries = entries }

    var latestEpoch: Int32? { entries.last?.epoch }

    /// Whether `assign` would change anything: the quick question of the append path.
    func needsAssignment(_ epoch: Int32) -> Bool {
        epoch >= 0 && entries.last?.epoch != epoch
    }

    /// Notes that `epoch` begins at `startOffset`. An epoch at or below the latest with a start at or above its own
    /// changes nothing; otherwise entries that contradict the new one go.
    mutating func assign(epoch: Int32, startOffset: Int64) {
        guard epoch >= 0, startOffset >= 0 else { return }
        if let last = entries.last, epoch == last.epoch, startOffset >= last.startOffset { return }
        entries.removeAll { $0.epoch >= epoch || $0.startOffset >= startOffset }
        entries.append(EpochEntry(epoch: epoch, startOffset: startOffset))
        isDirty = true
    }

    /// Forgets epochs that begin at or above `endOffset`.
    mutating func truncateFromEnd(_ endOffset: Int64) {
        guard let last = entries.last, last.startOffset >= endOffset else { return }
        entries.removeAll { $0.startOffset >= endOffset }
        isDirty = true
    }

    /// Forgets epochs that end at or below `startOffset`; the one that holds it begins there.
    mutating func truncateFromStart(_ startOffset: Int64) {
        guard let first = entries.first, first.startOffset < startOffset else { return }
        guard let holder = entries.lastIndex(where: { $0.startOffset <= startOffset }) else { return }
        let kept = EpochEntry(epoch: entries[holder].epoch, startOffset: startOffset)
        entries.replaceSubrange(...holder, with: CollectionOfOne(kept))
        isDirty = true
    }

    mutating func removeAll() {
        guard !entries.isEmpty else { return }
        entries = []
        isDirty = true
    }

    /// The largest epoch not above `requested` that is known, and where it ends. Both are −1 where nothing can be
    /// said: the epoch is newer than all known ones, or nothing is known.
    func endOffset(for requested: Int32, logEndOffset: Int64) -> (epoch: Int32, endOffset: Int64) {
        guard requested >= 0, let last = entries.last else { return (Self.undefinedEpoch, Self.undefinedOffset) }
        if requested == last.epoch { return (requested, logEndOffset) }
        if requested > last.epoch { return (Self.undefinedEpoch, Self.undefinedOffset) }
        // There is a higher epoch, hence this index exists.
        let higher = entries.firstIndex { $0.epoch > requested } ?? entries.endIndex - 1
        let epoch = higher == 0 ? requested : entries[higher - 1].epoch
        return (epoch, entries[higher].startOffset)
    }

    /// The epoch that wrote `offset`.
    func epoch(of offset: Int64) -> Int32? { entries.last { $0.startOffset <= offset }?.epoch }
}
