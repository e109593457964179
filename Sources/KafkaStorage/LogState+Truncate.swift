// SPDX-License-Identifier: Apache-2.0
import KafkaRecords
import KafkaRuntime

extension LogState {
    /// Cuts the log back so that it ends at `offset`, or at the start of the batch that holds it. Returns whether
    /// anything was cut. A failure half way takes the log out of service, for its parts may disagree.
    mutating func truncate(to offset: Int64, now: Int64) throws(StorageError) -> Bool {
        try requireWritten()
        precondition(offset >= 0, "a log is truncated to an offset of at least 0")
        guard offset < nextOffset else { return false }
        abandonSwap()
        guard offset >= segments[0].baseOffset else {
            try truncateFully(startingAt: offset, now: now)
            return true
        }
        do throws(StorageError) {
            while active.baseOffset > offset {
                try discard(active)
                segments.removeLast()
            }
            let end = try active.truncate(to: offset)
            active.becomeActive(indexBytes: Int(configuration.segmentIndexBytes))
            let active = active
            openSegments.removeAll { $0 === active }
            try takeBack(to: end, now: now)
        } catch {
            goOffline(error)
            throw error
        }
        return true
    }

    /// Drops everything and goes on, empty, at `offset`.
    mutating func truncateFully(startingAt offset: Int64, now: Int64) throws(StorageError) {
        try requireWritten()
        abandonSwap()
        do throws(StorageError) {
            let parameters = segmentParameters(now: now)
            let old = segments
            // The old files get out of the way first: one of them may have the new one's name.
            for segment in old { try discard(segment) }
            for snapshot in snapshots { try removeSnapshot(snapshot) }
            snapshots = []
            segments = [
                try storing { () throws(FileError) in
                    try LogSegment.create(baseOffset: offset, directory: directory, parameters, files)
                }
            ]
            hasNewNames = true
            logStartOffset = offset
            nextOffset = offset
            lowerRecoveryPoint(to: offset)
            cleanedUpTo = nil
            truncationCount += 1
            recent.removeAll()
            epochs.removeAll()
            if epochs.isDirty { afterwards.needsEpochs = true }
            producers.reset(to: offset)
            highWatermark = endMetadata
        } catch {
            goOffline(error)
            throw error
        }
    }

    /// What follows from the log ending at `end` now.
    mutating func takeBack(to end: Int64, now: Int64) throws(StorageError) {
        truncationCount += 1
        nextOffset = end
        recent.removeAll()
        lowerRecoveryPoint(to: end)
        if let cleaned = cleanedUpTo { cleanedUpTo = min(cleaned, end) }
        logStartOffset = min(logStartOffset, end)
        epochs.truncateFromEnd(end)
        if epochs.isDirty { afterwards.needsEpochs = true }
        for snapshot in snapshots where snapshot > end { try removeSnapshot(snapshot) }
        snapshots.removeAll { $0 > end }
        try rebuildProducers(to: end, now: now, includesDeleted: true)
        let oldHighWatermark = highWatermark.offset
        highWatermark = LogOffsetMetadata(offset: -1)
        _ = setHighWatermark(min(oldHighWatermark, end))
    }
}

/// Shows `body` an array's bytes and lets its typed error through.
func withBytes<R, E: Error>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    try bytes.withUnsafeBytes { (buffer) -> Result<R, E> in
        do throws(E) { return .success(try body(buffer)) } catch { return .failure(error) }
    }.get()
}
