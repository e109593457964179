// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Synchronization

/// An offset found by a timestamp.
public struct TimestampedOffset: Equatable, Sendable {
    /// −1 where the offset was not found by the record's timestamp.
    public let timestamp: Int64
    /// The offset.
    public let offset: Int64
    /// nil where it is not known.
    public let leaderEpoch: Int32?
}

/// Where a leader epoch ends, as a leader tells a follower. Both are −1 where nothing can be said.
public struct EpochEndOffset: Equatable, Sendable {
    /// The largest epoch not above the asked one; −1 where none is known.
    public let leaderEpoch: Int32
    /// The first offset behind that epoch; −1 where none is known.
    public let endOffset: Int64
}

extension UnifiedLog {
    /// A batch whose records must be looked at, to be read without the lock.
    private struct Candidate: Sendable {
        var file: any File
        var entry: SegmentEntry
    }

    // MARK: Timestamps

    /// The first record, at or above the log's start, whose timestamp is at least `timestamp`; nil where there is none.
    public func offset(forTimestamp timestamp: Int64) throws(StorageError) -> TimestampedOffset? {
        try reporting { () throws(StorageError) in try firstRecord(atOrAfter: timestamp) }
    }

    private func firstRecord(atOrAfter timestamp: Int64) throws(StorageError) -> TimestampedOffset? {
        let start = logStartOffset
        var from = start
        // Each round ends at a record, or goes on behind a batch whose header promised one that was not there.
        while let candidate = try state.withLock({ (state) throws(StorageError) in
            try Self.candidate(&state, timestamp: timestamp, from: from)
        }) {
            let found = try firstRecord(in: candidate) { record in
                record.timestamp >= timestamp && record.offset >= start
            }
            if let found { return found }
            from = candidate.entry.nextOffset
        }
        return nil
    }

    /// The record with the largest timestamp in the log, the first of several; nil where no record has one.
    public func offsetOfMaxTimestamp() throws(StorageError) -> TimestampedOffset? {
        try reporting { () throws(StorageError) in try recordOfMaxTimestamp() }
    }

    private func recordOfMaxTimestamp() throws(StorageError) -> TimestampedOffset? {
        let candidate = try state.withLock { (state) throws(StorageError) -> Candidate? in
            try state.requireWritten()
            var best: (segment: LogSegment, entry: TimeIndex.Entry)?
            for segment in state.segments {
                let largest = try segment.largestTimestamp()
                state.touched(segment)
                if largest.timestamp >= 0, largest.timestamp > best?.entry.timestamp ?? -1 { best = (segment, largest) }
            }
            guard let best, let entry = try best.segment.entry(holding: best.entry.offset) else { return nil }
            let file = try storing { () throws(FileError) in try best.segment.openFile() }
            return Candidate(file: file, entry: entry)
        }
        guard let candidate else { return nil }
        let largest = candidate.entry.maxTimestamp
        return try firstRecord(in: candidate) { $0.timestamp == largest }
    }

    /// The log's start as the answer to "earliest".
    public func earliestOffset() -> TimestampedOffset {
        state.withLock { state in
            TimestampedOffset(
                timestamp: -1, offset: state.logStartOffset, leaderEpoch: state.epochs.epoch(of: state.logStartOffset))
        }
    }

    /// The end of what `isolation` allows as the answer to "latest".
    public func latestOffset(_ isolation: ReadIsolation) -> TimestampedOffset {
        state.withLock { state in
            let offset =
                switch isolation {
                case .highWatermark: state.highWatermark.offset
                case .lastStable: state.lastStableOffset
                case .logEnd: state.nextOffset
                }
            return TimestampedOffset(timestamp: -1, offset: offset, leaderEpoch: state.epochs.latestEpoch)
        }
    }

    /// The first batch, at or behind `from`, whose header says that it has a timestamp as large.
    private static func candidate(
        _ state: inout LogState, timestamp: Int64, from: Int64
    ) throws(StorageError) -> Candidate? {
        try state.requireWritten()
        guard var index = state.segmentIndex(for: from) else { return nil }
        while index < state.segments.count {
            let segment = state.segments[index]
            index += 1
            defer { state.touched(segment) }
            let largest = try segment.largestTimestamp()
            guard largest.timestamp >= timestamp else { continue }
            // Before the last entry with a smaller timestamp there is nothing as large.
            let start = try segment.position(before: max(try segment.offset(beforeTimestamp: timestamp), from))
            let entry = try segment.firstEntry(from: start) { $0.lastOffset >= from && $0.maxTimestamp >= timestamp }
            if let entry {
                let file = try storing { () throws(FileError) in try segment.openFile() }
                return Candidate(file: file, entry: entry)
            }
        }
        return nil
    }

    /// The first record of a batch that `isWanted` accepts. Reads and inflates the batch; holds no lock.
    private func firstRecord(
        in candidate: Candidate, _ isWanted: (_ record: (offset: Int64, timestamp: Int64)) -> Bool
    ) throws(StorageError) -> TimestampedOffset? {
        let entry = candidate.entry
        let bytes = try storing { () throws(FileError) in
            try candidate.file.readBytes(at: entry.position, count: entry.size)
        }
        var found: (offset: Int64, timestamp: Int64)?
        do throws(RecordError) {
            try withBytes(bytes) { bytes throws(RecordError) in
                let limit = options.settings.inflateLimitBytes
                if entry.batch != nil {
                    try RecordBatch(bytes: bytes).forEachRecord(inflateLimit: limit) { record throws(RecordError) in
                        let mark = (record.offset, record.timestamp)
                        if found == nil, isWanted(mark) { found = mark }
                    }
                } else {
                    try LegacyMessageSet.forEachMessage(bytes, inflateLimit: limit) { record throws(RecordError) in
                        let mark = (record.offset, record.timestamp)
                        if found == nil, isWanted(mark) { found = mark }
                    }
                }
            }
        } catch {
            throw .corrupt(path: candidate.file.path, position: entry.position, reason: "\(error)")
        }
        guard let found else { return nil }
        let epoch = state.withLock { $0.epochs.epoch(of: found.offset) }
        return TimestampedOffset(timestamp: found.timestamp, offset: found.offset, leaderEpoch: epoch)
    }

    // MARK: Leader epochs

    /// The epoch of the newest batch, or of the leader that was announced since; nil where there was none.
    public var latestEpoch: Int32? { state.withLock { $0.epochs.latestEpoch } }

    /// All epochs with their first offsets.
    public var epochEntries: [EpochEntry] { state.withLock { $0.epochs.entries } }

    /// The epoch that wrote `offset`.
    public func epoch(of offset: Int64) -> Int32? { state.withLock { $0.epochs.epoch(of: offset) } }

    /// The largest epoch known that is not above `epoch`, and the offset behind its last record (KIP-101, KIP-279).
    public func endOffset(forEpoch epoch: Int32) -> EpochEndOffset {
        state.withLock { state in
            let found = state.epochs.endOffset(for: epoch, logEndOffset: state.nextOffset)
            return EpochEndOffset(leaderEpoch: found.epoch, endOffset: found.endOffset)
        }
    }

    /// The same as seen by a leader of `leaderEpoch`: what it has not written anything in yet begins and ends at the log's
    /// end. A client may know that epoch, or one between, from an earlier leader that wrote nothing either.
    public func endOffset(forEpoch epoch: Int32, ofLeader leaderEpoch: Int32) -> EpochEndOffset {
        state.withLock { state in
            let found: (epoch: Int32, endOffset: Int64)
            if leaderEpoch > state.epochs.latestEpoch ?? LeaderEpochCache.undefinedEpoch {
                var epochs = state.epochs
                epochs.assign(epoch: leaderEpoch, startOffset: state.nextOffset)
                found = epochs.endOffset(for: epoch, logEndOffset: state.nextOffset)
            } else {
                found = state.epochs.endOffset(for: epoch, logEndOffset: state.nextOffset)
            }
            return EpochEndOffset(leaderEpoch: found.epoch, endOffset: found.endOffset)
        }
    }

    /// Notes that a leader's epoch begins at the log's end, before it has written anything.
    public func assignEpochAtEnd(_ epoch: Int32) {
        state.withLock { state in state.assignEpoch(epoch, at: state.nextOffset) }
        settle()
    }

    // MARK: Producers

    /// What is known of every producer, by id (DescribeProducers).
    public func activeProducers() -> [ProducerState] {
        // Put in order without the lock: there may be very many.
        state.withLock { Array($0.producers.producers.values) }.sorted { $0.producerID < $1.producerID }
    }

    func update(producerIDExpirationMs: Int64) {
        state.withLock { $0.settings.producerIDExpirationMs = producerIDExpirationMs }
    }

    /// Forgets producers that wrote nothing for `producer.id.expiration.ms`.
    public func removeExpiredProducers(now: Int64) {
        state.withLock { state in
            state.producers.removeExpired(now: now, expirationMs: state.settings.producerIDExpirationMs)
        }
    }
}
