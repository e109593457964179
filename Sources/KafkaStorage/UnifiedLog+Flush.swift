// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import Synchronization

extension UnifiedLog {
    /// What a sync must touch, taken under the lock, used without it.
    private struct SyncWork: Sendable {
        var targets: [(segment: LogSegment, sync: LogSegment.SyncTargets)] = []
        var directory = ""
        var syncsNames = false
        var syncsParent = false
    }

    /// Makes everything below `offset` durable: batches, indexes, leader epochs, the topic id and the names of the
    /// files. Blocks; to be called where blocking is allowed. Returns the new recovery point, which is below `offset` only
    /// where the log ends before, or was truncated meanwhile.
    ///
    /// Many threads may wait for their offsets at the same time: one sync is under way at a time, it covers what was
    /// appended before it began, and so the next one serves all that came meanwhile (group commit).
    ///
    /// A sync that fails takes the log out of service: the operating system may have dropped what it could not write,
    /// and a second attempt would succeed without it. All who waited for it are told.
    @discardableResult
    public func flush(upTo offset: Int64 = .max) throws(StorageError) -> Int64 {
        let covered = try settling { (state) throws(StorageError) in
            try state.requireService()
            return state.isDurable(below: offset) ? state.recoveryPoint : nil
        }
        if let covered { return covered }
        return try flush(SyncTurn.Demand(offset: offset)).point
    }

    /// Writes and makes durable what was appended below `offset` when the log had been truncated `truncationCount` times;
    /// throws where that fails, or where it was taken back since. Blocks. Either way no batch of the caller's waits to be
    /// written afterwards.
    func flush(upTo offset: Int64, since truncationCount: Int) throws(StorageError) {
        let outcome: SyncTurn.Outcome
        do throws(StorageError) {
            outcome = try flush(SyncTurn.Demand(offset: offset))
        } catch {
            // It may have failed before it came to writing.
            _ = try? writeDeferred(since: truncationCount)
            throw error
        }
        guard outcome.truncationCount == truncationCount else { throw takenBack }
    }

    /// Writes what is deferred; throws where that fails, or had failed for somebody else since. Either way nothing is
    /// deferred afterwards.
    func writeDeferred(since truncationCount: Int) throws(StorageError) {
        try settling { (state) throws(StorageError) in
            // Out of service, the log writes nothing any more.
            defer { state.active.forgetDeferred() }
            try state.requireWritten()
            guard state.truncationCount == truncationCount else { throw takenBack }
        }
    }

    private var takenBack: StorageError {
        .kafka(.kafkaStorageError, "the write of \(topicPartition) failed, or it was truncated")
    }

    /// The flush of a log that takes nothing new any more.
    func flushClosed() throws(StorageError) { _ = try flush(SyncTurn.Demand(offset: .max, isClosing: true)) }

    private func flush(_ demand: SyncTurn.Demand) throws(StorageError) -> SyncTurn.Outcome {
        try syncTurn.share(demand) { (demand) throws(StorageError) in
            try reporting { () throws(StorageError) in try flushInTurn(demand) }
        }
    }

    private func flushInTurn(_ demand: SyncTurn.Demand) throws(StorageError) -> SyncTurn.Outcome {
        try persistSideFiles()
        let offset = demand.offset
        let (target, truncationCount, work) = try settling { (state) throws(StorageError) in
            if let failure = state.failure { throw .offline(path: state.directory, reason: failure) }
            if !state.isClosed || !demand.isClosing { try state.requireWritten() }
            // The sync before may have covered it; of the batches since then nobody asked for any.
            let isCovered = offset <= state.recoveryPoint
            // A sync of the active segment covers everything in it, and with it those who ask next.
            let reachesEnd = !isCovered && offset > state.active.baseOffset
            let target = reachesEnd ? state.nextOffset : min(offset, state.nextOffset)
            return (target, state.truncationCount, try Self.work(for: target, isCovered: isCovered, &state))
        }
        guard let work else { return SyncTurn.Outcome(point: recoveryPoint, truncationCount: truncationCount) }
        let began = options.observer == nil ? 0 : runtime.clock.monotonicNanoseconds
        do throws(FileError) {
            try Self.perform(work, runtime.files)
        } catch {
            let failure = StorageError.io(error)
            try settling { (state) throws(StorageError) in
                guard state.truncationCount == truncationCount else { return }
                state.goOffline(failure)
            }
            throw failure
        }
        if let observer = options.observer {
            observer.logEvent(
                .flushed(path: work.directory, nanoseconds: runtime.clock.monotonicNanoseconds - began))
        }
        let point = state.withLock { state in
            guard state.truncationCount == truncationCount else { return state.recoveryPoint }
            for (segment, sync) in work.targets {
                segment.syncedSize = max(segment.syncedSize, sync.size)
                if !sync.indexPaths.isEmpty { segment.indexesAreSynced = true }
            }
            state.recoveryPoint = max(state.recoveryPoint, target)
            return state.recoveryPoint
        }
        return SyncTurn.Outcome(point: point, truncationCount: truncationCount)
    }

    /// nil where everything below `target` is on disk. The indexes of the active segment are left out: it is always
    /// checked after a crash, and they are built again then.
    ///
    /// - Parameter isCovered: the batches are on disk, only indexes and names may not be.
    private static func work(
        for target: Int64, isCovered: Bool, _ state: inout LogState
    ) throws(StorageError) -> SyncWork? {
        var work = SyncWork()
        work.directory = state.directory
        let active = state.active
        for segment in state.segments where segment.baseOffset < target {
            let needsIndexes = segment !== active && !segment.indexesAreSynced
            guard needsIndexes || (!isCovered && segment.syncedSize < segment.size) else { continue }
            let sync = try storing { () throws(FileError) in try segment.syncTargets(includingIndexes: needsIndexes) }
            work.targets.append((segment, sync))
        }
        guard target > state.recoveryPoint || !work.targets.isEmpty || state.hasNewNames else { return nil }
        work.syncsNames = state.hasNewNames
        work.syncsParent = state.hasNewDirectory
        state.hasNewNames = false
        state.hasNewDirectory = false
        return work
    }

    private static func perform(_ work: SyncWork, _ files: any FileSystem) throws(FileError) {
        for target in work.targets {
            try target.sync.file.sync()
            for path in target.sync.indexPaths {
                do throws(FileError) { try LogSegment.sync(path, files) } catch {
                    // Deleted meanwhile, or never made.
                    if error.kind != .notFound { throw error }
                }
            }
        }
        if work.syncsNames { try files.syncDirectory(work.directory) }
        if work.syncsParent { try files.syncDirectory(parentDirectory(of: work.directory)) }
    }

    /// Writes `leader-epoch-checkpoint` and syncs `partition.metadata`, where they changed. The names are made durable
    /// by the flush that follows. Blocks.
    func persistSideFiles() throws(StorageError) {
        // What is written last is what was true last, because it is asked for only when it is one's turn to write.
        try sideFiles.withLock { (_) throws(StorageError) in
            let (epochs, syncsTopicID, directory) = try state.withLock { (state) throws(StorageError) in
                if state.owesTopicID { try state.settleTopicID() }
                defer {
                    state.epochs.isDirty = false
                    state.topicIDIsDirty = false
                }
                return (state.epochs.isDirty ? state.epochs.entries : nil, state.topicIDIsDirty, state.directory)
            }
            if epochs == nil, !syncsTopicID { return }
            do throws(FileError) {
                if let epochs {
                    try runtime.files.replaceFileLeavingName(
                        "\(directory)/\(LogFileNames.leaderEpochs)", with: LeaderEpochCheckpoint.encode(epochs))
                }
                if syncsTopicID {
                    try LogSegment.sync("\(directory)/\(LogFileNames.partitionMetadata)", runtime.files)
                }
                state.withLock { $0.hasNewNames = true }
            } catch {
                state.withLock { state in
                    if epochs != nil { state.epochs.isDirty = true }
                    if syncsTopicID { state.topicIDIsDirty = true }
                }
                throw .io(error)
            }
        }
    }
}

extension LogState {
    /// Whether a flush up to `offset` would find nothing to do.
    fileprivate func isDurable(below offset: Int64) -> Bool {
        guard offset <= recoveryPoint, !hasNewNames, !hasNewDirectory, !epochs.isDirty, !topicIDIsDirty else {
            return false
        }
        let active = active
        return segments.allSatisfy { $0 === active || $0.baseOffset >= offset || $0.indexesAreSynced }
    }
}
