// SPDX-License-Identifier: Apache-2.0

/// A complete snapshot on disk.
package struct StoredSnapshot: Equatable, Sendable {
    package let id: SnapshotID
    /// Bytes of the file.
    package let size: Int64
    /// The append time in milliseconds of the last record that it replaces, from its header record.
    package let lastContainedTimestamp: Int64

    package init(id: SnapshotID, size: Int64, lastContainedTimestamp: Int64) {
        self.id = id
        self.size = size
        self.lastContainedTimestamp = lastContainedTimestamp
    }
}

/// When snapshots are taken, and when old ones go together with the prefix of the log that they replace.
package struct SnapshotPolicy: Equatable, Sendable {
    /// `metadata.log.max.record.bytes.between.snapshots`.
    package var bytesBetweenSnapshots: Int64 = 20 << 20
    /// `metadata.log.max.snapshot.interval.ms`; 0 turns snapshots by time off.
    package var intervalMilliseconds: Int64 = 3_600_000
    /// `metadata.max.retention.bytes`, of log and snapshots together; negative is without limit.
    package var retentionBytes: Int64 = 100 << 20
    /// `metadata.max.retention.ms`; negative is without limit.
    package var retentionMilliseconds: Int64 = 7 * 24 * 3_600_000

    package init() {}

    /// Whether a state that is `bytes` of records and `elapsed` milliseconds past the last snapshot needs a new one.
    package func isSnapshotDue(bytes: Int64, elapsed: Int64) -> Bool {
        guard bytes > 0 else { return false }
        return bytes >= bytesBetweenSnapshots || (intervalMilliseconds > 0 && elapsed >= intervalMilliseconds)
    }

    /// How many of the oldest `snapshots`, which ascend, are to be deleted. The newest always stays.
    ///
    /// - Parameter logBytes: the size of the log; each deleted snapshot lets its prefix go, which is not counted
    ///   because the log gives up whole segments only.
    package func expiredCount(_ snapshots: [StoredSnapshot], logBytes: Int64, now: Int64) -> Int {
        var total = snapshots.reduce(logBytes) { $0 + $1.size }
        var expired = 0
        for snapshot in snapshots.dropLast() {
            let tooLarge = retentionBytes >= 0 && total > retentionBytes
            let tooOld = retentionMilliseconds >= 0 && now - snapshot.lastContainedTimestamp > retentionMilliseconds
            guard tooLarge || tooOld else { break }
            total -= snapshot.size
            expired += 1
        }
        return expired
    }
}
