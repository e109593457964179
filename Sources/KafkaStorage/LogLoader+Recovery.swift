// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime

extension LogLoader {
    /// Checks the batches that may not be on disk as they were written, and rebuilds what is derived from them.
    ///
    /// - Parameter epochs: from the checkpoint; nil where they must come from all the batches of the log.
    mutating func recover(
        _ state: inout LogState, _ epochs: inout LeaderEpochCache?, from given: Int? = nil
    ) throws(StorageError) {
        var first = 0
        if epochs != nil {
            first = given ?? firstToCheck(state)
        }
        state.epochs = epochs ?? LeaderEpochCache()
        let base = state.segments[first].baseOffset
        // What the checkpoint says of offsets that are checked anew comes from the batches.
        let known = state.epochs
        state.epochs.truncateFromEnd(base)
        for (index, segment) in state.segments[..<first].enumerated() {
            segment.syncedSize = segment.size
            // The process may have died before it synced those of the last one, which are sound as long as the machine
            // stays up; the next flush syncs them.
            segment.indexesAreSynced = index < first - 1
        }
        state.nextOffset = base
        try healIndexes(&state, before: first)
        try state.rebuildProducers(to: base, now: now, isStrict: true)
        options.willCheckBytes?(state.segments[first...].reduce(0) { $0 + $1.size })
        var index = first
        var firstGap: Int64?
        while index < state.segments.count {
            guard follows(state.segments[index], state) else {
                try dropSegments(from: index, &state)
                break
            }
            if state.segments[index].baseOffset > state.nextOffset { firstGap = firstGap ?? state.nextOffset }
            try recover(state.segments[index], &state)
            index += 1
        }
        try settleSnapshots(&state, trusted: firstGap ?? state.nextOffset, checkedFrom: base)
        if state.epochs.entries == known.entries, epochs != nil { state.epochs.isDirty = false }
        state.active.becomeActive(indexBytes: Int(configuration.segmentIndexBytes))
        state.hasNewNames = true
    }

    /// The segment that holds the recovery point; the one before it, too, where its indexes did not reach the disk.
    private mutating func firstToCheck(_ state: borrowing LogState) -> Int {
        let holding = state.segmentIndex(for: options.recoveryPoint) ?? 0
        guard holding > 0 else { return 0 }
        if state.segments[holding - 1].lacksIndexes { return holding }
        do throws(FileError) {
            try state.segments[holding - 1].checkIndexes()
            return holding
        } catch {
            events.append(.removedFile(path: error.path, reason: "the index is damaged: \(error)"))
            return holding - 1
        }
    }

    /// Makes index files that are missing, and lists of aborted transactions that are damaged, of segments whose batches
    /// are trusted: all before the one numbered `end`.
    mutating func healIndexes(_ state: inout LogState, before end: Int) throws(StorageError) {
        for index in 0..<end {
            let segment = state.segments[index]
            if segment.lacksIndexes, segment.size > 0 { try segment.rebuildIndexes("no index file") }
            if segment.transactionIndex.isLoaded { continue }
            let next = index + 1 < state.segments.count ? state.segments[index + 1].baseOffset : state.nextOffset
            do throws(StorageError) {
                try segment.loadTransactionIndex(end: next)
            } catch {
                guard error.isDamage else { throw error }
                try state.rebuildTransactionIndex(ofSegmentAt: index, now: now)
            }
        }
    }

    /// Whether a segment begins where the one before ends. A machine that stops may keep a later file and lose the end
    /// of an earlier one; only compaction makes gaps that are meant, also where the topic is not compacted any more.
    private func follows(_ segment: LogSegment, _ state: borrowing LogState) -> Bool {
        if segment.baseOffset == state.nextOffset { return true }
        let isCompacted =
            configuration.cleanupPolicy.contains(.compact) || segment.baseOffset <= options.cleanedUpTo ?? -1
        return isCompacted && segment.baseOffset > state.nextOffset
    }

    /// Checks one segment from its first byte on. Where it is damaged it is cut there, and the segments behind it go.
    ///
    /// - Parameter suspect: where a batch begins that a first attempt found to claim offsets of the next one, behind a gap.
    private mutating func recover(
        _ segment: LogSegment, _ state: inout LogState, suspect: (position: Int64, fileSize: Int64)? = nil
    ) throws(StorageError) {
        state.nextOffset = max(state.nextOffset, segment.baseOffset)
        let start = state.nextOffset
        let fileSize = suspect?.fileSize ?? segment.size
        if fileSize == 0, !segment.lacksIndexes, !segment.transactionIndex.mayHaveFile { return }
        if fileSize > 0, suspect == nil { events.append(.recoveringSegment(path: segment.logPath, bytes: fileSize)) }
        segment.resetIndexes()
        let file = try storing { () throws(FileError) in try segment.openFile() }
        var scanner = SegmentScanner(file, fileSize: suspect?.position ?? fileSize, baseOffset: segment.baseOffset)
        var reported: Int64 = 0
        var behindGap: Int64?
        var damage: SegmentScanner.Damage?
        let limit = state.segments.first { $0.baseOffset > segment.baseOffset }?.baseOffset ?? .max
        while let (entry, bytes) = try scanner.next() {
            if entry.baseOffset > state.nextOffset, entry.lastOffset >= limit {
                damage = SegmentScanner.Damage(
                    position: entry.position, reason: "its offsets run into the next segment")
                break
            }
            behindGap = entry.baseOffset > state.nextOffset ? entry.position : nil
            try take(entry, bytes, segment, &state)
            if entry.end - reported >= Self.progressBytes {
                options.checkedBytes?(entry.end - reported)
                reported = entry.end
            }
        }
        if let suspect {
            damage = SegmentScanner.Damage(position: suspect.position, reason: "offsets out of order")
        }
        damage = damage ?? scanner.damage
        if let behindGap, damage?.breaksOrder == true {
            // Of the two that contradict each other it is the one that left the gap.
            state.epochs.truncateFromEnd(segment.baseOffset)
            state.nextOffset = start
            try state.rebuildProducers(to: segment.baseOffset, now: now)
            return try recover(segment, &state, suspect: (behindGap, fileSize))
        }
        options.checkedBytes?(fileSize - reported)
        state.producers.advance(to: state.nextOffset)
        var isPadded = false
        if let damage {
            // A loss of power brings zeros back; where offsets are missing, too, it took more than them.
            isPadded = limit == .max || limit == state.nextOffset
            if isPadded { isPadded = try isPadding(file, damage.position..<fileSize) }
            if !isPadded { try dropSegments(behind: segment, file, &state) }
        }
        try segment.finishRecovery(fileSize: fileSize)
        // What was cut off must not come back behind batches that will take its place.
        if damage != nil { try storing { () throws(FileError) in try file.sync() } }
        segment.release()
        guard let damage else { return }
        let (path, end) = (segment.logPath, damage.position)
        events.append(
            isPadded
                ? .cutZeros(path: path, from: fileSize, to: end)
                : .truncatedTail(path: path, from: fileSize, to: end, reason: damage.reason))
    }

    /// Whether the end of a file is what a write leaves there to save the next ones work (`LogSegment.paddingMax`).
    private func isPadding(_ file: any File, _ range: Range<Int64>) throws(StorageError) -> Bool {
        guard range.count < LogSegment.paddingMax else { return false }
        let bytes = try storing { () throws(FileError) in
            try file.readBytes(at: range.lowerBound, count: range.count)
        }
        return bytes.allSatisfy { $0 == 0 }
    }

    /// How often somebody is told how far a recovery has come, in bytes.
    private static let progressBytes: Int64 = 16 << 20

    /// Counts a good batch.
    private func take(
        _ entry: SegmentEntry, _ bytes: UnsafeRawBufferPointer?, _ segment: LogSegment, _ state: inout LogState
    ) throws(StorageError) {
        if let batch = entry.batch {
            state.assignEpoch(batch.partitionLeaderEpoch, at: entry.baseOffset)
            // A control batch of a producer is small; one that does not fit the window is no marker.
            if batch.hasProducerID, let aborted = state.feedProducers(batch, bytes) {
                try storing { () throws(FileError) in try segment.appendAborted([aborted]) }
            }
        }
        try storing { () throws(FileError) in try segment.recovered(entry) }
        state.nextOffset = entry.nextOffset
    }

    /// Behind damage nothing can be trusted: the offsets would have a gap.
    ///
    /// Before the damage is cut off: whatever part of this the machine gets done until it stops, the next recovery comes
    /// upon the damage again, and drops the rest.
    private mutating func dropSegments(
        behind segment: LogSegment, _ file: any File, _ state: inout LogState
    ) throws(StorageError) {
        guard let place = state.segments.firstIndex(where: { $0 === segment }), place + 1 < state.segments.count else {
            return
        }
        try storing { () throws(FileError) in try file.sync() }
        try dropSegments(from: place + 1, &state)
    }

    /// The first goes last, when the others are gone for good: without it, one that is left would seem to follow what is
    /// before it, as far as that can be told where compaction makes gaps.
    private mutating func dropSegments(from first: Int, _ state: inout LogState) throws(StorageError) {
        for index in state.segments.indices[first...].reversed() {
            if index == first, state.segments.count > first + 1 { try syncDirectory() }
            let segment = state.segments[index]
            let digits = LogFileNames.digits(segment.baseOffset)
            for suffix in [
                LogFileNames.indexSuffix, LogFileNames.timeIndexSuffix, LogFileNames.transactionIndexSuffix,
                LogFileNames.logSuffix,
            ] {
                do throws(FileError) { try files.remove(path(digits + suffix)) } catch {
                    if error.kind != .notFound { throw .io(error) }
                }
            }
            events.append(.removedFile(path: segment.logPath, reason: "the log ends before it"))
        }
        state.segments.removeSubrange(first...)
        // Nor must these come back, over the new segments of the same names.
        try syncDirectory()
    }
}
