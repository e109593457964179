// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Synchronization

/// Copying a log into another directory and going on there (KIP-113).
extension UnifiedLog {
    /// The most bytes that are copied while nobody can append.
    private static let tailBytesMax = 64 << 10
    /// How often the end is run after before the copy waits for another turn.
    private static let roundsMax = 16

    /// Copies up to `maxBytes` from here to the end of `future`, which holds what this log held before, and cuts it
    /// back first where this log was. Returns how many bytes; 0 where nothing is missing. Blocks.
    func copy(to future: UnifiedLog, maxBytes: Int) throws(StorageError) -> Int {
        try align(future)
        let end = logEndOffset
        let from = future.logEndOffset
        guard from < end else { return 0 }
        let most = min(maxBytes, Int(configuration.segmentBytes))
        let range = try read(from: from, maxBytes: most, isolation: .logEnd, atLeastOne: true)
        guard let file = range.file, range.count > 0 else {
            // Compaction took what stood last.
            try future.advanceEnd(to: end)
            return 0
        }
        let bytes: [UInt8]
        do throws(FileError) { bytes = try file.readBytes(at: range.position, count: range.count) } catch {
            readFailed(error)
            throw .io(error)
        }
        try future.take(bytes)
        future.updateHighWatermark(highWatermark)
        let start = logStartOffset
        if start > future.logStartOffset, start <= future.highWatermark {
            try future.incrementLogStartOffset(to: start)
        }
        return bytes.count
    }

    /// Cuts `future` back to where it and this log agree.
    private func align(_ future: UnifiedLog) throws(StorageError) {
        let start = logStartOffset
        if future.logEndOffset < start { try future.truncateFullyAndStart(at: start) }
        var agreed = logEndOffset
        if let epoch = future.latestEpoch {
            let end = endOffset(forEpoch: epoch)
            if end.leaderEpoch >= 0 {
                agreed = min(agreed, end.endOffset)
                if end.leaderEpoch < epoch {
                    agreed = min(agreed, max(future.endOffset(forEpoch: end.leaderEpoch).endOffset, 0))
                }
            }
        }
        if future.logEndOffset > agreed { try future.truncate(to: max(agreed, 0)) }
    }

    /// Appends what was read from the log that this one will replace.
    private func take(_ bytes: [UInt8]) throws(StorageError) {
        let now = runtime.clock.wallMilliseconds
        try withBytes(bytes) { (bytes) throws(StorageError) in
            // The start of a log may lie inside of its first batch; the copy of that begins where the batch does.
            if let first = try? SegmentEntry(parsing: bytes, position: 0).baseOffset, first < logEndOffset,
                logStartOffset == logEndOffset
            {
                try truncateFullyAndStart(at: first)
            }
            guard try appendAsFollower(bytes, now: now).byteCount > 0 else {
                throw .kafka(.kafkaStorageError, "no whole batch of \(topicPartition) could be read")
            }
        }
    }

    /// Leaves a gap: the next record gets `offset`.
    private func advanceEnd(to offset: Int64) throws(StorageError) {
        let now = runtime.clock.wallMilliseconds
        try settling { (state) throws(StorageError) in
            try state.requireWritten()
            guard offset > state.nextOffset else { return }
            try state.roll(at: offset, now: now)
            state.nextOffset = offset
        }
    }

    // MARK: Going over

    /// What became of the attempt to go over.
    enum MoveOutcome {
        case moved(abandoned: String)
        /// Too much was appended meanwhile.
        case behind
        case futureFailed(StorageError)
    }

    /// Takes over the files of `future`, so that everybody who holds this log goes on in the other directory; false where
    /// appends come too fast just now. Blocks; appends wait only for the last few batches to be copied and for two
    /// renames.
    ///
    /// The process may die at any moment: before the first rename this log is where it was, between the two the copy is
    /// alone and a start takes it, after the second it is moved. Nothing is acknowledged as synced in between, and the
    /// copy is synced before, so that a loss of power costs no more here than anywhere, whichever of the renames it
    /// takes back.
    ///
    /// - Parameter moved: called when the files have their new names, before these are durable.
    func replaceFiles(by future: UnifiedLog, moved: () -> Void) throws(StorageError) -> Bool {
        try syncTurn.hold { () throws(StorageError) in
            // What is on disk here must be on disk there, and meanwhile nothing more is synced here.
            guard try catchUp(future) else { return false }
            try future.flush()
            guard try catchUp(future) else { return false }
            let oldParent = parentDirectory(of: directory)
            let abandoned: String
            switch try exchange(with: future) {
            case .moved(let path): abandoned = path
            case .behind: return false
            case .futureFailed(let error):
                future.report(error)
                throw error
            }
            moved()
            future.settle()
            settle()
            remover.remove([abandoned], after: configuration.fileDeleteDelayMs)
            for parent in [oldParent, parentDirectory(of: directory)] {
                do throws(FileError) { try runtime.files.syncDirectory(parent) } catch {
                    options.directoryFailed?(parent, .io(error))
                }
            }
            return true
        }
    }

    /// Copies while appends go on; false where they are faster.
    private func catchUp(_ future: UnifiedLog) throws(StorageError) -> Bool {
        for _ in 0..<Self.roundsMax where try copy(to: future, maxBytes: 1 << 20) == 0 { return true }
        return false
    }

    private func exchange(with future: UnifiedLog) throws(StorageError) -> MoveOutcome {
        let unique = runtime.random.uuid()
        let now = runtime.clock.wallMilliseconds
        return try settling { (current) throws(StorageError) in
            try current.requireWritten()
            // Of two logs' locks this is the only pair that is taken together: a log's, then its copy's.
            return try future.state.withLock { (copy) throws(StorageError) -> MoveOutcome in
                do throws(StorageError) {
                    try copy.requireWritten()
                    guard copy.recoveryPoint >= current.recoveryPoint,
                        try copy.takeTail(of: &current, bytesMax: Self.tailBytesMax, now: now)
                    else { return .behind }
                } catch {
                    return .futureFailed(error)
                }
                return try current.exchange(with: &copy, unique: unique)
            }
        }
    }
}

extension UnifiedLog {
    /// Gives the directory of a copy the partition's name.
    func assumeName() throws(StorageError) {
        let parent = try settling { (state) throws(StorageError) in
            let parent = parentDirectory(of: state.directory)
            let target = "\(parent)/\(topicPartition)"
            try storing { () throws(FileError) in try state.files.rename(state.directory, to: target) }
            state.place(in: target)
            return parent
        }
        try reporting { () throws(StorageError) in
            try storing { () throws(FileError) in try runtime.files.syncDirectory(parent) }
        }
    }
}

extension LogState {
    /// Copies what is missing at the end, if it is not more than `bytesMax`; false where it is. Throws what the copy
    /// failed with.
    fileprivate mutating func takeTail(
        of current: inout LogState, bytesMax: Int, now: Int64
    ) throws(StorageError) -> Bool {
        guard nextOffset < current.nextOffset else { return nextOffset == current.nextOffset }
        let range = try current.read(from: nextOffset, maxBytes: bytesMax, isolation: .logEnd, atLeastOne: true)
        guard let file = range.file else { return false }
        let bytes = try storing { () throws(FileError) in
            try file.readBytes(at: range.position, count: range.count)
        }
        _ = try withBytes(bytes) { (bytes) throws(StorageError) in try appendAsFollower(bytes, now: now) }
        return nextOffset == current.nextOffset
    }

    /// Gives the directories their new names, and the two states each other's places.
    fileprivate mutating func exchange(
        with copy: inout LogState, unique: KafkaUUID
    ) throws(StorageError) -> UnifiedLog.MoveOutcome {
        let old = directory
        let name = LogFileNames.marked(topicPartition, unique: unique, suffix: LogFileNames.deleteSuffix)
        let abandoned = "\(parentDirectory(of: old))/\(name)"
        let target = "\(parentDirectory(of: copy.directory))/\(topicPartition)"
        try storing { () throws(FileError) in try files.rename(old, to: abandoned) }
        do throws(FileError) { try files.rename(copy.directory, to: target) } catch {
            let failure = StorageError.io(error)
            do throws(FileError) { try files.rename(abandoned, to: old) } catch {
                goOffline(.io(error))
                throw .io(error)
            }
            return .futureFailed(failure)
        }
        copy.inherit(from: self)
        copy.place(in: target)
        place(in: abandoned)
        isClosed = true
        for segment in segments { segment.release() }
        swap(&self, &copy)
        return .moved(abandoned: abandoned)
    }

    fileprivate mutating func place(in newDirectory: String) {
        directory = newDirectory
        for segment in segments { segment.moved(to: newDirectory) }
    }

    /// Takes over what is not in the batches, or was decided since.
    private mutating func inherit(from current: borrowing LogState) {
        configuration = current.configuration
        rules = current.rules
        logStartOffset = current.logStartOffset
        epochs = current.epochs
        epochs.isDirty = true
        afterwards.needsEpochs = true
        producers = current.producers
        // Whoever waits for a write that was deferred here finds that nothing was taken back.
        truncationCount = current.truncationCount
        for index in unwrittenSnapshots.indices { unwrittenSnapshots[index].truncationCount = truncationCount }
        lastAppendTime = current.lastAppendTime
        cleanedUpTo = current.cleanedUpTo
        hasNewNames = true
        hasNewDirectory = true
        highWatermark = LogOffsetMetadata(offset: -1)
        _ = setHighWatermark(current.highWatermark.offset)
    }
}
