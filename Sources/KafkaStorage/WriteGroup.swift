// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Synchronization

/// Several appends whose bytes go to the files together.
///
/// A client that pipelines sends several small batches for a partition at once. Written one by one, each costs a system
/// call and a walk through the page cache; together they cost about half. Whoever handles the requests passes the same
/// group to each `appendAsLeader`, then calls `commit`, and only then lets the answers go. Until then a batch has its
/// offset but may still be taken back. Whatever looks into a log writes its deferred batches first, so that no reader
/// sees a difference.
///
/// Confined to the thread or queue that handles the requests; make one per reactor or connection.
public final class WriteGroup {
    private struct Entry {
        let log: UnifiedLog
        /// The log's count when the first batch was deferred: a truncation since took batches back.
        let truncationCount: Int
    }

    private var entries: [Entry] = []

    public init() {}

    deinit { precondition(entries.isEmpty, "a write group is committed before it goes") }

    /// Whether there is nothing to commit.
    public var isEmpty: Bool { entries.isEmpty }

    func note(_ log: UnifiedLog, truncationCount: Int) {
        // Pipelined requests mostly go to few logs, the last one again.
        if entries.last?.log === log || entries.contains(where: { $0.log === log }) { return }
        entries.append(Entry(log: log, truncationCount: truncationCount))
    }

    /// Writes everything that was deferred through this group. Returns the logs whose batches were taken back, with
    /// the reason: none of the answers about them may be sent.
    public func commit() -> [(log: UnifiedLog, error: StorageError)] {
        if entries.isEmpty { return [] }
        defer { entries.removeAll(keepingCapacity: true) }
        var failures: [(log: UnifiedLog, error: StorageError)] = []
        for entry in entries {
            do throws(StorageError) {
                try entry.log.writeDeferred(since: entry.truncationCount)
            } catch {
                failures.append((entry.log, error))
            }
        }
        return failures
    }
}

extension UnifiedLog {
    /// Writes what is deferred; throws where that fails, or had failed for somebody else since.
    fileprivate func writeDeferred(since truncationCount: Int) throws(StorageError) {
        try settling { (state) throws(StorageError) in
            try state.requireWritten()
            guard state.truncationCount == truncationCount else {
                throw .kafka(.kafkaStorageError, "the write of \(state.directory) failed, or it was truncated")
            }
        }
    }
}
