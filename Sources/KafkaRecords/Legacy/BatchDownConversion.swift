// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

/// Turns stored batches into message sets of magic 0 or 1, for Fetch versions 0–1 and 2–3.
///
/// What the old formats cannot say is lost: headers, producers, transactions; of magic 0 the timestamps, too. Control
/// batches are left out, so the outcome may be empty although bytes were read: the caller then reads on behind them,
/// lest the consumer stay where it is.
public enum BatchDownConversion {
    /// What came of it.
    public struct Outcome: Equatable, Sendable {
        /// Messages written, those inside wrappers counted singly. Entries that were old enough count as one.
        public var count = 0
        /// The offset behind the last entry read, nil where there was none.
        public var nextOffset: Int64?
    }

    /// Appends the whole entries of `batches` to `output`, each as messages of at most `magic`; a partial entry at the
    /// end is left out. Plain messages below `firstOffset` are left out, too.
    ///
    /// Throws `compressionNotAllowed` for a zstd batch: no client of these versions could read it.
    public static func convert(
        _ batches: UnsafeRawBufferPointer, to magic: Int8, from firstOffset: Int64,
        inflateLimit: Int = RecordReader.heldInflateLimit, into output: inout ByteWriter
    ) throws(RecordError) -> Outcome {
        guard magic == 0 || magic == 1 else { throw .unsupportedMagic(magic) }
        var outcome = Outcome()
        var cursor = BatchCursor(batches)
        while let entry = try cursor.next() {
            if entry.header.magic <= magic {
                output.write(entry.bytes)
                outcome.count += 1
                outcome.nextOffset = entry.header.offset &+ 1
            } else if entry.header.magic == 1 {
                let message = try LegacyMessage(parsing: entry.bytes)
                outcome.count += try convert(message, from: firstOffset, inflateLimit: inflateLimit, into: &output)
                outcome.nextOffset = entry.header.offset &+ 1
            } else {
                let batch = try RecordBatch(bytes: entry.bytes)
                outcome.nextOffset = batch.header.nextOffset
                if batch.header.attributes.isControl { continue }
                outcome.count += try convert(
                    batch, to: magic, from: firstOffset, inflateLimit: inflateLimit, into: &output)
            }
        }
        return outcome
    }

    /// From magic 2; returns the number of messages written.
    private static func convert(
        _ batch: RecordBatch, to magic: Int8, from firstOffset: Int64, inflateLimit: Int,
        into output: inout ByteWriter
    ) throws(RecordError) -> Int {
        let attributes = batch.header.attributes
        guard let compression = attributes.compression else {
            throw .unknownCompression(Int8(attributes.rawValue & BatchAttributes.codecMask))
        }
        var builder = try LegacyMessageSetBuilder(
            magic: magic, compression: compression,
            logAppendTime: attributes.timestampType == .logAppendTime ? batch.header.maxTimestamp : nil,
            capacity: batch.bytes.count)
        var count = 0
        var reader = try batch.makeReader(inflateLimit: inflateLimit)
        while let record = try reader.next() {
            // A compressed set begins where its batch began, as it did in those formats.
            if compression == .none, record.offset < firstOffset { continue }
            try builder.append(
                offset: record.offset, timestamp: record.timestamp, key: record.key, value: record.value)
            count += 1
        }
        try builder.finish(into: &output)
        return count
    }

    /// From magic 1 to magic 0; returns the number of messages written.
    private static func convert(
        _ message: LegacyMessage, from firstOffset: Int64, inflateLimit: Int, into output: inout ByteWriter
    ) throws(RecordError) -> Int {
        let compression = try LegacyMessageSet.checkedCompression(message)
        var builder = try LegacyMessageSetBuilder(magic: 0, compression: compression, capacity: message.bytes.count)
        var count = 0
        try LegacyMessageSet.forEachMessage(in: message, checksums: .ignore, inflateLimit: inflateLimit) {
            (record) throws(RecordError) in
            if compression == .none, record.offset < firstOffset { return }
            try builder.append(offset: record.offset, timestamp: record.timestamp, key: record.key, value: record.value)
            count += 1
        }
        try builder.finish(into: &output)
        return count
    }
}
