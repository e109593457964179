// SPDX-License-Identifier: Apache-2.0
public import KafkaRuntime
import Synchronization

/// What a log does once it has let go of its lock.
extension UnifiedLog {
    /// Runs `body` under the lock, then what it left to be done, whether it failed or not.
    @inline(__always)
    func settling<R: Sendable>(
        _ body: (inout LogState) throws(StorageError) -> R
    ) throws(StorageError) -> R {
        var hasMore = false
        do throws(StorageError) {
            let result = try state.withLock { (state) throws(StorageError) in
                defer { hasMore = !state.afterwards.isEmpty }
                return try body(&state)
            }
            if hasMore { settle() }
            return result
        } catch {
            if hasMore { settle() }
            report(error)
            throw error
        }
    }

    /// Runs `body`, which takes the lock itself where it needs it, and reports what made it fail.
    @inline(__always)
    func reporting<R>(_ body: () throws(StorageError) -> R) throws(StorageError) -> R {
        do throws(StorageError) { return try body() } catch {
            report(error)
            throw error
        }
    }

    /// What `read` had found could not be read from its file.
    public func readFailed(_ error: FileError) { report(.io(error)) }

    /// Tells whoever keeps the directory where `error` means that the directory has failed. A log that is closed or
    /// deleted has no files that could be missed.
    func report(_ error: StorageError) {
        guard case .io(let failure) = error, failure.meansFailedDirectory, let tell = options.directoryFailed else {
            return
        }
        let directory = state.withLock { $0.isClosed ? nil : $0.directory }
        if let directory { tell(parentDirectory(of: directory), error) }
    }

    /// Tells the observer, has files removed, and hands what blocks to a background thread.
    func settle() {
        let (afterwards, delay) = state.withLock { state in
            defer { state.afterwards = LogState.Afterwards() }
            return (state.afterwards, state.configuration.fileDeleteDelayMs)
        }
        if let observer = options.observer { for event in afterwards.events { observer.logEvent(event) } }
        if !afterwards.removals.isEmpty { remover.remove(afterwards.removals, after: delay) }
        if afterwards.loweredRecoveryPoint { options.recoveryPointLowered?() }
        guard afterwards.needsEpochs || afterwards.rolledTo != nil else { return }
        runtime.queues.runBlocking { self.finishInBackground(afterwards.rolledTo ?? 0) }
    }

    /// Writes the snapshots of segments that were rolled, syncs what lies below `end`, and writes the leader epochs.
    private func finishInBackground(_ end: Int64) {
        do throws(StorageError) {
            try writeSnapshots()
            try flush(upTo: end)
        } catch {
            // A log that was closed or deleted meanwhile has no such files any more.
            if state.withLock({ $0.isClosed }) { return }
            report(error)
            options.observer?.logEvent(.backgroundFailure(path: directory, what: "sync", error: error))
        }
    }

    /// Writes the snapshots that are not written yet, unless they were taken back or the log closed meanwhile. One that
    /// cannot be written waits for the next call. Blocks. Returns whether there was one.
    @discardableResult
    func writeSnapshots() throws(StorageError) -> Bool {
        var wroteOne = false
        // One at a time, so that of two for the same offset the later stays.
        try sideFiles.withLock { (_) throws(StorageError) in
            while let snapshot = state.withLock({ $0.unwrittenSnapshots.first }) {
                try write(snapshot)
                wroteOne = true
                state.withLock { state in
                    // A sync that was under way may have taken care of names before this one was there.
                    state.hasNewNames = true
                    if state.unwrittenSnapshots.first?.offset == snapshot.offset {
                        state.unwrittenSnapshots.removeFirst()
                    }
                }
            }
        }
        return wroteOne
    }

    private func write(_ snapshot: LogState.PendingSnapshot) throws(StorageError) {
        while let path = pathOfWanted(snapshot) {
            do throws(FileError) {
                try runtime.files.replaceFileLeavingName(path, with: snapshot.content)
            } catch {
                if pathOfWanted(snapshot) == path { throw .io(error) }
            }
            if pathOfWanted(snapshot) == path { return }
            // A truncation came between, or the log went over to another directory, where the snapshot is missing.
            try? runtime.files.remove(path)
        }
    }

    /// Where a snapshot belongs; nil where it is of no use any more.
    private func pathOfWanted(_ snapshot: LogState.PendingSnapshot) -> String? {
        state.withLock { state in
            guard !state.isClosed, state.truncationCount == snapshot.truncationCount else { return nil }
            return state.snapshots.contains(snapshot.offset) ? state.snapshotPath(snapshot.offset) : nil
        }
    }
}
