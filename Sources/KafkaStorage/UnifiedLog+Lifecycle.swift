// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRuntime
import Synchronization

extension UnifiedLog {
    private var now: Int64 { runtime.clock.wallMilliseconds }

    // MARK: Truncating

    /// Cuts the log back so that it ends at `offset`, or at the start of the batch that holds it. Does nothing, and
    /// returns false, where it ends there or before.
    @discardableResult
    public func truncate(to offset: Int64) throws(StorageError) -> Bool {
        let now = now
        let changed = try settling { (state) throws(StorageError) in try state.truncate(to: offset, now: now) }
        if changed { try syncNames() }
        return changed
    }

    /// Drops everything and goes on, empty, at `offset`.
    public func truncateFullyAndStart(at offset: Int64) throws(StorageError) {
        let now = now
        try settling { (state) throws(StorageError) in try state.truncateFully(startingAt: offset, now: now) }
        try syncNames()
    }

    /// A file system that does not keep the order of changes could bring a segment back that was cut off, behind batches
    /// that have taken its place. A failure takes the log out of service, as that of any sync.
    private func syncNames() throws(StorageError) {
        do throws(FileError) { try runtime.files.syncDirectory(directory) } catch {
            let failure = StorageError.io(error)
            try settling { (state) throws(StorageError) in
                state.goOffline(failure)
                throw failure
            }
        }
    }

    // MARK: Rolling

    /// Begins a new segment at the log's end, unless the active one is empty.
    public func roll() throws(StorageError) {
        let now = now
        try settling { (state) throws(StorageError) in
            try state.requireService()
            try state.roll(now: now)
        }
    }

    // MARK: Closing

    /// Makes everything durable, writes the producers' snapshot, cuts files to their contents and closes them: what a
    /// clean shutdown demands. The log answers `StorageError.closed` afterwards; closing again does nothing.
    public func close() throws(StorageError) {
        let isOpen = try state.withLock { (state) throws(StorageError) in
            defer { state.isClosed = true }
            if state.isClosed || state.failure != nil { return false }
            try state.requireWritten()
            return true
        }
        settle()
        guard isOpen else { return }
        // Of a log that never held anything there is nothing to be lost.
        let isUnused = state.withLock { $0.nextOffset == 0 && $0.segments.allSatisfy { $0.size == 0 } }
        if !isUnused { try flushClosed() } else { state.withLock { try? $0.settleTopicID() } }
        // Whoever was writing the snapshot of a roll has finished, and nobody begins any more.
        try sideFiles.withLock { (_) throws(StorageError) in
            try state.withLock { (state) throws(StorageError) in try Self.writeLastSnapshot(&state) }
        }
        try state.withLock { (state) throws(StorageError) in
            for segment in state.segments { try segment.finish() }
            for segment in state.segments { segment.release() }
            try storing { () throws(FileError) in
                if state.hasNewNames, !isUnused { try state.files.syncDirectory(state.directory) }
            }
            state.hasNewNames = false
        }
    }

    private static func writeLastSnapshot(_ state: inout LogState) throws(StorageError) {
        let end = state.nextOffset
        let path = state.snapshotPath(end)
        if let newest = state.snapshots.last {
            // That of a roll at the end may not have been written yet.
            if newest == end, try ProducerSnapshot.isWhole(path, state.files) { return }
        } else if end == state.logStartOffset, state.producers.isEmpty {
            return
        }
        let content = ProducerSnapshot.encode(state.producers.sortedStates)
        try storing { () throws(FileError) in try state.files.replaceFileLeavingName(path, with: content) }
        if state.snapshots.last != end { state.snapshots.append(end) }
        state.hasNewNames = true
    }

    /// Where the log starts, if that is not where its first segment does: what a checkpoint must keep.
    var checkpointedLogStartOffset: Int64? {
        state.withLock { state in
            state.logStartOffset > state.segments[0].baseOffset ? state.logStartOffset : nil
        }
    }

    /// Takes the log out of service, because its directory is, and lets go of its files.
    func markOffline(_ reason: String) {
        state.withLock { state in
            if state.failure == nil { state.failure = reason }
            for segment in state.segments { segment.release() }
            state.openSegments = []
        }
    }

    // MARK: Deleting

    /// Gives the directory the name of a deleted one, from where it is removed after `file.delete.delay.ms`, and
    /// closes the log. Whoever reads a range of it may finish.
    func delete(unique: KafkaUUID) throws(StorageError) {
        let path = try settling { (state) throws(StorageError) in
            let parent = parentDirectory(of: state.directory)
            let name = LogFileNames.marked(topicPartition, unique: unique, suffix: LogFileNames.deleteSuffix)
            let target = "\(parent)/\(name)"
            try storing { () throws(FileError) in try state.files.rename(state.directory, to: target) }
            state.directory = target
            for segment in state.segments {
                segment.release()
                segment.moved(to: target)
            }
            state.isClosed = true
            return target
        }
        remover.remove([path], after: configuration.fileDeleteDelayMs)
    }
}
