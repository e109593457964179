// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// Checks the batches of a read before a reader is told of them (`log.verify.on.read`); holds no lock.
///
/// A batch is good when its checksum is right, its offsets follow those before it and end before those behind it, and
/// its epoch is the one that the log knows for its offset. The two that no checksum covers are the base offset and the
/// epoch.
struct RangeCheck: Sendable {
    var path: String
    var segmentBase: Int64
    /// How far whole batches go.
    var segmentSize: Int64
    /// No batch of the segment reaches this offset.
    var endOffset: Int64
    /// Where the first batch begins, if that is known from elsewhere.
    var knownBase: Int64?
    /// Ascending; offsets below the first are of an unknown epoch.
    var epochs: [EpochEntry]
    /// The batch before the first, where the search saw it.
    var passed: Passed?
    /// The log's, when the range was found: what was taken back since proves nothing.
    var truncationCount: Int

    /// A batch that a search passed over as too low.
    struct Passed: Sendable {
        var file: any File
        var segmentBase: Int64
        var segmentSize: Int64
        var position: Int64
    }

    /// The range up to where everything is good, ending with a whole batch; a first batch that is longer than the range
    /// is checked whole and left cut. Throws `corrupt` where the very first is not good.
    func checked(_ range: FetchedRange) throws(StorageError) -> FetchedRange {
        guard let file = range.file else { return range }
        let end = range.position + Int64(range.count)
        var scanner = SegmentScanner(
            file, fileSize: segmentSize, baseOffset: segmentBase,
            windowBytes: min(range.count + SegmentEntry.prefixSize, 1 << 20), start: range.position)
        var good = range.position
        // A batch is good once the next one has shown where it must end.
        var waiting: SegmentEntry?
        while true {
            let next = try scanner.next()?.entry
            let damage = next == nil ? scanner.damage : nil
            if let last = waiting {
                let breaksOrder = damage?.breaksOrder ?? false
                if let reason = defect(of: last, range, next?.baseOffset ?? endOffset, breaksOrder) {
                    return try cut(range, to: good, last.position, reason)
                }
                guard last.end <= end else { break }
                good = last.end
            }
            if let damage, damage.position < end { return try cut(range, to: good, damage.position, damage.reason) }
            guard let next, next.position < end else { break }
            if waiting == nil, next.baseOffset > range.start.offset { try checkPassed() }
            waiting = next
        }
        return range.isFirstEntryIncomplete ? range : try cut(range, to: good, good, "no whole batch")
    }

    /// Where the first batch begins behind the offset asked for there is a gap, or the batch before it is damaged and
    /// seemed to end too early.
    private func checkPassed() throws(StorageError) {
        guard let passed else { return }
        var scanner = SegmentScanner(
            passed.file, fileSize: passed.segmentSize, baseOffset: passed.segmentBase, windowBytes: 64 << 10,
            start: passed.position)
        _ = try scanner.next()
        guard let damage = scanner.damage else { return }
        throw .corrupt(path: passed.file.path, position: damage.position, reason: damage.reason)
    }

    /// What is wrong with the marks of a batch whose checksum is right.
    private func defect(
        of entry: SegmentEntry, _ range: FetchedRange, _ nextBase: Int64, _ breaksOrder: Bool
    ) -> String? {
        if entry.lastOffset >= nextBase || breaksOrder { return "its offsets run into those of the next batch" }
        if entry.position == range.position, let knownBase, entry.baseOffset != knownBase {
            return "it begins at offset \(entry.baseOffset), not at \(knownBase)"
        }
        guard let epoch = entry.batch?.partitionLeaderEpoch,
            let known = epochs.last(where: { $0.startOffset <= entry.baseOffset }), known.epoch != epoch
        else { return nil }
        return "its leader epoch is \(epoch), not \(known.epoch)"
    }

    private func cut(
        _ range: FetchedRange, to end: Int64, _ position: Int64, _ reason: String
    ) throws(StorageError) -> FetchedRange {
        guard end > range.position else { throw .corrupt(path: path, position: position, reason: reason) }
        var range = range
        range.count = Int(end - range.position)
        return range
    }
}
