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
            try settling({ (state) throws(StorageError) in try state.deleteFirstSegment(now: now) })
        {
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
}
