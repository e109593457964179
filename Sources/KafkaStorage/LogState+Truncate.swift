// SPDX-License-Identifier: Apache-2.0
import KafkaRecords
import KafkaRuntime

extension LogState {
    /// Cuts the log back so that it ends at `offset`, or at the start of the batch that holds it. Returns whether
    /// anything was cut. A failure half way takes the log out of service, for its parts may disagree.
    mutating func truncate(to offset: Int64, now: Int64) throws(StorageError) -> Bool {
        try requireWritten()
        precondition(offset >= 0, "a log is truncated to an offset of at least 0")
        guard offset < nextOffset else { return false }
        abandonSwap()
        guard offset >= segments[0].baseOffset else {
            try truncateFully(startingAt: offset, now: now)
            return true
        }
        do throws(StorageError) {
            while active.baseOffset > offset {
                try discard(active)
                segments.removeLast()
            }
            let end = try active.truncate(to: offset)
            active.becomeActive(indexBytes: Int(configuration.segmentIndexBytes))
            let active = active
            openSegments.removeAll { $0 === active }
            try takeBack(to: end, now: now)
        } catch {
            goOffline(error)
            throw error
        }
        return true
    }

    /// Drops everything and goes on, empty, at `offset`.
    mutating func truncateFully(startingAt offset: Int64, now: Int64) throws(StorageError) {
        try requireWritten()
        abandonSwap()
        do throws(StorageError) {
            let parameters = segmentParameters(now: now)
            let old = segments
            // The old files get out of the way first: one of them may have the new one's name.
            for segment in old { try discard(segment) }
            for snapshot in snapshots { try removeSnapshot(snapshot) }
            snapshots = []
            segments = [
                try storing { () throws(FileError) in
                    try LogSegment.create(baseOffset: offset, directory: directory, parameters, files)
                }
            ]
            hasNewNames = true
            logStartOffset = offset
            nextOffset = offset
            lowerRecoveryPoint(to: offset)
            cleanedUpTo = nil
            truncationCount += 1
            recent.removeAll()
            epochs.removeAll()
            if epochs.isDirty { afterwards.needsEpochs = true }
            producers.reset(to: offset)
            highWatermark = endMetadata
        } catch {
            goOffline(error)
            throw error
        }
    }

    /// What follows from the log ending at `end` now.
    mutating func takeBack(to end: Int64, now: Int64) throws(StorageError) {
        truncationCount += 1
        nextOffset = end
        recent.removeAll()
        lowerRecoveryPoint(to: end)
        if let cleaned = cleanedUpTo { cleanedUpTo = min(cleaned, end) }
        logStartOffset = min(logStartOffset, end)
        epochs.truncateFromEnd(end)
        if epochs.isDirty { afterwards.needsEpochs = true }
        for snapshot in snapshots where snapshot > end { try removeSnapshot(snapshot) }
        snapshots.removeAll { $0 > end }
        try rebuildProducers(to: end, now: now)
        let oldHighWatermark = highWatermark.offset
        highWatermark = LogOffsetMetadata(offset: -1)
        _ = setHighWatermark(min(oldHighWatermark, end))
    }

    /// The state of the producers at `end`.
    ///
    /// - Parameter isStrict: throws `corrupt` for damaged batches, instead of going on without what they say.
    mutating func rebuildProducers(to end: Int64, now: Int64, isStrict: Bool = false) throws(StorageError) {
        producers = try producerTable(at: end, now: now, isStrict: isStrict)
        producers.highWatermarkAdvanced(to: highWatermark.offset)
    }

    /// What producers had done when the log ended at `end`, from the newest snapshot that can be read and the batches
    /// behind it.
    mutating func producerTable(
        at end: Int64, now: Int64, isStrict: Bool = false
    ) throws(StorageError) -> ProducerStateTable {
        var table = ProducerStateTable(endOffset: logStartOffset)
        while let snapshot = snapshots.last(where: { $0 <= end }) {
            let path = snapshotPath(snapshot)
            do throws(StorageError) {
                let states = try ProducerSnapshot.read(path, files)
                table.load(states, endOffset: snapshot, now: now, expirationMs: settings.producerIDExpirationMs)
                break
            } catch {
                switch error {
                case .corrupt(_, _, let reason):
                    afterwards.events.append(.removedFile(path: path, reason: reason))
                    try removeSnapshot(snapshot)
                case .io(let failure) where failure.kind == .notFound:
                    // The background thread has not written it yet.
                    break
                default: throw error
                }
                snapshots.removeAll { $0 == snapshot }
            }
        }
        _ = try replay(
            from: max(table.endOffset, segments[0].baseOffset), to: end, into: &table, isStrict: isStrict)
        table.advance(to: end)
        return table
    }

    /// Feeds the batches of `[start, end)` to a state of producers; returns the transactions that they aborted.
    mutating func replay(
        from start: Int64, to end: Int64, into table: inout ProducerStateTable, isStrict: Bool = false
    ) throws(StorageError) -> [AbortedTransaction] {
        var aborted: [AbortedTransaction] = []
        guard start < end, var index = segmentIndex(for: start) else { return aborted }
        while index < segments.count, segments[index].baseOffset < end {
            let segment = segments[index]
            do throws(StorageError) {
                _ = try segment.firstEntry(from: try segment.position(before: start)) { entry throws(StorageError) in
                    guard entry.baseOffset < end else { return true }
                    if entry.baseOffset >= start, let batch = entry.batch, batch.hasProducerID,
                        let ended = table.add(batch, marker: try readMarker(entry, segment))
                    {
                        aborted.append(ended)
                    }
                    return false
                }
            } catch {
                // Whoever reads there is told. Producers that are forgotten begin anew.
                guard case .corrupt = error, !isStrict else { throw error }
            }
            touched(segment)
            index += 1
        }
        return aborted
    }

    /// Reads what a control batch in a segment says.
    private func readMarker(
        _ entry: SegmentEntry, _ segment: LogSegment
    ) throws(StorageError) -> EndTransactionMarker? {
        guard entry.batch?.attributes.isControl == true else { return nil }
        let bytes = try storing { () throws(FileError) in
            try segment.openFile().readBytes(at: entry.position, count: entry.size)
        }
        return try withBytes(bytes) { bytes throws(StorageError) in try Self.marker(bytes, directory) }
    }

    func snapshotPath(_ offset: Int64) -> String {
        path(LogFileNames.digits(offset) + LogFileNames.snapshotSuffix)
    }

    func removeSnapshot(_ offset: Int64) throws(StorageError) {
        do throws(FileError) { try files.remove(snapshotPath(offset)) } catch {
            if error.kind != .notFound { throw .io(error) }
        }
    }
}

/// Shows `body` an array's bytes and lets its typed error through.
func withBytes<R, E: Error>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    try bytes.withUnsafeBytes { (buffer) -> Result<R, E> in
        do throws(E) { return .success(try body(buffer)) } catch { return .failure(error) }
    }.get()
}
