// SPDX-License-Identifier: Apache-2.0
import KafkaRecords
import KafkaRuntime

/// What the log knows of its producers, and where it has that from: snapshots, and the batches behind them.
extension LogState {
    // MARK: Checking

    /// Throws where a producer's epoch or sequence does not follow; the answer for a batch that was appended before.
    ///
    /// A snapshot names only the last batch of each producer. Since a producer may have five under way, the answers to
    /// all of which got lost with the broker, the ones before are looked for in the log before a batch is refused.
    mutating func checkProducers(_ batches: BatchRun) throws(StorageError) -> AppendInfo? {
        // A producer without an id has nothing to be recognised by.
        if let header = batches.only, !header.hasProducerID { return nil }
        do throws(StorageError) {
            return try checkKnownProducers(batches)
        } catch {
            guard producers.partialBelow != nil, error.errorCode == .outOfOrderSequenceNumber else { throw error }
            try recallProducers()
            return try checkKnownProducers(batches)
        }
    }

    private func checkKnownProducers(_ batches: BatchRun) throws(StorageError) -> AppendInfo? {
        if let header = batches.only, !header.attributes.isControl {
            if case .duplicate(let old) = try producers.check(header) { return duplicateAppend(of: old, header) }
            return nil
        }
        let batches = batches.bytes
        var position = 0
        var provisional: [Int64: ProducerState]?
        while position < batches.count {
            let (header, bytes) = try Self.batch(batches, at: position, directory)
            position += header.sizeInBytes
            guard header.hasProducerID else { continue }
            if header.attributes.isControl {
                if let marker = try Self.marker(bytes, directory) { try producers.checkMarker(header, marker) }
                continue
            }
            // The batches of one append follow each other, so the second is checked against the first.
            if provisional == nil, position == batches.count {
                if case .duplicate(let old) = try producers.check(header) { return duplicateAppend(of: old, header) }
                return nil
            }
            var states = provisional ?? [:]
            var state = states[header.producerID] ?? producers.producers[header.producerID]
            if case .duplicate(let old) = try ProducerStateTable.check(header, state) {
                guard batches.count == header.sizeInBytes else {
                    throw .kafka(.duplicateSequenceNumber, "one of several batches was appended before")
                }
                return duplicateAppend(of: old, header)
            }
            var next = state ?? ProducerState(producerID: header.producerID)
            _ = ProducerStateTable.add(header, to: &next)
            state = next
            states[header.producerID] = next
            provisional = states
        }
        return nil
    }

    private func duplicateAppend(of old: ProducedBatch, _ header: RecordBatchHeader) -> AppendInfo {
        AppendInfo(
            firstOffset: old.firstOffset, lastOffset: old.lastOffset, maxTimestamp: old.timestamp,
            logAppendTime: header.attributes.timestampType == .logAppendTime ? old.timestamp : -1,
            logStartOffset: logStartOffset, leaderEpoch: epochs.epoch(of: old.firstOffset) ?? -1, isDuplicate: true,
            byteCount: 0)
    }

    // MARK: Recalling

    /// How far before a snapshot batches are looked for, in bytes.
    private static let recalledBytes: Int64 = 16 << 20

    /// Learns from the log what the snapshot that the state was loaded from could not tell. Done once after such a load,
    /// and only where it is needed: it reads the headers of the last batches before the snapshot, where those of
    /// producers that still wait for an answer are.
    mutating func recallProducers() throws(StorageError) {
        guard let end = producers.partialBelow else { return }
        try requireWritten()
        var earlier = ProducerStateTable()
        _ = try replay(from: try startOfTail(before: end), to: end, into: &earlier)
        producers.recall(from: earlier)
    }

    /// An offset about `recalledBytes` before that of the batch at `end`.
    private mutating func startOfTail(before end: Int64) throws(StorageError) -> Int64 {
        guard var index = segmentIndex(for: end) else { return segments[0].baseOffset }
        var left = Self.recalledBytes
        // `end` was the log's end, so that it mostly is that of a segment.
        if segments[index].baseOffset < end { left -= try segments[index].position(before: end) }
        while left > 0, index > 0 {
            index -= 1
            left -= segments[index].size
        }
        let segment = segments[index]
        guard left < 0 else { return segment.baseOffset }
        defer { touched(segment) }
        return try segment.offset(atOrBehind: -left, upTo: end)
    }

    // MARK: Snapshots

    /// How many may wait to be written. Without the older ones the next start has more to read.
    private static let unwrittenSnapshotsMax = 16

    /// Has a snapshot written of what the log knows of its producers; `offset` is its end.
    mutating func noteSnapshot(at offset: Int64) {
        if unwrittenSnapshots.count >= Self.unwrittenSnapshotsMax { unwrittenSnapshots.removeFirst() }
        unwrittenSnapshots.append(
            PendingSnapshot(
                offset: offset, content: ProducerSnapshot.encode(producers.sortedStates),
                truncationCount: truncationCount))
        if !snapshots.contains(offset) { snapshots.append(offset) }
    }

    /// Snapshots that tell all there is to know of the batches below `base`, the newest first, once they are on disk.
    func snapshots(covering base: Int64) -> [Int64] {
        snapshots.reversed().filter { $0 == base || ($0 > base && $0 <= recoveryPoint) }
    }

    /// Whether what producers did can be found again without a snapshot, also after a crash: from the batches alone, from
    /// them and the snapshot where they begin, or from a later snapshot of batches that are on disk.
    func knowsProducers(without snapshot: Int64, durableBelow durableEnd: Int64) -> Bool {
        let first = segments[0].baseOffset
        if first == 0 || snapshot < first { return true }
        return snapshots.contains { other in
            other != snapshot && (other == first || (other > snapshot && other <= durableEnd))
                && !unwrittenSnapshots.contains { $0.offset == other }
        }
    }

    // MARK: Rebuilding

    /// The state of the producers at `end`.
    ///
    /// - Parameters:
    ///   - includesDeleted: with what they wrote below the log's start, as long as it is there. Those who were known must
    ///     stay so, or the batch behind one that failed would be taken for the first of a new producer.
    ///   - isStrict: throws `corrupt` for damaged batches, instead of going on without what they say.
    mutating func rebuildProducers(
        to end: Int64, now: Int64, includesDeleted: Bool = false, isStrict: Bool = false
    ) throws(StorageError) {
        producers = try producerTable(at: end, now: now, includesDeleted: includesDeleted, isStrict: isStrict)
        producers.highWatermarkAdvanced(to: highWatermark.offset)
    }

    /// What producers had done when the log ended at `end`, from the newest snapshot that can be read and the batches
    /// behind it.
    mutating func producerTable(
        at end: Int64, now: Int64, includesDeleted: Bool = false, isStrict: Bool = false
    ) throws(StorageError) -> ProducerStateTable {
        // Of what producers wrote between an older snapshot and the first segment nothing is known any more. To take
        // them for new ones is better than to refuse what they send next.
        let first = segments[0].baseOffset
        var table = ProducerStateTable(endOffset: includesDeleted ? first : logStartOffset)
        while let snapshot = snapshots.last(where: { $0 <= end }), snapshot >= first {
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
            from: max(table.endOffset, first), to: end, into: &table, isStrict: isStrict)
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
