// SPDX-License-Identifier: Apache-2.0

/// What may be gone from the beginning of a log.
extension PartitionModel {
    /// A clean stop has left the log with this start.
    func noteKept(start: Int64?) { keptStart = max(keptStart, start ?? 0) }

    /// What was deleted by request, and written down, does not come back.
    func checkKept(start: Int64, _ when: String) {
        if start < keptStart, !topic.isDeletionAsked {
            model.find("\(name): begins at \(start) \(when), but was stopped cleanly with a start of \(keptStart)")
        }
    }

    /// The log's start is at `new`: nothing may be gone that nobody allowed to go. Every move is judged once, where it is
    /// first seen, so that what the limits or the log become later does not matter.
    ///
    /// - Parameters:
    ///   - segments: the log's, as they were right before the move; empty where nobody knows.
    ///   - remainingBytes: the log's size since the move; nil where other things than appends may have changed it since,
    ///     so that it says nothing about the moment of the deletion.
    func startSeen(at new: Int64, segments: [SegmentExtent] = [], remainingBytes: Int64?) {
        let old = judgedStart
        guard new > old else { return }
        judgedStart = new
        guard new > deletedUpTo else { return }
        guard topic.limits.deletesOld else {
            return model.find("\(name): the log's start moved from \(old) to \(new), which nobody asked for")
        }
        let gone = segments.filter { $0.baseOffset < new }
        guard !gone.isEmpty else { return judgeUnseen(from: old, to: new, remainingBytes) }
        // Each was looked at by itself: an old one may go for its size, and the next, when that sufficed, for its age.
        var remaining = remainingBytes
        for (index, segment) in gone.enumerated().reversed() {
            let end = index + 1 < gone.count ? gone[index + 1].baseOffset : new
            if end > deletedUpTo, !mayGoForSize(remaining) {
                judgeAge(segment.baseOffset..<max(segment.baseOffset, end), moved: (old, new), remaining)
            }
            remaining = remaining.map { $0 + segment.size }
        }
    }

    /// A segment goes for its size where what is left without it is still `retention.bytes`; appends only add to that.
    /// Compaction takes away from it.
    private func mayGoForSize(_ remainingBytes: Int64?) -> Bool {
        let limit = topic.limits.retentionBytes
        return limit >= 0 && (topic.limits.mayCompact || remainingBytes ?? .max >= limit)
    }

    /// Judges a move of which it is not known what segments it concerned: where the size counts, too, only the last record
    /// is sure to be of one that went for its age.
    private func judgeUnseen(from old: Int64, to new: Int64, _ remainingBytes: Int64?) {
        if mayGoForSize(remainingBytes) { return }
        let first = topic.limits.retentionBytes >= 0 ? new - 1 : old
        judgeAge(max(first, deletedUpTo)..<max(first, deletedUpTo, new), moved: (old, new), remainingBytes)
    }

    /// A segment goes for its age where its newest record is too old.
    private func judgeAge(_ offsets: Range<Int64>, moved: (from: Int64, to: Int64), _ remainingBytes: Int64?) {
        let limits = topic.limits
        guard limits.retentionMs >= 0 else {
            return model.find(
                "\(name): \(remainingBytes ?? 0) bytes are left behind \(offsets.upperBound) where retention.bytes is "
                    + "\(limits.retentionBytes)")
        }
        for offset in offsets where offset < knownEnd {
            let serial = serials[Int(offset)]
            guard serial >= 0 else { continue }
            let age = model.latestTime - model.earliestTimestamp(of: serial)
            guard age <= limits.retentionMs, !limits.mayCompact || isLastOfKey(serial, at: offset) else { continue }
            return model.find(
                "\(name): the log's start moved from \(moved.from) to \(moved.to), but offset \(offset) was \(age) ms "
                    + "old where retention.ms is \(limits.retentionMs) and retention.bytes \(limits.retentionBytes)")
        }
    }

    /// Whether compaction cannot have taken a record.
    private func isLastOfKey(_ serial: Int32, at offset: Int64) -> Bool {
        let record = model.records[Int(serial)]
        return record.key >= 0 && !record.isTombstone && !hasSuccessor(serial, at: offset)
    }

    /// Whether there is, or may be, a later record of a record's key.
    func hasSuccessor(_ serial: Int32, at offset: Int64) -> Bool {
        let key = model.records[Int(serial)].key
        return model.records.indices.contains { index in
            let other = model.records[index]
            return other.partition == place && other.key == key && index != Int(serial)
                && (other.offset < 0 || other.offset > offset)
        }
    }

    /// Whether compaction may have left nothing of a batch whose first record is known to stand behind `offset`.
    func mayBeCompactedAway(_ batch: Range<Int32>, behind offset: Int64) -> Bool {
        guard topic.limits.mayCompact else { return false }
        return batch.allSatisfy { serial in
            let record = model.records[Int(serial)]
            let place = record.offset >= 0 ? record.offset : offset
            if hasSuccessor(serial, at: place) { return true }
            return record.isTombstone
                && model.latestTime - model.earliestSight(of: serial) >= topic.limits.deleteRetentionMs
        }
    }
}
