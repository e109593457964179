// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime

extension LogState {
    /// When the bytes of an append go to the file.
    enum Writing {
        case now
        /// With those of other appends, before anybody is told of any of them; `isLent`: they stay where they are until
        /// then.
        case deferred(isLent: Bool)
    }

    /// What the batches of one append amount to.
    private struct Extent {
        var firstOffset: Int64 = -1
        var lastOffset: Int64 = -1
        var maxTimestamp: Int64 = -1

        /// Gives the next offsets to a batch.
        mutating func add(_ batch: RecordBatchHeader) throws(StorageError) {
            guard batch.lastOffsetDelta >= 0, lastOffset < Int64.max - Int64(Int32.max) - 2 else {
                throw .kafka(.invalidRecord, "the offsets of the batch are out of range")
            }
            lastOffset += Int64(batch.lastOffsetDelta) + 1
            maxTimestamp = max(maxTimestamp, batch.maxTimestamp)
        }
    }

    // MARK: Leader

    /// Appends batches that were validated: gives them offsets and the epoch where they lie, and writes them, or keeps
    /// them to be written with others.
    mutating func appendAsLeader(
        _ batches: BatchRun, leaderEpoch: Int32, origin: AppendOrigin, now: Int64, writing: Writing
    ) throws(StorageError) -> AppendInfo {
        try requireService()
        if let duplicate = try checkProducers(batches) {
            guard !active.deferred.isEmpty else { return duplicate }
            // The first of the two may be waiting to be written, and fail: then this one is not a duplicate.
            try requireWritten()
            return duplicate
        }
        var batches = batches
        let extent = try assignOffsets(&batches, leaderEpoch: leaderEpoch)
        try write(batches, extent, now: now, writing)
        return AppendInfo(
            firstOffset: extent.firstOffset, lastOffset: extent.lastOffset, maxTimestamp: extent.maxTimestamp,
            logAppendTime: -1, logStartOffset: logStartOffset, leaderEpoch: leaderEpoch, isDuplicate: false,
            byteCount: batches.bytes.count)
    }

    /// The answer where nothing is to be written.
    func emptyAppend(leaderEpoch: Int32) -> AppendInfo {
        AppendInfo(
            firstOffset: nextOffset, lastOffset: nextOffset - 1, maxTimestamp: -1, logAppendTime: -1,
            logStartOffset: logStartOffset, leaderEpoch: leaderEpoch, isDuplicate: false, byteCount: 0)
    }

    private func assignOffsets(_ batches: inout BatchRun, leaderEpoch: Int32) throws(StorageError) -> Extent {
        var extent = Extent(firstOffset: nextOffset, lastOffset: nextOffset - 1, maxTimestamp: -1)
        if var header = batches.only {
            try extent.add(header)
            header.baseOffset = extent.firstOffset
            header.partitionLeaderEpoch = leaderEpoch
            batches.only = header
            BatchPatch.setOffsets(batches.writable, baseOffset: extent.firstOffset, leaderEpoch: leaderEpoch)
            return extent
        }
        var position = 0
        while position < batches.bytes.count {
            let (header, _) = try Self.batch(batches.bytes, at: position, directory)
            let baseOffset = extent.lastOffset + 1
            try extent.add(header)
            BatchPatch.setOffsets(
                UnsafeMutableRawBufferPointer(rebasing: batches.writable[position...]), baseOffset: baseOffset,
                leaderEpoch: leaderEpoch)
            position += header.sizeInBytes
        }
        return extent
    }

    // MARK: Follower

    /// Appends batches as a leader sent them. What is not a whole batch at the end is left out.
    ///
    /// A batch alone may be larger than `segment.bytes`, which may have become smaller since the leader took it; it gets
    /// a segment of its own.
    mutating func appendAsFollower(_ bytes: UnsafeRawBufferPointer, now: Int64) throws(StorageError) -> AppendInfo {
        try requireService()
        let (extent, count, isOne) = try checkFollowerBatches(bytes)
        guard count > 0 else { return emptyAppend(leaderEpoch: epochs.latestEpoch ?? -1) }
        guard count <= Int(configuration.segmentBytes) || isOne else {
            throw .kafka(.recordListTooLarge, "\(count) bytes do not fit a segment of \(configuration.segmentBytes)")
        }
        try write(BatchRun(UnsafeRawBufferPointer(rebasing: bytes[..<count])), extent, now: now, .now)
        return AppendInfo(
            firstOffset: extent.firstOffset, lastOffset: extent.lastOffset, maxTimestamp: extent.maxTimestamp,
            logAppendTime: -1, logStartOffset: logStartOffset, leaderEpoch: epochs.latestEpoch ?? -1,
            isDuplicate: false, byteCount: count)
    }

    private func checkFollowerBatches(
        _ bytes: UnsafeRawBufferPointer
    ) throws(StorageError) -> (extent: Extent, count: Int, isOne: Bool) {
        var extent = Extent()
        var batches = 0
        var expected = nextOffset
        var cursor = BatchCursor(bytes)
        do throws(RecordError) {
            while let next = try cursor.next() {
                let entry = try SegmentEntry(parsing: next.bytes, position: 0)
                if entry.batch != nil {
                    try RecordBatch(bytes: next.bytes).verifyCRC()
                } else {
                    try LegacyMessage(parsing: next.bytes).verifyCRC()
                }
                guard entry.baseOffset >= expected else { throw .invalidBatch(.wrongOffsetRange) }
                if extent.firstOffset < 0 { extent.firstOffset = entry.baseOffset }
                extent.lastOffset = entry.lastOffset
                extent.maxTimestamp = max(extent.maxTimestamp, entry.maxTimestamp)
                expected = entry.nextOffset
                batches += 1
            }
        } catch {
            throw .kafka(
                error.errorCode,
                "a batch of \(topicPartition) to be appended at offset \(expected) is not good: \(error)")
        }
        return (extent, cursor.position, batches == 1)
    }

    // MARK: Both

    /// Writes batches that have their offsets, then counts them. On failure the log is as before.
    private mutating func write(
        _ batches: BatchRun, _ extent: Extent, now: Int64, _ writing: Writing
    ) throws(StorageError) {
        if owesTopicID { try settleTopicID() }
        lastAppendTime = now
        isInUse = true
        let bytes = batches.bytes
        var segment = active
        if try mustRoll(segment, byteCount: bytes.count, extent, now: now) {
            try roll(at: extent.firstOffset, now: now)
            segment = active
            try segment.prepareAppend()
        }
        if case .deferred(let isLent) = writing, writesAreTrusted, bytes.count < settings.writePieceBytes {
            if !segment.canDefer(bytes.count) { try requireWritten() }
            segment.deferWrite(bytes, isLent: isLent, firstOffset: extent.firstOffset)
        } else {
            try requireWritten()
            try writeNow(bytes, segment)
        }
        let aborted = commit(batches, to: segment)
        if aborted.isEmpty { return }
        do throws(FileError) {
            try segment.appendAborted(aborted)
        } catch {
            let failure = StorageError.io(error)
            do throws(StorageError) {
                let end =
                    segment.deferred.isEmpty
                    ? try segment.truncate(to: extent.firstOffset) : try segment.dropDeferred()
                try takeBack(to: end, now: now)
            } catch {
                goOffline(failure)
            }
            throw failure
        }
    }

    private mutating func writeNow(_ bytes: UnsafeRawBufferPointer, _ segment: LogSegment) throws(StorageError) {
        do throws(FileError) {
            try segment.write(bytes)
            writesAreTrusted = true
        } catch {
            let failure = StorageError.io(error)
            do throws(FileError) { try segment.undoWrite() } catch {
                goOffline(failure)
                throw .io(error)
            }
            throw failure
        }
    }

    private func mustRoll(
        _ segment: LogSegment, byteCount: Int, _ extent: Extent, now: Int64
    ) throws(StorageError) -> Bool {
        try segment.prepareAppend()
        return try segment.mustRoll(
            byteCount: byteCount, lastOffset: extent.lastOffset, maxTimestamp: extent.maxTimestamp, now: now,
            segmentBytes: Int64(configuration.segmentBytes), segmentMs: configuration.effectiveSegmentMs)
    }

    /// Counts batches that are written. They were parsed before, so that nothing can fail here. Returns the transactions
    /// that they aborted.
    private mutating func commit(_ batches: BatchRun, to segment: LogSegment) -> [AbortedTransaction] {
        defer { producers.advance(to: nextOffset) }
        if let header = batches.only {
            let entry = SegmentEntry(batch: header, position: segment.size)
            return commit(entry, batches.bytes, to: segment).map { [$0] } ?? []
        }
        var aborted: [AbortedTransaction] = []
        var position = 0
        while position < batches.bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: batches.bytes[position...])
            guard let entry = try? SegmentEntry(parsing: rest, position: segment.size) else { break }
            let bytes = UnsafeRawBufferPointer(rebasing: rest[..<entry.size])
            if let ended = commit(entry, bytes, to: segment) { aborted.append(ended) }
            position += entry.size
        }
        return aborted
    }

    @inline(__always)
    private mutating func commit(
        _ entry: SegmentEntry, _ bytes: UnsafeRawBufferPointer, to segment: LogSegment
    ) -> AbortedTransaction? {
        recent.append(
            RecentBatches.Entry(
                baseOffset: entry.baseOffset, lastOffset: entry.lastOffset, position: entry.position, size: entry.size))
        segment.added(lastOffset: entry.lastOffset, maxTimestamp: entry.maxTimestamp, byteCount: entry.size)
        nextOffset = entry.nextOffset
        guard let batch = entry.batch else { return nil }
        assignEpoch(batch.partitionLeaderEpoch, at: entry.baseOffset)
        return batch.hasProducerID ? feedProducers(batch, bytes) : nil
    }

    /// Takes a producer's batch into the state; returns the transaction that it aborted. A control batch whose inside is
    /// not a marker changes no transaction.
    mutating func feedProducers(
        _ batch: RecordBatchHeader, _ bytes: UnsafeRawBufferPointer?
    ) -> AbortedTransaction? {
        var marker: EndTransactionMarker?
        if batch.attributes.isControl, let bytes { marker = (try? Self.marker(bytes, directory)) ?? nil }
        return producers.add(batch, marker: marker)
    }

    mutating func assignEpoch(_ epoch: Int32, at offset: Int64) {
        guard epochs.needsAssignment(epoch) else { return }
        epochs.assign(epoch: epoch, startOffset: offset)
        if epochs.isDirty { afterwards.needsEpochs = true }
    }

    // MARK: Batches

    static func batch(
        _ bytes: UnsafeRawBufferPointer, at position: Int, _ directory: String
    ) throws(StorageError) -> (header: RecordBatchHeader, bytes: UnsafeRawBufferPointer) {
        do throws(RecordError) {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
            let header = try RecordBatchHeader(parsing: rest)
            guard header.sizeInBytes <= rest.count else {
                throw .truncated(needed: header.sizeInBytes, available: rest.count)
            }
            return (header, UnsafeRawBufferPointer(rebasing: rest[..<header.sizeInBytes]))
        } catch {
            throw .kafka(error.errorCode, "\(error)")
        }
    }

    /// What the control batch of a producer says; nil where it is of another kind.
    static func marker(
        _ bytes: UnsafeRawBufferPointer, _ directory: String
    ) throws(StorageError) -> EndTransactionMarker? {
        do throws(RecordError) {
            var marker: EndTransactionMarker?
            try RecordBatch(bytes: bytes).forEachRecord { (record) throws(RecordError) in
                if marker == nil { marker = try EndTransactionMarker(key: record.key, value: record.value) }
            }
            return marker
        } catch {
            throw .kafka(error.errorCode, "a control batch of \(directory) is not good: \(error)")
        }
    }
}
