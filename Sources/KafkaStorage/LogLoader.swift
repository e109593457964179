// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRuntime

/// Makes the state of a log from its directory.
///
/// First leftovers of interrupted work are finished or removed, then the segments are noted by name and size. After a
/// clean shutdown that is nearly all: only the last segment's end is looked for. Otherwise every segment that holds
/// offsets at or above the recovery point is checked batch by batch; the first that is not good ends the log there.
struct LogLoader {
    let directory: String
    let topicPartition: TopicPartition
    let configuration: LogConfiguration
    let runtime: Runtime
    let options: LogOpenOptions

    var events: [LogEvent] = []
    var segments: [LogSegment] = []
    var snapshots: [Int64] = []
    var names: [String] = []
    var namesChanged = false
    var isNew = false
    /// Whether there was no segment, so that one was made.
    var madeSegment = false
    let now: Int64

    init(
        directory: String, topicPartition: TopicPartition, configuration: LogConfiguration, runtime: Runtime,
        options: LogOpenOptions
    ) {
        self.directory = directory
        self.topicPartition = topicPartition
        self.configuration = configuration
        self.runtime = runtime
        self.options = options
        now = runtime.clock.wallMilliseconds
    }

    var files: any FileSystem { runtime.files }

    /// Whether the log never held anything: then a clean stop has not made it durable.
    private var isUnused: Bool { segments.allSatisfy { $0.size == 0 && $0.baseOffset == 0 } }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    mutating func load() throws(StorageError) -> LogState {
        try storing { () throws(FileError) in
            do throws(FileError) {
                names = try files.list(directory)
            } catch {
                guard error.kind == .notFound else { throw error }
                try files.createDirectory(directory)
                isNew = true
            }
        }
        if !names.isEmpty { try finishInterruptedWork() }
        try findSegments()
        var epochs = try loadEpochs()
        let start = max(options.logStartOffset, segments.first?.baseOffset ?? 0)
        let topicID = try loadTopicID()
        var state = try makeState(start: start, epochs: LeaderEpochCache(), topicID: topicID)
        let isUnclean = !options.wasCleanShutdown && !isNew
        // The process that wrote it may have died before the file was synced, or not have synced it because nothing was
        // in the log, and nobody else would do it.
        state.topicIDIsDirty = (isUnclean || isUnused) && topicID != nil
        if isUnclean || epochs == nil {
            try recover(&state, &epochs)
        } else {
            state.epochs = epochs ?? LeaderEpochCache()
            try dropStraySnapshots(&state, durableBelow: .max)
            try openClean(&state)
        }
        try settleBounds(&state)
        for segment in state.segments { state.noteHealing(segment) }
        state.afterwards.events = events + state.afterwards.events
        return state
    }

    /// The state with what is known before any batch was looked at.
    private mutating func makeState(
        start: Int64, epochs: LeaderEpochCache, topicID: KafkaUUID?
    ) throws(StorageError) -> LogState {
        if segments.isEmpty {
            segments = [try createSegment(at: start)]
            madeSegment = true
        }
        var state = LogState(
            topicPartition: topicPartition, files: files, random: runtime.random, settings: options.settings,
            directory: directory, topicID: topicID, configuration: configuration,
            rules: AppendRules(configuration, options.settings), segments: segments, logStartOffset: start,
            nextOffset: segments[segments.count - 1].baseOffset, highWatermark: LogOffsetMetadata(offset: start),
            recoveryPoint: options.recoveryPoint, epochs: epochs, producers: ProducerStateTable(endOffset: start),
            snapshots: snapshots)
        state.cleanedUpTo = options.cleanedUpTo
        state.hasNewNames = madeSegment || isUnused
        state.hasNewDirectory = isNew
        return state
    }

    func createSegment(at base: Int64) throws(StorageError) -> LogSegment {
        let parameters = LogState.segmentParameters(configuration, options.settings, runtime.random, now: now)
        return try storing { () throws(FileError) in
            try LogSegment.create(baseOffset: base, directory: directory, parameters, files)
        }
    }

    // MARK: Parts

    private mutating func findSegments() throws(StorageError) {
        for name in names {
            if let base = LogFileNames.offset(name, suffix: LogFileNames.logSuffix) {
                let status = try storing { () throws(FileError) in try files.status(path(name)) }
                guard let status, !status.isDirectory else { continue }
                let parameters = LogState.segmentParameters(configuration, options.settings, runtime.random, now: now)
                segments.append(
                    LogSegment(baseOffset: base, directory: directory, size: status.size, parameters, files))
            } else if let offset = LogFileNames.offset(name, suffix: LogFileNames.snapshotSuffix) {
                snapshots.append(offset)
            }
        }
        // Names are sorted and their digits padded, so that the order is that of the offsets.
        try dropUselessSegments()
        let present = Set(names)
        for segment in segments {
            let digits = LogFileNames.digits(segment.baseOffset)
            let hasIndexes =
                present.contains(digits + LogFileNames.indexSuffix)
                && present.contains(digits + LogFileNames.timeIndexSuffix)
            if !hasIndexes { segment.lacksIndexes = true }
            if present.contains(digits + LogFileNames.transactionIndexSuffix) { segment.transactionIndex.noteFile() }
            if segment.size == 0 { segment.assumeEmptyIndexes() }
        }
    }

    /// An empty segment over offsets that the one before holds was made by a roll that then failed; searches would end in
    /// it. Other empty ones are what compaction left, which Apache Kafka keeps until the next cleaning, too.
    private mutating func dropUselessSegments() throws(StorageError) {
        var index = 1
        while index < segments.count {
            if segments[index].size == 0, try reaches(segments[index - 1], beyond: segments[index].baseOffset) {
                removeFiles(of: segments.remove(at: index))
            } else {
                index += 1
            }
        }
    }

    private func reaches(_ segment: LogSegment, beyond offset: Int64) throws(StorageError) -> Bool {
        guard segment.size > 0 else { return false }
        defer { segment.release() }
        do throws(StorageError) {
            // Not its end: behind the last batch there may be anything, after an unclean stop.
            return try segment.entry(holding: offset) != nil
        } catch {
            // Damage before the last segment is for the recovery to find.
            guard case .corrupt = error else { throw error }
            return false
        }
    }

    private mutating func removeFiles(of segment: LogSegment) {
        let digits = LogFileNames.digits(segment.baseOffset)
        // The log file goes last: without it the others are orphans.
        for suffix in [LogFileNames.indexSuffix, LogFileNames.timeIndexSuffix, LogFileNames.logSuffix] {
            remove(digits + suffix, "a roll that failed left it")
        }
    }

    /// nil where the file cannot be used, so that the epochs must come from the batches.
    private mutating func loadEpochs() throws(StorageError) -> LeaderEpochCache? {
        guard names.contains(LogFileNames.leaderEpochs) else { return LeaderEpochCache() }
        let file = path(LogFileNames.leaderEpochs)
        do throws(StorageError) {
            return LeaderEpochCache(try LeaderEpochCheckpoint.read(file, files))
        } catch {
            guard case .corrupt(_, _, let reason) = error else { throw error }
            events.append(.removedFile(path: file, reason: reason))
            return nil
        }
    }

    /// nil where there is no id, or where power was lost while the file was new: it is durable only some time after it
    /// was written, that of a log that never held anything not even after a clean stop, and half of one must not take a
    /// partition out of service.
    private mutating func loadTopicID() throws(StorageError) -> KafkaUUID? {
        guard names.contains(LogFileNames.partitionMetadata) else { return nil }
        do throws(StorageError) {
            return try PartitionMetadataFile.read(path(LogFileNames.partitionMetadata), files)
        } catch {
            guard case .corrupt(_, _, let reason) = error, !options.wasCleanShutdown || isUnused else { throw error }
            remove(LogFileNames.partitionMetadata, reason)
            return nil
        }
    }

    // MARK: Clean shutdown

    private mutating func openClean(_ state: inout LogState) throws(StorageError) {
        let last = state.segments.count - 1
        do throws(StorageError) {
            state.nextOffset = try state.active.readNextOffset()
        } catch {
            guard case .corrupt(let path, let position, let reason) = error else { throw error }
            events.append(.truncatedTail(path: path, from: position, to: position, reason: reason))
            var epochs: LeaderEpochCache? = state.epochs
            try recover(&state, &epochs, from: last)
            return
        }
        try healIndexes(&state, before: state.segments.count)
        for segment in state.segments {
            segment.syncedSize = segment.size
            // Of a log that never held anything a loss of power may have taken them; they are made when it is closed.
            let lacksEmpty = segment.lacksIndexes && segment.size == 0
            segment.indexesAreSynced = !madeSegment && segment.healing == nil && !lacksEmpty
        }
        state.recoveryPoint = state.nextOffset
        if !state.snapshots.isEmpty || state.nextOffset > state.logStartOffset {
            if state.snapshots.isEmpty {
                // Nothing says what producers did before; the log is taken to have had none.
                state.producers.reset(to: state.nextOffset)
            } else {
                try state.rebuildProducers(to: state.nextOffset, now: now)
            }
        }
        for segment in state.segments { segment.release() }
    }

    // MARK: Bounds

    /// Brings the marks into their order, whatever the checkpoints said.
    private mutating func settleBounds(_ state: inout LogState) throws(StorageError) {
        if state.nextOffset < state.logStartOffset {
            // The log start was moved beyond everything that is left: nothing of it may be read.
            try state.truncateFully(startingAt: state.logStartOffset, now: now)
        }
        state.recoveryPoint = min(max(state.recoveryPoint, 0), state.nextOffset)
        // What takes the place of what is gone was not cleaned.
        state.cleanedUpTo = state.cleanedUpTo.map { min($0, state.nextOffset) }
        state.epochs.truncateFromEnd(state.nextOffset)
        state.epochs.truncateFromStart(state.logStartOffset)
        if state.epochs.isDirty { state.afterwards.needsEpochs = true }
        state.highWatermark = LogOffsetMetadata(offset: -1)
        _ = state.setHighWatermark(options.highWatermark)
        state.producers.highWatermarkAdvanced(to: state.highWatermark.offset)
    }

    // MARK: Files

    /// Removes a file that has no use; one that cannot be removed is left for the next start.
    mutating func remove(_ name: String, _ reason: String) {
        guard (try? files.remove(path(name))) != nil else { return }
        namesChanged = true
        events.append(.removedFile(path: path(name), reason: reason))
    }
}
