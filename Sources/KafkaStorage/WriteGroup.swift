// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Synchronization

/// Several appends whose bytes go to the files together.
///
/// A client that pipelines sends several batches for a partition at once. Written one by one, each costs a system
/// call and a walk through the page cache; together they cost about half. Whoever handles the requests passes the same
/// group to each `appendAsLeader`, then calls `commit`, or `flush` where the batches must be durable, and only then lets
/// the answers go. Until then a batch has its offset but may still be taken back. Whatever looks into a log writes its
/// deferred batches first, so that no reader sees a difference.
///
/// Confined to the thread or queue that handles the requests; make one per reactor or connection.
public final class WriteGroup {
    private struct Entry {
        let log: UnifiedLog
        /// The log's count when the first batch was deferred: a truncation since took batches back.
        let truncationCount: Int
        /// Behind the last batch.
        var endOffset: Int64
    }

    private var entries: [Entry] = []
    /// Batches in here stay as they are until the commit.
    private var lent = UnsafeRawBufferPointer(start: nil, count: 0)

    public init() {}

    deinit { precondition(entries.isEmpty, "a write group is committed before it goes") }

    /// Whether there is nothing to commit.
    public var isEmpty: Bool { entries.isEmpty }

    /// Lends the memory that batches lie in, as requests came: such batches are written from there, without a copy.
    ///
    /// From the `appendAsLeader` of a batch until the next `commit` nothing may change it there. Ends with `endLending`,
    /// before which the owner must neither free the memory nor use it for anything else.
    package func lend(_ memory: UnsafeRawBufferPointer) { lent = memory }

    /// The memory is its owner's again. Everything that was appended has been committed.
    package func endLending() {
        precondition(entries.isEmpty, "memory is taken back whose batches wait to be written")
        lent = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// Whether `bytes` are lent; those of a batch that was made anew lie elsewhere.
    func isLent(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let start = lent.baseAddress, let first = bytes.baseAddress else { return false }
        return first >= start && first + bytes.count <= start + lent.count
    }

    func note(_ log: UnifiedLog, truncationCount: Int, endOffset: Int64) {
        // Pipelined requests mostly go to few logs, the last one again.
        if let index = entries.lastIndex(where: { $0.log === log }) {
            entries[index].endOffset = max(entries[index].endOffset, endOffset)
        } else {
            entries.append(Entry(log: log, truncationCount: truncationCount, endOffset: endOffset))
        }
    }

    /// Writes everything that was deferred through this group. Returns the logs whose batches were taken back, with
    /// the reason: none of the answers about them may be sent. No log holds memory that was lent any more.
    public func commit() -> [(log: UnifiedLog, error: StorageError)] {
        settle { (entry) throws(StorageError) in try entry.log.writeDeferred(since: entry.truncationCount) }
    }

    /// As `commit`, and makes durable what was appended through this group, duplicates of earlier batches included.
    ///
    /// Blocks. Where many threads append to one log and wait for that, each with a group of its own, they share syncs, and
    /// whoever makes one writes the batches of all: that is the cheapest way to durable appends. A batch whose log is
    /// returned here may be in it all the same; the log is out of service where a sync has failed.
    public func flush() -> [(log: UnifiedLog, error: StorageError)] {
        settle { (entry) throws(StorageError) in
            try entry.log.flush(upTo: entry.endOffset, since: entry.truncationCount)
        }
    }

    private func settle(
        _ body: (Entry) throws(StorageError) -> Void
    ) -> [(log: UnifiedLog, error: StorageError)] {
        if entries.isEmpty { return [] }
        defer { entries.removeAll(keepingCapacity: true) }
        var failures: [(log: UnifiedLog, error: StorageError)] = []
        for entry in entries {
            do throws(StorageError) {
                try body(entry)
            } catch {
                failures.append((entry.log, error))
            }
        }
        return failures
    }
}
