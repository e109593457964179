// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords

/// What a batch leaves behind in the cleaned segment.
struct RetainedBatch: Sendable {
    /// The first offset, or the one of its first record in the old formats.
    var baseOffset: Int64
    var lastOffset: Int64
    /// −1 for none.
    var maxTimestamp: Int64
    var byteCount: Int
}

/// Decides what stays of each batch, and writes it.
///
/// A record stays when it is behind what was looked at for keys, or when it has a key and is the last with it. A
/// deletion (a record without value) stays until its batch's delete horizon has passed. The first cleaning that sees a
/// deletion, or a marker whose transaction has nothing left, sets that horizon in the batch: now and
/// `delete.retention.ms` (KIP-534). In the old formats, which have no place for it, the age of the segment decides.
///
/// A batch of which everything stays is copied byte for byte. Of any other a new one is made with the same base offset,
/// last offset, producer, flags and codec. A batch that shows the last sequence number, or the last epoch, of a producer
/// that is active stays though nothing in it does, and so does the last batch below the end of what is cleaned: it
/// tells where the log goes on.
struct BatchFilter {
    /// What the log remembers of a producer.
    struct LastRecord: Equatable, Sendable {
        /// −1 where no batch is known, only a marker.
        var lastDataOffset: Int64
        var epoch: Int16
    }

    let map: OffsetMap
    /// Milliseconds since 1970.
    let now: Int64
    let deleteRetentionMs: Int64
    /// The end of what may be cleaned.
    let endOffset: Int64
    let lastRecords: [Int64: LastRecord]
    let inflateLimit: Int
    /// The codec's level for batches that are made anew.
    let level: @Sendable (CompressionType) -> Int32?
    var transactions: CleanedTransactions
    /// Whether deletions in the old formats stay in the segment that is gone through.
    var keepsOldDeletions = true
    var statistics = CleaningStatistics()
    /// Which records of the batch at hand stay; kept for its memory.
    private var keeps: [Bool] = []

    init(
        map: OffsetMap, now: Int64, deleteRetentionMs: Int64, endOffset: Int64, lastRecords: [Int64: LastRecord],
        inflateLimit: Int, transactions: CleanedTransactions, level: @escaping @Sendable (CompressionType) -> Int32?
    ) {
        self.map = map
        self.now = now
        self.deleteRetentionMs = deleteRetentionMs
        self.endOffset = endOffset
        self.lastRecords = lastRecords
        self.inflateLimit = inflateLimit
        self.transactions = transactions
        self.level = level
    }

    /// Appends to `output` what stays of the entry, whose checksum was found right; nil where nothing does.
    mutating func filter(
        _ entry: SegmentEntry, _ bytes: UnsafeRawBufferPointer, into output: inout ByteWriter
    ) throws(RecordError) -> RetainedBatch? {
        guard entry.batch != nil else { return try filterOld(entry, bytes, into: &output) }
        let batch = try RecordBatch(bytes: bytes)
        let header = batch.header
        return header.attributes.isControl
            ? try filterControl(batch, into: &output) : try filterData(batch, into: &output)
    }

    // MARK: Batches of data

    private mutating func filterData(
        _ batch: RecordBatch, into output: inout ByteWriter
    ) throws(RecordError) -> RetainedBatch? {
        let header = batch.header
        let isAborted = transactions.sawData(header)
        statistics.recordsRead += Int64(max(header.recordsCount, 0))
        guard !isAborted else { return emptied(header, into: &output) }
        let found = try decide(batch)
        if found.retained == 0 { return emptied(header, into: &output) }
        statistics.recordsRetained += Int64(found.retained)
        let setsHorizon = found.hasDeletion && header.deleteHorizon == nil
        if found.retained == Int(header.recordsCount), !setsHorizon { return copied(batch, into: &output) }
        return try rebuilt(batch, horizon: setsHorizon ? horizon : header.deleteHorizon, into: &output)
    }

    private var horizon: Int64 {
        let (sum, overflow) = now.addingReportingOverflow(deleteRetentionMs)
        return overflow ? .max : sum
    }

    /// Decides on every record, and leaves the decisions in `keeps`.
    private mutating func decide(_ batch: RecordBatch) throws(RecordError) -> (retained: Int, hasDeletion: Bool) {
        keeps.removeAll(keepingCapacity: true)
        var retained = 0
        var hasDeletion = false
        let keepsDeletions = batch.header.deleteHorizon.map { now < $0 } ?? true
        var reader = try batch.makeReader(inflateLimit: inflateLimit)
        while let record = try reader.next() {
            let stays = keep(
                offset: record.offset, key: record.key, hasValue: record.value != nil, keepsDeletions: keepsDeletions)
            keeps.append(stays)
            guard stays else { continue }
            retained += 1
            if record.value == nil { hasDeletion = true }
        }
        return (retained, hasDeletion)
    }

    private mutating func keep(
        offset: Int64, key: UnsafeRawBufferPointer?, hasValue: Bool, keepsDeletions: Bool
    ) -> Bool {
        if offset > map.latestOffset { return true }
        guard let key else {
            statistics.recordsWithoutKey += 1
            return false
        }
        return (hasValue || keepsDeletions) && offset >= map.offset(of: key)
    }

    private func rebuilt(
        _ batch: RecordBatch, horizon: Int64?, into output: inout ByteWriter
    ) throws(RecordError) -> RetainedBatch {
        let start = output.count
        let header = batch.header
        var options = RecordBatchBuilder.Options(like: header)
        options.level = level(options.compression)
        options.deleteHorizon = horizon
        options.lastOffsetDelta = header.lastOffsetDelta
        var builder = RecordBatchBuilder(options, capacity: batch.bytes.count)
        var reader = try batch.makeReader(inflateLimit: inflateLimit)
        var index = 0
        var maxTimestamp: Int64 = -1
        while let record = try reader.next() {
            defer { index += 1 }
            guard keeps[index] else { continue }
            maxTimestamp = max(maxTimestamp, record.timestamp)
            try builder.append(
                offset: record.offset, timestamp: record.timestamp, key: record.key, value: record.value,
                headers: record.headers)
        }
        try builder.finish(into: &output)
        return RetainedBatch(
            baseOffset: header.baseOffset, lastOffset: header.lastOffset, maxTimestamp: maxTimestamp,
            byteCount: output.count - start)
    }

    private func copied(_ batch: RecordBatch, into output: inout ByteWriter) -> RetainedBatch {
        output.write(batch.bytes)
        let header = batch.header
        return RetainedBatch(
            baseOffset: header.baseOffset, lastOffset: header.lastOffset, maxTimestamp: header.maxTimestamp,
            byteCount: batch.bytes.count)
    }

    // MARK: Control batches

    private mutating func filterControl(
        _ batch: RecordBatch, into output: inout ByteWriter
    ) throws(RecordError) -> RetainedBatch? {
        let header = batch.header
        statistics.recordsRead += Int64(max(header.recordsCount, 0))
        var reader = try batch.makeReader(inflateLimit: inflateLimit)
        var type: ControlRecordType?
        keeps.removeAll(keepingCapacity: true)
        while let record = try reader.next() {
            if keeps.isEmpty { type = try ControlRecordType(key: record.key) }
            keeps.append(true)
        }
        let isEmpty = keeps.isEmpty
        let isFree = transactions.sawControl(header, type, isEmpty: isEmpty)
        if isEmpty || isFree && header.deleteHorizon.map({ $0 <= now }) == true {
            return emptied(header, into: &output)
        }
        statistics.recordsRetained += Int64(keeps.count)
        guard isFree, header.deleteHorizon == nil else { return copied(batch, into: &output) }
        return try rebuilt(batch, horizon: horizon, into: &output)
    }

    // MARK: Empty batches

    /// The batch without its records, where it must stay all the same; nil where it need not.
    private func emptied(_ header: RecordBatchHeader, into output: inout ByteWriter) -> RetainedBatch? {
        guard showsLastOfProducer(header) || header.nextOffset == endOffset else { return nil }
        let attributes = BatchAttributes(
            timestampType: header.attributes.timestampType, isTransactional: header.attributes.isTransactional,
            isControl: header.attributes.isControl)
        let start = output.count
        output.writeInt64(header.baseOffset)
        output.writeInt32(Int32(RecordBatchHeader.size - RecordBatchHeader.overhead))
        output.writeInt32(header.partitionLeaderEpoch)
        output.writeInt8(RecordBatchHeader.magic)
        let checksum = output.reserveField(4)
        output.writeInt16(attributes.rawValue)
        output.writeInt32(header.lastOffsetDelta)
        output.writeInt64(-1)
        output.writeInt64(header.maxTimestamp)
        output.writeInt64(header.producerID)
        output.writeInt16(header.producerEpoch)
        output.writeInt32(header.baseSequence)
        output.writeInt32(0)
        let covered = UnsafeRawBufferPointer(rebasing: output.bytes[(start + RecordBatchHeader.checksumStart)...])
        output.overwriteUInt32(CRC32C.checksum(covered), at: checksum)
        return RetainedBatch(
            baseOffset: header.baseOffset, lastOffset: header.lastOffset, maxTimestamp: header.maxTimestamp,
            byteCount: RecordBatchHeader.size)
    }

    private func showsLastOfProducer(_ header: RecordBatchHeader) -> Bool {
        guard header.hasProducerID, let last = lastRecords[header.producerID] else { return false }
        if last.lastDataOffset >= 0 { return header.lastOffset == last.lastDataOffset }
        return header.attributes.isControl && header.producerEpoch == last.epoch
    }

    // MARK: Old formats

    private mutating func filterOld(
        _ entry: SegmentEntry, _ bytes: UnsafeRawBufferPointer, into output: inout ByteWriter
    ) throws(RecordError) -> RetainedBatch? {
        let message = try LegacyMessage(parsing: bytes)
        keeps.removeAll(keepingCapacity: true)
        var firstOffset: Int64?
        try forEachOld(in: message) { (filter, record) throws(RecordError) in
            firstOffset = firstOffset ?? record.offset
            filter.keeps.append(
                filter.keep(
                    offset: record.offset, key: record.key, hasValue: record.value != nil,
                    keepsDeletions: filter.keepsOldDeletions))
        }
        let retained = keeps.count { $0 }
        statistics.recordsRead += Int64(keeps.count)
        statistics.recordsRetained += Int64(retained)
        if retained == 0 { return nil }
        if retained == keeps.count {
            output.write(message.bytes)
            return RetainedBatch(
                baseOffset: firstOffset ?? entry.lastOffset, lastOffset: entry.lastOffset,
                maxTimestamp: entry.maxTimestamp, byteCount: bytes.count)
        }
        return try rebuiltOld(message, into: &output)
    }

    private mutating func forEachOld(
        in message: LegacyMessage, _ body: (inout BatchFilter, LegacyRecord) throws(RecordError) -> Void
    ) throws(RecordError) {
        let limit = min(inflateLimit, RecordReader.heldInflateLimit)
        try LegacyMessageSet.forEachMessage(in: message, checksums: .verify, inflateLimit: limit) {
            record throws(RecordError) in try body(&self, record)
        }
    }

    private mutating func rebuiltOld(
        _ message: LegacyMessage, into output: inout ByteWriter
    ) throws(RecordError) -> RetainedBatch {
        let start = output.count
        let codec = message.compression ?? .none
        let appendTime = message.timestampType == .logAppendTime ? message.timestamp : nil
        var builder = try LegacyMessageSetBuilder(
            magic: message.magic, compression: codec, level: level(codec), logAppendTime: appendTime,
            capacity: message.bytes.count)
        var index = 0
        var made = RetainedBatch(baseOffset: -1, lastOffset: -1, maxTimestamp: -1, byteCount: 0)
        let limit = min(inflateLimit, RecordReader.heldInflateLimit)
        let keeps = keeps
        try LegacyMessageSet.forEachMessage(in: message, checksums: .ignore, inflateLimit: limit) {
            record throws(RecordError) in
            defer { index += 1 }
            guard keeps[index] else { return }
            try builder.append(
                offset: record.offset, timestamp: record.timestamp, key: record.key, value: record.value)
            if made.baseOffset < 0 { made.baseOffset = record.offset }
            made.lastOffset = record.offset
            made.maxTimestamp = max(made.maxTimestamp, record.timestamp)
        }
        try builder.finish(into: &output)
        made.byteCount = output.count - start
        return made
    }
}
