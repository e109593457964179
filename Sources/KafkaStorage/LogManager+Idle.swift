// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

extension LogManager {
    /// Closes the files of logs that nobody used since the last call, as many as there are open above `openLogsMax`: ten
    /// thousand partitions need descriptors and memory only for those in use. Cuts files that nobody wrote to since then to
    /// what they hold. Blocks.
    func releaseIdleLogs() {
        let open = logs.filter(\.hasOpenFiles)
        var excess = open.count - configuration.openLogsMax
        for log in open {
            let isIdle = log.wasIdle()
            var what = ""
            do throws(StorageError) {
                what = "cut"
                try log.trimPaddingIfQuiet()
                what = "sync"
                guard isIdle, excess > 0 else { continue }
                // A write that the system fails to bring to the disk is told to whoever has the file open.
                if log.hasUnsynced { try log.flush() }
            } catch {
                if log.failure == nil { continue }
                observer?.logEvent(.backgroundFailure(path: log.directory, what: what, error: error))
                continue
            }
            if log.releaseFiles() { excess -= 1 }
        }
    }
}

extension UnifiedLog {
    var hasOpenFiles: Bool { state.withLock { $0.active.isOpen || !$0.openSegments.isEmpty } }

    var hasUnsynced: Bool { state.withLock { $0.active.syncedSize < $0.active.size } }

    /// Whether nobody used the log since this was asked last.
    func wasIdle() -> Bool {
        state.withLock { state in
            defer { state.isInUse = false }
            return !state.isInUse
        }
    }

    /// Cuts the zeros behind the last batch off, where nothing was appended since this was called last.
    func trimPaddingIfQuiet() throws(StorageError) {
        try settling { (state) throws(StorageError) in
            let isQuiet = state.endAtIdleCheck == state.nextOffset
            state.endAtIdleCheck = state.nextOffset
            guard isQuiet, !state.isClosed, state.failure == nil else { return }
            let segment = state.active
            try storing { () throws(FileError) in try segment.trimPadding() }
        }
    }

    /// Closes all files and gives back what is remembered of the tail, unless somebody uses the log again. Everything
    /// comes back when it is needed.
    func releaseFiles() -> Bool {
        state.withLock { state in
            guard !state.isInUse, !state.isClosed, state.failure == nil, state.active.deferred.isEmpty else {
                return false
            }
            for segment in state.openSegments { segment.release() }
            state.openSegments = []
            state.active.release()
            state.recent = RecentBatches()
            return true
        }
    }
}
