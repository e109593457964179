// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

/// Turns a produced message set of magic 0 or 1 into one magic-2 batch, since the log is written in magic 2 only.
public enum MessageSetUpConversion {
    /// What came of it.
    public struct Outcome: Sendable {
        /// Messages converted.
        public var count: Int32 = 0
        /// The largest timestamp, −1 where none has one.
        public var maxTimestamp: Int64 = -1
        /// The codec that the set came in: the first wrapper's, `none` where there is no wrapper.
        public var sourceCompression = CompressionType.none
        /// The messages that break a rule of the topic; not empty: nothing was appended to the output.
        public var invalidRecords: [InvalidRecord] = []
    }

    /// Appends the batch, with base offset 0, to `output`.
    ///
    /// Messages get offsets 0, 1, … in their order; those of magic 0 no timestamp (−1). `compression` nil keeps the codec
    /// that the messages came in. All wrappers together may inflate to `rules.inflateLimit`, and to no more than
    /// `RecordReader.heldInflateLimit`, because the records are held in memory at once. Where `rules.timestampType` is LogAppendTime, `now` becomes the batch's timestamp.
    public static func convert(
        _ messages: UnsafeRawBufferPointer, compression: CompressionType?, level: Int32? = nil, rules: ProduceRules,
        now: Int64, into output: inout ByteWriter
    ) throws(RecordError) -> Outcome {
        var outcome = Outcome()
        outcome.sourceCompression = try sourceCompression(messages)
        var options = RecordBatchBuilder.Options()
        options.compression = compression ?? outcome.sourceCompression
        options.level = level
        if rules.timestampType == .logAppendTime { options.logAppendTime = now }
        var builder = RecordBatchBuilder(options, capacity: messages.count)
        let limit = min(rules.inflateLimit, RecordReader.heldInflateLimit)
        try LegacyMessageSet.forEachMessage(messages, inflateLimit: limit) {
            (message) throws(RecordError) in
            let check = RecordCheck(timestampType: message.timestampType, rules, now)
            if let defect = check.defect(hasKey: message.key != nil, timestamp: message.timestamp) {
                if outcome.invalidRecords.count < rules.recordErrorsMax {
                    outcome.invalidRecords.append(InvalidRecord(index: outcome.count, defect: defect))
                }
            } else {
                try builder.append(timestamp: message.timestamp, key: message.key, value: message.value)
                // A record is never larger than its message, so what is over the set's own size was inflated.
                guard builder.uncompressedSize <= messages.count + limit else { throw .inflatesTooLarge(limit: limit) }
            }
            outcome.count += 1
            outcome.maxTimestamp = max(outcome.maxTimestamp, message.timestamp)
        }
        guard outcome.invalidRecords.isEmpty else { return outcome }
        guard outcome.count > 0 else { throw .invalidBatch(.wrongOffsetRange) }
        if rules.timestampType == .logAppendTime { outcome.maxTimestamp = now }
        try builder.finish(into: &output)
        return outcome
    }

    private static func sourceCompression(_ messages: UnsafeRawBufferPointer) throws(RecordError) -> CompressionType {
        var cursor = BatchCursor(messages)
        while let entry = try cursor.next() {
            let codec = try LegacyMessageSet.checkedCompression(try LegacyMessage(parsing: entry.bytes))
            if codec != .none { return codec }
        }
        return .none
    }
}
