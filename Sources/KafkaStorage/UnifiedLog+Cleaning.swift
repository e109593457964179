// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import Synchronization

/// What the cleaner asks of a log.
extension UnifiedLog {
    /// The log is clean below this; nil where it was never cleaned. Goes back when the log is truncated.
    public var cleanedUpTo: Int64? { state.withLock { $0.cleanedUpTo } }

    /// Why cleaning the log has failed, so that it is left alone until the next start; nil where it has not.
    public var uncleanableReason: String? { state.withLock { $0.uncleanableReason } }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    func setCleaned(upTo offset: Int64) { state.withLock { $0.cleanedUpTo = min(offset, $0.nextOffset) } }

    func setUncleanable(_ reason: String) { state.withLock { $0.uncleanableReason = $0.uncleanableReason ?? reason } }

    /// - Parameter now: milliseconds since 1970.
    func cleanableRange(now: Int64) throws(StorageError) -> CleanableRange {
        try state.withLock { (state) throws(StorageError) in
            try state.requireService()
            return try state.cleanableRange(now: now)
        }
    }

    func cleaningPlan(now: Int64) throws(StorageError) -> CleaningPlan {
        try state.withLock { (state) throws(StorageError) in
            try state.requireService()
            return try state.cleaningPlan(now: now)
        }
    }

    /// Whether all of `segments` still are the log's, as they were, and where they were.
    func holds(_ segments: [SegmentToClean], in directory: String) -> Bool {
        state.withLock { state in
            !state.isClosed && state.directory == directory
                && segments.allSatisfy { wanted in
                    state.segmentIndex(for: wanted.baseOffset).map { state.segments[$0] } === wanted.segment
                        && wanted.segment.size == wanted.size
                }
        }
    }

    /// Puts cleaned segments, whose files are durable under names that end in `.cleaned`, into the place of those they
    /// were made of. Blocks for three syncs of the directory, without the log's lock.
    ///
    /// The order lets a crash at any moment leave the old segments or the new ones, never both or neither:
    ///
    /// 1. `.cleaned` becomes `.swap`, the highest base offset first. While there is any `.cleaned` file, the next start
    ///    removes it and every `.swap` at or above it.
    /// 2. Other `.cleaned` files, of a cleaning that failed, are removed and the directory is synced: from here on the next
    ///    start finishes the swap.
    /// 3. The old files become `.deleted`, the lowest offset first, so that of two records with one key it is never the
    ///    later that goes alone, and the directory is synced. An old file that came back when the new ones have their
    ///    names would stand in the middle of what replaces it, and a start would take the batches there for damage.
    /// 4. `.swap` goes from the new names, the lowest base offset first and its log file before the others, and the
    ///    directory is synced for each: what stands between two that are called `.swap` is taken for old.
    /// 5. The old files are removed after `file.delete.delay.ms`; reads that are under way hold them open.
    ///
    /// Throws `closed` where the log has been truncated, deleted or closed since the old segments were read: it is left
    /// as it was, and the new files are gone. A failure from the third step on takes the log out of service, and the
    /// next start finishes what was begun.
    func replaceSegments(_ old: [LogSegment], with new: [LogSegment]) throws(StorageError) {
        try settling { (state) throws(StorageError) in try state.prepareSwap(old, new) }
        let directory = directory
        do throws(FileError) {
            try removeLeftovers(directory)
            try runtime.files.syncDirectory(directory)
        } catch {
            state.withLock { $0.abandonSwap() }
            settle()
            report(.io(error))
            throw .io(error)
        }
        let (removals, delay) = try settling { (state) throws(StorageError) in
            (try state.performSwap(old), state.configuration.fileDeleteDelayMs)
        }
        try syncSwap(directory)
        for segment in new {
            try settling { (state) throws(StorageError) in try state.endSwap(segment) }
            try syncSwap(directory)
        }
        remover.remove(removals, after: delay)
    }

    private func syncSwap(_ directory: String) throws(StorageError) {
        do throws(FileError) {
            try runtime.files.syncDirectory(directory)
        } catch {
            try settling { (state) throws(StorageError) in state.goOffline(.io(error)) }
            report(.io(error))
            throw .io(error)
        }
    }

    /// Removes what earlier cleanings could not remove when they failed: one `.cleaned` file would make the swap void at
    /// the next start, when the old segments may be gone.
    private func removeLeftovers(_ directory: String) throws(FileError) {
        for name in try runtime.files.list(directory) where name.hasSuffix(LogFileNames.cleanedSuffix) {
            try runtime.files.remove("\(directory)/\(name)")
        }
    }
}
