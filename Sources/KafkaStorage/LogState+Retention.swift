// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

extension LogState {
    /// Whether the oldest segment is to be given up: where the settings or the log's start say so and consumers may read
    /// all of it. Returns the base of the next, nil where the oldest stays. One that is still written is closed first,
    /// unless it is empty.
    mutating func prepareDeletion(now: Int64) throws(StorageError) -> Int64? {
        try requireWritten()
        guard try deletionReason(now: now) != nil else { return nil }
        if segments.count == 1 { try roll(now: now) }
        return segments[1].baseOffset
    }

    /// Gives up the oldest segment, which must end at `base`, where that is still to be done: its files get the name of
    /// deleted ones, and the log starts at the next. Returns whether it went; on failure the log is as before.
    mutating func deleteFirstSegment(endingAt base: Int64, now: Int64) throws(StorageError) -> Bool {
        try requireWritten()
        guard segments.count > 1, segments[1].baseOffset == base, let reason = try deletionReason(now: now) else {
            return false
        }
        let segment = segments[0]
        try retire(segment)
        segments.removeFirst()
        openSegments.removeAll { $0 === segment }
        if base > logStartOffset {
            logStartOffset = base
            epochs.truncateFromStart(base)
            if epochs.isDirty { afterwards.needsEpochs = true }
        }
        // What it knew of its place may lie in the segment that went.
        if highWatermark.segmentBaseOffset < base { highWatermark = LogOffsetMetadata(offset: highWatermark.offset) }
        afterwards.events.append(
            .deletedSegment(
                path: segment.logPath, bytes: segment.size, reason: reason, logStartOffset: logStartOffset))
        return true
    }

    /// Why the first segment is to be deleted; nil where it stays.
    private mutating func deletionReason(now: Int64) throws(StorageError) -> SegmentDeletionReason? {
        let segment = segments[0]
        let next = segments.count > 1 ? segments[1].baseOffset : nil
        if next == nil, segment.size == 0 { return nil }
        guard next ?? nextOffset <= highWatermark.offset else { return nil }
        if let next, next <= logStartOffset { return .logStart }
        guard configuration.cleanupPolicy.contains(.delete) else { return nil }
        if configuration.retentionBytes >= 0 {
            let total = segments.reduce(0) { $0 + $1.size }
            if total - segment.size >= configuration.retentionBytes { return .size }
        }
        return try isExpired(segment, now: now) ? .time : nil
    }

    /// Whether even the newest record of a segment is too old. Without timestamps the file's own counts.
    private mutating func isExpired(_ segment: LogSegment, now: Int64) throws(StorageError) -> Bool {
        guard configuration.retentionMs >= 0 else { return false }
        let newest = try newestTimestamp(segment)
        if newest > now, !segment.isKnownToBeOfTheFuture {
            segment.isKnownToBeOfTheFuture = true
            afterwards.events.append(.timestampInFuture(path: segment.logPath, timestamp: newest))
        }
        // Both are at least 0, so that nothing overflows.
        return now - newest > configuration.retentionMs
    }

    private func newestTimestamp(_ segment: LogSegment) throws(StorageError) -> Int64 {
        // A cold segment is opened for this only, and only once.
        let isOpenedForThis = segment.largest == nil && segment !== active && !segment.isOpen
        defer { if isOpenedForThis { segment.release() } }
        let largest = try segment.largestTimestamp().timestamp
        if largest >= 0 { return largest }
        return try storing { () throws(FileError) in try files.status(segment.logPath)?.modifiedMilliseconds ?? 0 }
    }

    /// Renames a segment's files. Without its log file a segment is gone; what is left of it then does no harm, and the
    /// next start removes it.
    private mutating func retire(_ segment: LogSegment) throws(StorageError) {
        let suffix = LogFileNames.deletedSuffix
        try storing { () throws(FileError) in try files.rename(segment.logPath, to: segment.logPath + suffix) }
        afterwards.removals.append(segment.logPath + suffix)
        var names = [
            segment.offsetIndex.path, segment.timeIndex.path,
            segment.namePrefix + LogFileNames.transactionIndexSuffix,
        ]
        if let place = snapshots.firstIndex(of: segment.baseOffset) {
            snapshots.remove(at: place)
            names.append(segment.namePrefix + LogFileNames.snapshotSuffix)
        }
        for name in names {
            do throws(FileError) {
                try files.rename(name, to: name + suffix)
                afterwards.removals.append(name + suffix)
            } catch {
                if error.kind == .notFound { continue }
                afterwards.events.append(.backgroundFailure(path: name, what: "rename", error: .io(error)))
            }
        }
        segment.release()
    }
}
