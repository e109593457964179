// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRuntime

/// Everything of a log that its lock guards, and what is done under the lock.
///
///     logStartOffset ≤ lastStableOffset ≤ highWatermark ≤ nextOffset (log end offset)
///     segments[0].baseOffset ≤ logStartOffset;  the last segment is the active one
///
/// Offsets below `recoveryPoint` are on disk. What other threads must do afterwards (write a snapshot, sync, tell the
/// observer) is left in `afterwards`, which `UnifiedLog` empties when it has let go of the lock.
struct LogState: ~Copyable, Sendable {
    let topicPartition: TopicPartition
    let files: any FileSystem
    let random: any RandomSource
    var settings: LogSettings

    var directory: String
    var topicID: KafkaUUID?
    var configuration: LogConfiguration
    var rules: AppendRules

    /// Ascending by base offset, never empty.
    var segments: [LogSegment]
    var logStartOffset: Int64
    /// The offset the next record gets: the log end offset.
    var nextOffset: Int64
    var highWatermark: LogOffsetMetadata
    var recoveryPoint: Int64
    var epochs: LeaderEpochCache
    var producers: ProducerStateTable
    /// Offsets of the snapshot files, ascending.
    var snapshots: [Int64]
    /// Those of them that are not written yet, in their order.
    var unwrittenSnapshots: [PendingSnapshot] = []
    var recent = RecentBatches()
    /// Segments besides the active one whose files may be open, the longest unused first.
    var openSegments: [LogSegment] = []

    /// The log is clean below this (`cleaner-offset-checkpoint`); nil where it was never cleaned.
    var cleanedUpTo: Int64?
    /// Why the cleaner leaves the log alone until the next start.
    var uncleanableReason: String?
    /// Cleaned segments whose files are called `.swap`, while they are about to be put in place.
    var pendingSwap: [LogSegment] = []

    /// Whether somebody read or wrote since the last look for idle logs.
    var isInUse = false
    /// Where the log ended at that look.
    var endAtIdleCheck: Int64 = -1
    /// Why the log is out of service; nil while it is in service.
    var failure: String?
    var isClosed = false
    /// Goes up whenever offsets are taken back, so that a sync that was under way does not vouch for their successors.
    var truncationCount = 0
    /// False from a failed write to the next good one: then nothing is deferred, so that its append gets the error.
    var writesAreTrusted = true
    /// Milliseconds since 1970.
    var lastAppendTime: Int64 = 0
    /// Whether names in the directory, and the directory's own name, are yet to be made durable.
    var hasNewNames = false
    var hasNewDirectory = false
    /// Whether `partition.metadata` is yet to be made durable.
    var topicIDIsDirty = false
    /// Whether there was no space for `partition.metadata`, so that it is yet to be written.
    var owesTopicID = false
    var afterwards = Afterwards()

    /// What is left to be done without the lock.
    struct Afterwards: Sendable {
        var events: [LogEvent] = []
        /// The base of the newest segment: the snapshots are to be written, and then all below is to be synced.
        var rolledTo: Int64?
        /// Files to be removed once their delay has passed.
        var removals: [String] = []
        var needsEpochs = false
        /// The recovery point went back, so that a checkpoint of it would now say too much.
        var loweredRecoveryPoint = false

        var isEmpty: Bool {
            events.isEmpty && rolledTo == nil && removals.isEmpty && !needsEpochs && !loweredRecoveryPoint
        }
    }

    /// The state of the producers at a roll.
    struct PendingSnapshot: Sendable {
        var offset: Int64
        var content: [UInt8]
        /// What the log's count was then: after a truncation the snapshot may speak of batches that are gone.
        var truncationCount: Int
    }

    var active: LogSegment { segments[segments.count - 1] }

    var lastStableOffset: Int64 {
        // The first records of an open transaction may have been deleted.
        max(logStartOffset, min(producers.firstUnstableOffset ?? highWatermark.offset, highWatermark.offset))
    }

    var endMetadata: LogOffsetMetadata {
        LogOffsetMetadata(offset: nextOffset, segmentBaseOffset: active.baseOffset, position: active.size)
    }

    func segmentParameters(now: Int64) -> LogSegment.Parameters {
        Self.segmentParameters(configuration, settings, random, now: now)
    }

    static func segmentParameters(
        _ configuration: LogConfiguration, _ settings: LogSettings, _ random: any RandomSource, now: Int64
    ) -> LogSegment.Parameters {
        let jitter = min(configuration.segmentJitterMs, configuration.segmentMs)
        return LogSegment.Parameters(
            indexBytes: Int(configuration.segmentIndexBytes),
            indexIntervalBytes: Int(configuration.indexIntervalBytes),
            rollJitterMs: jitter > 0 ? random.below(jitter) : 0,
            preallocatedBytes: configuration.preallocate ? Int64(configuration.segmentBytes) : 0, now: now,
            settings: settings)
    }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// Takes the recovery point back to the log's new end.
    mutating func lowerRecoveryPoint(to offset: Int64) {
        guard offset < recoveryPoint else { return }
        recoveryPoint = offset
        afterwards.loweredRecoveryPoint = true
    }

    // MARK: Service

    func requireService() throws(StorageError) {
        if let failure { throw .offline(path: directory, reason: failure) }
        if isClosed { throw .closed(path: directory) }
    }

    /// `requireService`, with everything that was appended in the files. What begins with this may read them.
    mutating func requireWritten() throws(StorageError) {
        try requireService()
        if !active.deferred.isEmpty { try writeDeferred() }
    }

    /// Writes batches whose writing was deferred. On failure they are taken back: nobody was told of them yet.
    private mutating func writeDeferred() throws(StorageError) {
        let segment = active
        do throws(FileError) {
            try segment.writeDeferred()
            writesAreTrusted = true
        } catch {
            let failure = StorageError.io(error)
            writesAreTrusted = false
            do throws(StorageError) {
                try takeBack(to: try segment.dropDeferred(), now: lastAppendTime)
            } catch {
                goOffline(failure)
                throw error
            }
            throw failure
        }
    }

    /// Takes the log out of service: what is in memory and what is on disk may differ from now on.
    mutating func goOffline(_ error: StorageError) {
        guard failure == nil else { return }
        failure = "\(error)"
        afterwards.events.append(.offline(path: directory, error: error))
    }

    /// - Parameter mayOwe: whether the log is served where there is no space for the file, which is then written before
    ///   the next record and by the next flush.
    mutating func setTopicID(_ newID: KafkaUUID, mayOwe: Bool = false) throws(StorageError) {
        try requireService()
        guard topicID != newID else { return }
        if let topicID {
            throw .kafka(.inconsistentTopicID, "\(directory) belongs to topic id \(topicID), not \(newID)")
        }
        // Written at once, so that the death of the process leaves no directory without an owner; durable soon after.
        do throws(StorageError) { try writeTopicID(newID) } catch {
            guard mayOwe, case .io(let failure) = error,
                failure.kind == .noSpace || failure.kind == .tooManyOpenFiles
            else { throw error }
            owesTopicID = true
            afterwards.events.append(
                .backgroundFailure(path: directory, what: "writing \(LogFileNames.partitionMetadata)", error: error))
        }
        topicID = newID
        topicIDIsDirty = true
    }

    /// Writes the `partition.metadata` that could not be written when the log got its owner.
    mutating func settleTopicID() throws(StorageError) {
        guard owesTopicID, let topicID else { return }
        try writeTopicID(topicID)
        owesTopicID = false
    }

    private func writeTopicID(_ topicID: KafkaUUID) throws(StorageError) {
        try storing { () throws(FileError) in
            let file = try files.open(path(LogFileNames.partitionMetadata), .readWriteCreate)
            defer { file.close() }
            let content = PartitionMetadataFile.encode(topicID)
            try file.write(content, at: 0)
            try file.truncate(to: Int64(content.count))
        }
    }

    // MARK: Watermarks

    /// Sets the high watermark, kept between the log's ends; returns it.
    mutating func setHighWatermark(_ offset: Int64) -> Int64 {
        let clamped = min(max(offset, logStartOffset), nextOffset)
        guard clamped != highWatermark.offset else { return clamped }
        if clamped == nextOffset {
            highWatermark = endMetadata
        } else if let entry = recent.find(clamped), entry.baseOffset == clamped {
            highWatermark = LogOffsetMetadata(
                offset: clamped, segmentBaseOffset: active.baseOffset, position: entry.position)
        } else {
            highWatermark = LogOffsetMetadata(offset: clamped)
        }
        producers.highWatermarkAdvanced(to: clamped)
        return clamped
    }

    /// Moves the log's start up to `offset`, which the high watermark must have reached. Segments below stay until
    /// they are deleted. Returns whether it moved.
    mutating func incrementLogStart(_ offset: Int64) throws(StorageError) -> Bool {
        try requireService()
        guard offset <= highWatermark.offset else {
            throw .offsetOutOfRange(requested: offset, start: logStartOffset, end: highWatermark.offset)
        }
        guard offset > logStartOffset else { return false }
        logStartOffset = offset
        epochs.truncateFromStart(offset)
        if epochs.isDirty { afterwards.needsEpochs = true }
        producers.advance(to: offset)
        return true
    }

    // MARK: Segments

    /// How many segments besides the active one keep their files open.
    private static let openSegmentsMax = 4

    /// Notes that a segment's files are in use, and closes those of the one that was not for longest.
    mutating func touched(_ segment: LogSegment) {
        noteHealing(segment)
        guard segment !== active, openSegments.last !== segment else { return }
        openSegments.removeAll { $0 === segment }
        openSegments.append(segment)
        if openSegments.count > Self.openSegmentsMax { openSegments.removeFirst().release() }
    }

    /// Has the observer told of what was wrong with a segment.
    mutating func noteHealing(_ segment: LogSegment) {
        guard let healing = segment.healing else { return }
        segment.healing = nil
        afterwards.events.append(healing)
    }

    /// The place in `segments` of the one that holds `offset`: the last whose base offset is not above it.
    func segmentIndex(for offset: Int64) -> Int? {
        if active.baseOffset <= offset { return segments.count - 1 }
        var lower = 0
        var upper = segments.count
        while lower < upper {
            let middle = (lower + upper) / 2
            if segments[middle].baseOffset <= offset { lower = middle + 1 } else { upper = middle }
        }
        return lower == 0 ? nil : lower - 1
    }

    /// Begins a new segment at `base` (the log's end where nil); does nothing where the active one is empty and begins
    /// there already.
    mutating func roll(at base: Int64? = nil, now: Int64) throws(StorageError) {
        if !active.deferred.isEmpty { try writeDeferred() }
        let newBase = max(base ?? nextOffset, nextOffset)
        if active.baseOffset == newBase, active.size == 0 { return }
        let parameters = segmentParameters(now: now)
        let segment: LogSegment
        do throws(StorageError) {
            try active.becomeInactive()
            segment = try storing { () throws(FileError) in
                try LogSegment.create(baseOffset: newBase, directory: directory, parameters, files)
            }
        } catch {
            removeLeftovers(ofSegmentAt: newBase)
            throw error
        }
        let old = active
        hasNewNames = true
        segments.append(segment)
        // Readers at the tail go on reading it.
        touched(old)
        recent.removeAll()
        producers.advance(to: newBase)
        noteSnapshot(at: newBase)
        afterwards.rolledTo = newBase
        if highWatermark.offset == nextOffset { highWatermark = endMetadata }
        afterwards.events.append(.rolled(path: directory, baseOffset: newBase))
    }

    /// Removes what a failed roll made, as far as it can; the next start removes the rest.
    private func removeLeftovers(ofSegmentAt base: Int64) {
        guard base > active.baseOffset else { return }
        let digits = LogFileNames.digits(base)
        for suffix in [LogFileNames.indexSuffix, LogFileNames.timeIndexSuffix, LogFileNames.logSuffix] {
            try? files.remove(path(digits + suffix))
        }
    }

    /// Gives a segment's files, and the snapshot at its base, the name of deleted ones, to be removed later.
    mutating func discard(_ segment: LogSegment) throws(StorageError) {
        var names = [segment.logPath, segment.offsetIndex.path, segment.timeIndex.path]
        if segment.transactionIndex.mayHaveFile { names.append(segment.transactionIndexPath) }
        if let place = snapshots.firstIndex(of: segment.baseOffset) {
            snapshots.remove(at: place)
            names.append(segment.namePrefix + LogFileNames.snapshotSuffix)
        }
        segment.release()
        openSegments.removeAll { $0 === segment }
        for name in names {
            do throws(FileError) {
                try files.rename(name, to: name + LogFileNames.deletedSuffix)
                afterwards.removals.append(name + LogFileNames.deletedSuffix)
            } catch {
                if error.kind != .notFound { throw .io(error) }
            }
        }
    }
}
