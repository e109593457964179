// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import Synchronization

extension UnifiedLog {
    /// Appends what a producer, a coordinator or the raft leader gives the leader of the partition.
    ///
    /// From a client this is exactly one batch (or, in the old formats, a message set, which is converted). It is
    /// checked before the lock is taken: format, checksum, records, timestamps. Offsets and epoch are then written
    /// into `batches` where they lie, timestamps and checksum where the topic demands it. Bytes behind the last whole
    /// batch are left out; no bytes at all are appended successfully as nothing.
    ///
    /// - Parameters:
    ///   - now: the wall clock in milliseconds since 1970.
    ///   - group: where given, small batches may be written later, when it is committed or flushed; nothing may be said of
    ///     them to anybody before.
    public func appendAsLeader(
        _ batches: UnsafeMutableRawBufferPointer, leaderEpoch: Int32, origin: AppendOrigin = .client, now: Int64,
        group: WriteGroup? = nil
    ) throws(StorageError) -> AppendInfo {
        let rules = state.withLock { $0.rules }
        switch try Self.magic(of: UnsafeRawBufferPointer(batches)) {
        case nil: return state.withLock { $0.emptyAppend(leaderEpoch: leaderEpoch) }
        case 0, 1: return try appendOldFormat(batches, leaderEpoch, origin, rules, now, group)
        default:
            let valid = try Self.validate(batches, origin, rules, now)
            guard let valid else { return try appendRewritten(batches, leaderEpoch, origin, rules, now, group) }
            return try appendValid(valid, leaderEpoch, origin, rules, now, group)
        }
    }

    /// As the other `appendAsLeader`, for batches in an array, as `RecordBatchBuilder.finish` gives them.
    public func appendAsLeader(
        _ batches: inout [UInt8], leaderEpoch: Int32, origin: AppendOrigin = .client, now: Int64,
        group: WriteGroup? = nil
    ) throws(StorageError) -> AppendInfo {
        // Typed throws do not pass through an array's `withUnsafeMutableBytes`.
        try batches.withUnsafeMutableBytes { bytes -> Result<AppendInfo, StorageError> in
            do throws(StorageError) {
                return .success(
                    try appendAsLeader(bytes, leaderEpoch: leaderEpoch, origin: origin, now: now, group: group))
            } catch {
                return .failure(error)
            }
        }.get()
    }

    /// Appends batches that a leader sent to a follower: their offsets and epochs stay. Bytes behind the last whole
    /// batch are left out.
    public func appendAsFollower(_ batches: UnsafeRawBufferPointer, now: Int64) throws(StorageError) -> AppendInfo {
        try settling { (state) throws(StorageError) in try state.appendAsFollower(batches, now: now) }
    }

    private func appendValid(
        _ batches: BatchRun, _ leaderEpoch: Int32, _ origin: AppendOrigin, _ rules: AppendRules,
        _ now: Int64, _ group: WriteGroup?
    ) throws(StorageError) -> AppendInfo {
        guard batches.bytes.count <= rules.segmentBytes else {
            throw .kafka(
                .recordListTooLarge, "\(batches.bytes.count) bytes do not fit a segment of \(rules.segmentBytes)")
        }
        let writing = group.map { LogState.Writing.deferred(isLent: $0.isLent(batches.bytes)) } ?? .now
        var truncationCount = 0
        var info = try settling { (state) throws(StorageError) in
            let info = try state.appendAsLeader(
                batches, leaderEpoch: leaderEpoch, origin: origin, now: now, writing: writing)
            truncationCount = state.truncationCount
            return info
        }
        group?.note(self, truncationCount: truncationCount, endOffset: info.lastOffset + 1)
        if rules.timestampType == .logAppendTime, !info.isDuplicate { info.logAppendTime = now }
        return info
    }

    // MARK: Validation

    private static func magic(of bytes: UnsafeRawBufferPointer) throws(StorageError) -> Int8? {
        guard bytes.count > RecordBatchHeader.magicPosition else {
            if bytes.isEmpty { return nil }
            throw .kafka(.corruptMessage, "\(bytes.count) bytes are no batch")
        }
        return Int8(bitPattern: bytes[RecordBatchHeader.magicPosition])
    }

    /// Checks the batches and stamps their timestamps. Returns those that are whole; nil where they cannot be taken as
    /// they are.
    private static func validate(
        _ batches: UnsafeMutableRawBufferPointer, _ origin: AppendOrigin, _ rules: AppendRules, _ now: Int64
    ) throws(StorageError) -> BatchRun? {
        var only: RecordBatchHeader?
        var position = 0
        while position < batches.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: batches[position...])
            if position > 0, origin == .client {
                throw .kafka(.invalidRecord, "a partition is produced exactly one batch at a time")
            }
            let batch: RecordBatch
            do throws(RecordError) {
                batch = try RecordBatch(bytes: UnsafeRawBufferPointer(rest))
            } catch {
                if position > 0, case .truncated = error { break }
                throw .kafka(error.errorCode, "\(error)")
            }
            guard let accepted = try accept(batch, rest, origin, rules, now) else { return nil }
            only = position == 0 ? accepted : nil
            position += accepted.sizeInBytes
        }
        return BatchRun(UnsafeRawBufferPointer(rebasing: batches[..<position]), only: only)
    }

    /// Checks one batch and stamps its timestamps. Returns its header; nil where it must be rewritten.
    private static func accept(
        _ batch: RecordBatch, _ memory: UnsafeMutableRawBufferPointer, _ origin: AppendOrigin, _ rules: AppendRules,
        _ now: Int64
    ) throws(StorageError) -> RecordBatchHeader? {
        let header = batch.header
        guard header.sizeInBytes <= rules.maxMessageBytes || origin == .raftLeader else {
            throw tooLarge(header.sizeInBytes, rules)
        }
        let verdict: BatchVerdict
        do throws(RecordError) {
            verdict = try ProducedBatchValidator.validate(
                batch, rules: origin == .client ? rules.client : rules.broker, now: now)
        } catch {
            throw .kafka(error.errorCode, "\(error)")
        }
        guard verdict.invalidRecords.isEmpty else { throw refusal(verdict.invalidRecords) }
        let codec = header.attributes.compression ?? .none
        if !header.attributes.isControl {
            if !verdict.offsetsAreContiguous, origin == .client { return nil }
            if rules.targetCompression(codec) != codec { return nil }
        }
        let maxTimestamp = rules.timestampType == .logAppendTime ? now : verdict.maxTimestamp
        if header.attributes.timestampType == rules.timestampType, header.maxTimestamp == maxTimestamp { return header }
        let whole = UnsafeMutableRawBufferPointer(rebasing: memory[..<header.sizeInBytes])
        BatchPatch.setMaxTimestamp(whole, type: rules.timestampType, maxTimestamp: maxTimestamp)
        do throws(RecordError) {
            return try RecordBatchHeader(parsing: UnsafeRawBufferPointer(whole))
        } catch {
            throw .kafka(error.errorCode, "\(error)")
        }
    }

    private static func tooLarge(_ size: Int, _ rules: AppendRules) -> StorageError {
        .kafka(.messageTooLarge, "a batch of \(size) bytes is over the limit of \(rules.maxMessageBytes)")
    }

    /// One bad timestamp decides the code, as clients know it.
    private static func refusal(_ records: [InvalidRecord]) -> StorageError {
        let isTimestamp = records.contains { record in
            switch record.defect {
            case .timestampOutOfRange, .timestampTypeNotAllowed: true
            default: false
            }
        }
        return .invalidRecords(
            isTimestamp ? .invalidTimestamp : .invalidRecord,
            message: isTimestamp
                ? "One or more records have been rejected due to invalid timestamp"
                : "One or more records have been rejected due to \(records.count) record errors in total",
            records: records)
    }

    // MARK: Conversion

    /// Batches that must be compressed anew, or whose offsets have gaps: makes new ones and appends those.
    private func appendRewritten(
        _ batches: UnsafeMutableRawBufferPointer, _ leaderEpoch: Int32, _ origin: AppendOrigin, _ rules: AppendRules,
        _ now: Int64, _ group: WriteGroup?
    ) throws(StorageError) -> AppendInfo {
        var output = ByteWriter(capacity: batches.count)
        do throws(RecordError) {
            var cursor = BatchCursor(UnsafeRawBufferPointer(batches))
            while let entry = try cursor.next() {
                let batch = try RecordBatch(bytes: entry.bytes)
                if batch.header.attributes.isControl {
                    output.write(entry.bytes)
                    continue
                }
                let codec = rules.targetCompression(batch.header.attributes.compression ?? .none)
                try BatchRewriter.rewrite(
                    batch, compression: codec, level: rules.demandedLevel, inflateLimit: rules.inflateLimit,
                    into: &output)
            }
        } catch {
            throw .kafka(error.errorCode, "\(error)")
        }
        // The new batches pass the same checks once more: they carry the client's timestamps, and their own size.
        let rewritten = UnsafeMutableRawBufferPointer(mutating: output.bytes)
        guard let valid = try Self.validate(rewritten, origin, rules, now) else {
            throw .kafka(.unknownServerError, "a rewritten batch is not as it should be")
        }
        return try appendValid(valid, leaderEpoch, origin, rules, now, group)
    }

    private func appendOldFormat(
        _ messages: UnsafeMutableRawBufferPointer, _ leaderEpoch: Int32, _ origin: AppendOrigin,
        _ rules: AppendRules, _ now: Int64, _ group: WriteGroup?
    ) throws(StorageError) -> AppendInfo {
        var output = ByteWriter(capacity: messages.count)
        let outcome: MessageSetUpConversion.Outcome
        do throws(RecordError) {
            let whole = try Self.wholeMessages(UnsafeRawBufferPointer(messages), rules)
            if whole.isEmpty { return state.withLock { $0.emptyAppend(leaderEpoch: leaderEpoch) } }
            outcome = try MessageSetUpConversion.convert(
                whole, compression: rules.demandedCompression, level: rules.demandedLevel, rules: rules.client,
                now: now, into: &output)
        } catch {
            throw .kafka(error.errorCode, "\(error)")
        }
        guard outcome.invalidRecords.isEmpty else { throw Self.refusal(outcome.invalidRecords) }
        guard output.count <= rules.maxMessageBytes else { throw Self.tooLarge(output.count, rules) }
        return try appendValid(BatchRun(output.bytes), leaderEpoch, origin, rules, now, group)
    }

    /// The messages that are there whole, each of which must keep to the topic's limit.
    private static func wholeMessages(
        _ bytes: UnsafeRawBufferPointer, _ rules: AppendRules
    ) throws(RecordError) -> UnsafeRawBufferPointer {
        var cursor = BatchCursor(bytes)
        while let entry = try cursor.next() {
            guard entry.header.sizeInBytes <= rules.maxMessageBytes else {
                throw .valueTooLarge(Int64(entry.header.sizeInBytes))
            }
        }
        return UnsafeRawBufferPointer(rebasing: bytes[..<cursor.position])
    }
}
