// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
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
            throw error
        }
    }

    /// Tells the observer, has files removed, and hands what blocks to a background thread.
    func settle() {
        let (afterwards, delay) = state.withLock { state in
            defer { state.afterwards = LogState.Afterwards() }
            return (state.afterwards, state.configuration.fileDeleteDelayMs)
        }
        if let observer = options.observer { for event in afterwards.events { observer.logEvent(event) } }
        if !afterwards.removals.isEmpty { remover.remove(afterwards.removals, after: delay) }
        guard afterwards.needsEpochs || !afterwards.snapshots.isEmpty else { return }
        runtime.queues.runBlocking { self.finishInBackground(afterwards.snapshots) }
    }

    /// Writes the snapshots of segments that were rolled, syncs what lies below them, and writes the leader epochs.
    private func finishInBackground(_ snapshots: [(offset: Int64, content: [UInt8])]) {
        do throws(StorageError) {
            for snapshot in snapshots { try write(snapshot: snapshot.content, at: snapshot.offset) }
            if let last = snapshots.last { try flush(upTo: last.offset) } else { try persistSideFiles() }
        } catch {
            guard case .closed = error else {
                let event = LogEvent.backgroundFailure(path: directory, what: "sync", error: error)
                options.observer?.logEvent(event)
                return
            }
        }
    }

    /// Writes a snapshot, unless it was taken back or the log closed meanwhile.
    private func write(snapshot content: [UInt8], at offset: Int64) throws(StorageError) {
        let path = state.withLock { state -> String? in
            state.isClosed || !state.snapshots.contains(offset) ? nil : state.snapshotPath(offset)
        }
        guard let path else { return }
        try storing { () throws(FileError) in
            let file = try runtime.files.open(path, .readWriteCreate)
            defer { file.close() }
            try file.truncate(to: 0)
            try file.write(content, at: 0)
            try file.sync()
        }
    }
}
