// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// What of a log can be cleaned, and whether it is worth it.
struct CleanableRange: Equatable, Sendable {
    /// Below, the log was cleaned before.
    var firstDirtyOffset: Int64
    /// The end of what can be cleaned: the base of the first segment that must be left alone.
    var firstUncleanableOffset: Int64
    var cleanBytes: Int64
    var cleanableBytes: Int64
    /// Whether the oldest record that was not cleaned has waited for longer than `max.compaction.lag.ms`.
    var isOverdue: Bool

    /// The part of the log that is dirty, of what can be cleaned.
    var dirtyRatio: Double {
        let total = cleanBytes + cleanableBytes
        return total == 0 ? 0 : Double(cleanableBytes) / Double(total)
    }

    /// Whether a cleaning is due (`min.cleanable.dirty.ratio`).
    func isDue(minRatio: Double) -> Bool {
        cleanableBytes > 0 && (isOverdue || dirtyRatio > minRatio)
    }
}

/// What a cleaning works on.
struct CleaningPlan: Sendable {
    var directory: String
    var configuration: LogConfiguration
    var settings: LogSettings
    var parameters: LogSegment.Parameters
    var range: CleanableRange
    /// From the log's first to the last that can be cleaned.
    var segments: [SegmentToClean]
    var lastRecords: [Int64: BatchFilter.LastRecord]
}

extension LogState {
    /// Where the cleaner begins: where it ended last time, unless the log does not go so far any more.
    var firstDirtyOffset: Int64 {
        guard let cleanedUpTo, cleanedUpTo >= logStartOffset, cleanedUpTo <= nextOffset else { return logStartOffset }
        return cleanedUpTo
    }

    func cleanableRange(now: Int64) throws(StorageError) -> CleanableRange {
        let firstDirty = firstDirtyOffset
        let firstUncleanable = try firstUncleanableOffset(now: now)
        var range = CleanableRange(
            firstDirtyOffset: firstDirty, firstUncleanableOffset: firstUncleanable, cleanBytes: 0, cleanableBytes: 0,
            isOverdue: false)
        // A segment is dirty as a whole when anything in it is.
        let dirtyBase = segmentIndex(for: firstDirty).map { segments[$0].baseOffset } ?? firstDirty
        for segment in segments.dropLast() where segment.baseOffset < firstUncleanable {
            if segment.baseOffset < dirtyBase {
                range.cleanBytes += segment.size
            } else {
                range.cleanableBytes += segment.size
            }
        }
        if firstDirty >= firstUncleanable { range.cleanableBytes = 0 }
        range.isOverdue = try isOverdue(firstDirty, now: now)
        return range
    }

    /// The base of the segment that holds the first offset that must not be cleaned yet: one that may still be taken
    /// back or whose transaction is not decided, one that is too young, or the first of the segment that is written.
    private func firstUncleanableOffset(now: Int64) throws(StorageError) -> Int64 {
        var offset = min(lastStableOffset, active.baseOffset)
        let lag = configuration.minCompactionLagMs
        if lag > 0 {
            let (youngest, _) = now.subtractingReportingOverflow(lag)
            for segment in segments.dropLast() where segment.baseOffset < offset {
                guard segment.size > 0 else { continue }
                let largest = try segment.largestTimestamp().timestamp
                guard largest > youngest else { continue }
                offset = segment.baseOffset
                break
            }
        }
        return segmentIndex(for: offset).map { segments[$0].baseOffset } ?? offset
    }

    private func isOverdue(_ firstDirty: Int64, now: Int64) throws(StorageError) -> Bool {
        let lag = configuration.maxCompactionLagMs
        guard lag < Int64.max, let first = segmentIndex(for: firstDirty) else { return false }
        for segment in segments[first...].dropLast() {
            let timestamp = try segment.firstBatchTimestamp()
            if timestamp > 0, timestamp < now - max(lag, 0) { return true }
        }
        return false
    }

    func cleaningPlan(now: Int64) throws(StorageError) -> CleaningPlan {
        let range = try cleanableRange(now: now)
        var chosen: [SegmentToClean] = []
        for (index, segment) in segments.dropLast().enumerated()
        where segment.baseOffset < range.firstUncleanableOffset {
            chosen.append(
                SegmentToClean(
                    segment: segment, path: segment.logPath, baseOffset: segment.baseOffset, size: segment.size,
                    endOffset: segments[index + 1].baseOffset))
        }
        var lastRecords: [Int64: BatchFilter.LastRecord] = [:]
        for producer in producers.sortedStates {
            lastRecords[producer.producerID] = BatchFilter.LastRecord(
                lastDataOffset: producer.lastOffset, epoch: producer.epoch)
        }
        return CleaningPlan(
            directory: directory, configuration: configuration, settings: settings,
            parameters: segmentParameters(now: now), range: range, segments: chosen, lastRecords: lastRecords)
    }
}
