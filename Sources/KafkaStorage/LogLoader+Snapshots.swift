// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// Which producer snapshots a start goes by, and which it removes.
extension LogLoader {
    /// Settles the snapshots of a log whose batches were checked.
    ///
    /// - Parameters:
    ///   - trusted: where the log ends, or the first gap that a loss of power may have left. A snapshot from behind it may
    ///     know batches that were lost: what is sent again would count as there.
    ///   - base: from where the batches were checked. What producers did below comes from a snapshot or from batches there.
    mutating func settleSnapshots(
        _ state: inout LogState, trusted: Int64, checkedFrom base: Int64
    ) throws(StorageError) {
        let untrusted = state.snapshots.filter { $0 > trusted }
        for snapshot in untrusted { try state.removeSnapshot(snapshot) }
        state.snapshots.removeAll { $0 > trusted }
        // One that came back after the next loss of power would be believed once the log goes so far again.
        if !untrusted.isEmpty { try syncDirectory() }
        try learnFromSnapshots(behind: base, &state)
        try dropStraySnapshots(&state, durableBelow: min(options.recoveryPoint, state.nextOffset))
    }

    /// Takes over producers that the newest snapshot knows, and that wrote nothing from `base` on.
    ///
    /// The snapshot at `base` itself may be missing: the process died between a roll and its writing. Before the batches
    /// below are given up another one is written then (`UnifiedLog.deleteOldSegments`), wherever the log ends.
    private mutating func learnFromSnapshots(behind base: Int64, _ state: inout LogState) throws(StorageError) {
        let first = state.segments[0].baseOffset
        if first == 0 || state.snapshots.contains(where: { $0 >= first && $0 <= base }) { return }
        while let snapshot = state.snapshots.last, snapshot > base {
            let path = state.snapshotPath(snapshot)
            do throws(StorageError) {
                let known = try ProducerSnapshot.read(path, files)
                state.producers.learn(
                    known.filter { $0.lastOffset < base }, now: now,
                    expirationMs: options.settings.producerIDExpirationMs)
                return
            } catch {
                guard case .corrupt(_, _, let reason) = error else { throw error }
                events.append(.removedFile(path: path, reason: reason))
                try state.removeSnapshot(snapshot)
                state.snapshots.removeLast()
            }
        }
    }

    /// Snapshots are kept for the bases of segments, and the newest of all. Others are strays, unless what producers did
    /// before the first segment cannot be had without them.
    mutating func dropStraySnapshots(
        _ state: inout LogState, durableBelow durableEnd: Int64
    ) throws(StorageError) {
        let strays = state.snapshots.dropLast().filter { snapshot in
            !state.segments.contains { $0.baseOffset == snapshot }
                && state.knowsProducers(without: snapshot, durableBelow: durableEnd)
        }
        guard !strays.isEmpty else { return }
        // Those that make them superfluous may have been written just before the process died.
        if !options.wasCleanShutdown { try syncDirectory() }
        for snapshot in strays {
            remove(LogFileNames.digits(snapshot) + LogFileNames.snapshotSuffix, "no segment begins there")
        }
        state.snapshots.removeAll { strays.contains($0) }
    }
}
