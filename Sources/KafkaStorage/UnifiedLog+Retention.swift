// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import Synchronization

extension UnifiedLog {
    /// Deletes segments, the oldest first, that are older than `retention.ms` allows, that the log can do without and
    /// still hold `retention.bytes`, or that lie wholly below the log's start; the first that must stay ends it. Time
    /// and size count only where `cleanup.policy` contains `delete`. Nothing at or above the high watermark goes.
    ///
    /// A segment is as old as its newest record, or as its file where records have no timestamps. The one that is
    /// written is closed first when its turn comes. The log's start moves at once, the files stay for
    /// `file.delete.delay.ms`; a read under way is not disturbed. Blocks, unless there is nothing to delete: then no
    /// file is touched, but for the time index of a segment whose newest timestamp was not asked for before.
    ///
    /// - Parameter now: milliseconds since 1970.
    /// - Returns: how many segments went.
    @discardableResult
    public func deleteOldSegments(now: Int64) throws(StorageError) -> Int {
        // What is appended meanwhile waits for the next look.
        let most = segmentCount
        var deleted = 0
        while deleted < most,
            let end = try settling({ (state) throws(StorageError) in try state.prepareDeletion(now: now) })
        {
            try reporting { () throws(StorageError) in try prepareRemoval(below: end, mustSync: deleted == 0) }
            guard
                try settling({ (state) throws(StorageError) in
                    try state.deleteFirstSegment(endingAt: end, now: now)
                })
            else { break }
            deleted += 1
            // One by one: a file system that does not keep the order of renames could bring an older segment back
            // without the one behind it, and the gap would cost all that follows.
            try reporting { () throws(StorageError) in
                try storing { () throws(FileError) in
                    try runtime.files.syncDirectory(state.withLock { $0.directory })
                }
            }
        }
        guard deleted > 0 else { return 0 }
        let (base, truncationCount) = state.withLock { ($0.segments[0].baseOffset, $0.truncationCount) }
        // Only what cannot come back after a crash needs no recovery.
        state.withLock { state in
            guard state.truncationCount == truncationCount, !state.hasNewDirectory else { return }
            state.recoveryPoint = max(state.recoveryPoint, min(base, state.nextOffset))
        }
        return deleted
    }
    /// Sees to it that the log goes on behind `base` without the batches below, whatever stops: what producers wrote there is
    /// in a snapshot, and the names of that and of the segment that follows are durable before a file is removed. A file
    /// system need not keep the order of the two.
    ///
    /// - Parameter mustSync: whether names may not be durable yet.
    private func prepareRemoval(below base: Int64, mustSync: Bool) throws(StorageError) {
        let wroteOne = try keepProducers(below: base)
        guard mustSync || wroteOne else { return }
        try storing { () throws(FileError) in try runtime.files.syncDirectory(directory) }
    }

    /// Sees to it that what producers wrote below `base` is known without the batches: a process that dies before the
    /// snapshot of a roll is written must not leave the next one without either. Returns whether a snapshot was written.
    private func keepProducers(below base: Int64) throws(StorageError) -> Bool {
        if state.withLock({ $0.producers.isEmpty }) { return false }
        var wroteOne = try writeSnapshots()
        if try !hasSnapshot(covering: base) {
            // It is gone or damaged. One of the log as it is now does as well, once nothing behind it can be missing.
            let end = try settling { (state) throws(StorageError) in
                try state.requireWritten()
                state.noteSnapshot(at: state.nextOffset)
                return state.nextOffset
            }
            try flush(upTo: end)
            try writeSnapshots()
            wroteOne = true
        }
        return wroteOne
    }

    private func hasSnapshot(covering base: Int64) throws(StorageError) -> Bool {
        let paths = state.withLock { state in state.snapshots(covering: base).map { state.snapshotPath($0) } }
        for path in paths where try ProducerSnapshot.isWhole(path, runtime.files) { return true }
        return false
    }
}
