// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime

/// One cleaning of one log, done in small pieces so that it can pause, and end, between any two of them.
///
/// First the part that has not been cleaned is read, and the last offset of every key in it noted, until all of it was
/// read or the map is full. Then all segments up to there are copied, in groups, without the records that a later one
/// replaces, and each group is put into the place of its originals as soon as it is complete. Reads and appends go on;
/// the log's lock is taken only to look at it and to swap names.
///
/// Confined to whoever calls `advance`, one thread at a time.
final class LogCleaning: @unchecked Sendable {
    struct Options: Sendable {
        /// Memory for the map of keys.
        var mapBytes: Int64
        var loadFactor: Double
        /// Memory for reading, and as much again for writing.
        var bufferBytes: Int
        /// The most bytes of a cleaned segment; `segment.bytes` bounds what is put together, this what comes of it.
        var segmentBytesMax = Int64(Int32.max)
    }

    private enum Stage {
        case mapping(next: Int)
        case filtering
        case done
    }

    let log: UnifiedLog
    let plan: CleaningPlan
    private let options: Options
    private let runtime: Runtime
    private let now: Int64
    private let map: OffsetMap
    private var stage = Stage.mapping(next: 0)
    private var mappedTransactions: CleanedTransactions
    private var aborted: [AbortedTransaction]
    private var reader: OpenReader?
    /// Groups that are to be copied yet, the next at the end.
    private var groups: [[SegmentToClean]] = []
    private var nextInGroup = 0
    private var output: OpenOutput?
    private var filter: BatchFilter?
    /// In the segments that were clean before, deletions of the old formats go where the segment is not younger.
    private var oldDeletionHorizon: Int64 = 0
    private(set) var statistics = CleaningStatistics()

    /// Noncopyable things in a place where they can be missing.
    private final class OpenReader {
        var reader: SegmentReader
        init(_ reader: consuming SegmentReader) { self.reader = reader }
    }

    private final class OpenOutput {
        var output: CleanedOutput
        init(_ output: consuming CleanedOutput) { self.output = output }
    }

    /// Takes the log's state as it is; nil where nothing of it can be cleaned.
    ///
    /// - Parameter now: milliseconds since 1970.
    init?(_ log: UnifiedLog, _ options: Options, now: Int64) throws(StorageError) {
        let plan = try log.cleaningPlan(now: now)
        let range = plan.range
        guard range.firstDirtyOffset < range.firstUncleanableOffset else { return nil }
        self.log = log
        self.plan = plan
        self.options = options
        self.now = now
        runtime = log.runtime
        let random = log.runtime.random
        map = OffsetMap(
            bytes: options.mapBytes, keysMax: range.firstUncleanableOffset - range.firstDirtyOffset,
            loadFactor: options.loadFactor, hasher: SipHash128(key0: random.next(), key1: random.next()))
        // A transaction that begins below the end is decided: the end is not above the last stable offset.
        aborted = try log.abortedTransactions(
            from: plan.segments.first?.baseOffset ?? 0, upTo: range.firstUncleanableOffset)
        mappedTransactions = CleanedTransactions(aborted)
        statistics.firstDirtyOffset = range.firstDirtyOffset
        if let dirty = plan.segments.firstIndex(where: { $0.endOffset > range.firstDirtyOffset }) {
            stage = .mapping(next: dirty)
        }
    }

    /// Whether there is nothing left to do: all is cleaned, or it was abandoned.
    var isDone: Bool { if case .done = stage { true } else { false } }
    /// Whether the log is as clean as this makes it.
    private(set) var wasCompleted = false

    /// Does a piece of work of about `bufferBytes`; returns how many bytes were read and written. On an error, and
    /// where it is not to go on, `abandon` must be called.
    ///
    /// Throws `closed` where the log has lost segments meanwhile, by truncation or deletion: nothing is wrong with it.
    func advance() throws(StorageError) -> Int64 {
        let before = statistics.bytesRead + statistics.bytesWritten
        do throws(StorageError) {
            switch stage {
            case .mapping(let index): try mapPiece(index)
            case .filtering: try filterPiece()
            case .done: break
            }
        } catch {
            if case .mapping = stage, !log.holds(plan.segments, in: plan.directory) {
                throw .closed(path: plan.directory)
            }
            if !log.holds(groups.flatMap(\.self), in: plan.directory) { throw .closed(path: plan.directory) }
            throw error
        }
        return statistics.bytesRead + statistics.bytesWritten - before
    }

    /// Gives up; what was made and is not in place yet is removed.
    func abandon() {
        reader = nil
        output?.output.discard()
        output = nil
        stage = .done
    }

    // MARK: Learning the keys

    private func mapPiece(_ index: Int) throws(StorageError) {
        guard index < plan.segments.count else { return try finishMap() }
        let segment = plan.segments[index]
        let reader = try openReader(segment)
        var taken = 0
        var isFull = false
        while taken < options.bufferBytes, !isFull {
            let hasMore = try reader.reader.next { (entry, bytes) throws(RecordError) in
                taken += entry.size
                isFull = try !self.note(entry, bytes)
            }
            guard hasMore else {
                self.reader = nil
                // The offsets up to the next segment were taken out before, or never used.
                map.advance(to: segment.endOffset - 1)
                stage = .mapping(next: index + 1)
                break
            }
        }
        statistics.bytesRead += Int64(taken)
        if isFull { try finishMap() }
    }

    private func openReader(_ segment: SegmentToClean) throws(StorageError) -> OpenReader {
        if let reader { return reader }
        let opened = OpenReader(
            try SegmentReader(
                path: segment.path, baseOffset: segment.baseOffset, size: segment.size,
                bufferBytes: options.bufferBytes, runtime.files))
        reader = opened
        return opened
    }

    /// Notes the keys of a batch; false where one found no room.
    private func note(_ entry: SegmentEntry, _ bytes: UnsafeRawBufferPointer) throws(RecordError) -> Bool {
        let start = statistics.firstDirtyOffset
        guard let header = entry.batch else {
            guard entry.lastOffset >= start else { return true }
            var isFull = false
            let limit = min(plan.settings.inflateLimitBytes, RecordReader.heldInflateLimit)
            try LegacyMessageSet.forEachMessage(
                in: LegacyMessage(parsing: bytes), checksums: .verify, inflateLimit: limit
            ) { record throws(RecordError) in
                if !isFull { isFull = !put(record.key, record.offset) }
            }
            if !isFull { map.advance(to: entry.lastOffset) }
            return !isFull
        }
        let batch = try RecordBatch(bytes: bytes)
        if header.attributes.isControl {
            var records = try batch.makeReader(inflateLimit: plan.settings.inflateLimitBytes)
            let type = try records.next().map { record throws(RecordError) in try ControlRecordType(key: record.key) }
            _ = mappedTransactions.sawControl(header, type ?? nil, isEmpty: header.recordsCount == 0)
            mappedTransactions.retainedAborts = []
        } else if !mappedTransactions.sawData(header), header.lastOffset >= start {
            var records = try batch.makeReader(inflateLimit: plan.settings.inflateLimitBytes)
            while let record = try records.next() {
                guard put(record.key, record.offset) else { return false }
            }
        }
        if header.lastOffset >= start { map.advance(to: header.lastOffset) }
        return true
    }

    private func put(_ key: UnsafeRawBufferPointer?, _ offset: Int64) -> Bool {
        guard offset >= statistics.firstDirtyOffset else { return true }
        if let key, !map.put(key, offset) {
            // What comes before in the same batch was looked at, so that each cleaning gets on.
            map.advance(to: offset - 1)
            return false
        }
        return true
    }

    private func finishMap() throws(StorageError) {
        reader = nil
        // A record may go because a later one of its key has been written, and not before that one is durable: a loss
        // of power would take the later one and leave none.
        try log.flush(upTo: map.latestOffset + 1)
        statistics.endOffset = map.latestOffset + 1
        statistics.keys = map.count
        let chosen = plan.segments.prefix { $0.baseOffset < statistics.endOffset }
        let configuration = plan.configuration
        let files = runtime.files
        groups = try SegmentGroup.make(
            chosen, maxBytes: Int64(configuration.segmentBytes), maxIndexBytes: Int64(configuration.segmentIndexBytes)
        ) { segment throws(StorageError) in
            try storing { () throws(FileError) in
                SegmentGroup.IndexSizes(
                    offset: try files.status(segment.segment.offsetIndex.path)?.size ?? 0,
                    time: try files.status(segment.segment.timeIndex.path)?.size ?? 0)
            }
        }.reversed()
        statistics.segmentsBefore = chosen.count
        if let clean = plan.segments.last(where: { $0.baseOffset < statistics.firstDirtyOffset }) {
            oldDeletionHorizon = try modified(clean) - configuration.deleteRetentionMs
        }
        filter = BatchFilter(
            map: map, now: now, deleteRetentionMs: configuration.deleteRetentionMs,
            endOffset: plan.range.firstUncleanableOffset, lastRecords: plan.lastRecords,
            inflateLimit: plan.settings.inflateLimitBytes, transactions: CleanedTransactions(aborted),
            level: { configuration.level(for: $0) })
        stage = .filtering
    }

    private func modified(_ segment: SegmentToClean) throws(StorageError) -> Int64 {
        try storing { () throws(FileError) in try runtime.files.status(segment.path)?.modifiedMilliseconds ?? 0 }
    }

    // MARK: Copying what stays

    private func filterPiece() throws(StorageError) {
        guard let group = groups.last else {
            stage = .done
            return
        }
        if nextInGroup == group.count { return try finishGroup(group) }
        let segment = group[nextInGroup]
        let output = try openOutput(group)
        if reader == nil { filter?.keepsOldDeletions = try modified(segment) > oldDeletionHorizon }
        let reader = try openReader(segment)
        var taken = 0
        while taken < options.bufferBytes {
            let hasMore = try reader.reader.next { (entry, bytes) throws(RecordError) in
                taken += entry.size
                let written = try output.output.append { (buffer) throws(RecordError) in
                    try self.filter?.filter(entry, bytes, into: &buffer)
                }
                self.statistics.bytesWritten += Int64(written)
            }
            if let aborted = filter?.transactions.retainedAborts, !aborted.isEmpty {
                filter?.transactions.retainedAborts = []
                try output.output.append(aborted)
            }
            try output.output.writeIfFull()
            guard hasMore else {
                self.reader = nil
                nextInGroup += 1
                break
            }
        }
        statistics.bytesRead += Int64(taken)
    }

    private func openOutput(_ group: [SegmentToClean]) throws(StorageError) -> OpenOutput {
        if let output { return output }
        let opened = OpenOutput(
            try CleanedOutput(
                directory: plan.directory, baseOffset: group[0].baseOffset, bufferBytes: options.bufferBytes,
                segmentBytesMax: options.segmentBytesMax, plan.parameters, runtime.files))
        output = opened
        return opened
    }

    private func finishGroup(_ group: [SegmentToClean]) throws(StorageError) {
        guard let output else { return }
        try output.output.finish(modifiedMilliseconds: try modified(group[group.count - 1]))
        let made = output.output.segments
        // From here on the files are the log's: where the swap fails, they may be all there is.
        self.output = nil
        try log.replaceSegments(group.map(\.segment), with: made)
        statistics.segmentsAfter += made.count
        groups.removeLast()
        nextInGroup = 0
        guard groups.isEmpty else { return }
        if let counted = filter?.statistics {
            statistics.recordsRead = counted.recordsRead
            statistics.recordsRetained = counted.recordsRetained
            statistics.recordsWithoutKey = counted.recordsWithoutKey
        }
        log.setCleaned(upTo: statistics.endOffset)
        wasCompleted = true
        stage = .done
    }
}
