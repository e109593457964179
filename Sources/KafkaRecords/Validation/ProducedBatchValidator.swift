// SPDX-License-Identifier: Apache-2.0

/// Checks a produced magic-2 batch against the format and the rules of its topic, as Kafka's leader does.
///
/// Looks at everything once: checksum, header, every record. An uncompressed batch costs a walk over its records'
/// lengths; a compressed one is inflated through a small window, because damage inside it would otherwise be found by
/// consumers only.
public enum ProducedBatchValidator {
    /// Throws where the batch is damaged or may not be appended at all; rules that single records break are in the
    /// verdict. `now` is the wall clock in milliseconds since 1970.
    public static func validate(
        _ batch: RecordBatch, rules: ProduceRules, now: Int64
    ) throws(RecordError) -> BatchVerdict {
        try batch.verifyCRC()
        if rules.source == .client { try checkHeader(batch.header) }
        let check = RecordCheck(batch.header, rules, now)
        var verdict = BatchVerdict()
        var maxTimestamp: Int64 = -1
        var reader = try batch.makeReader(inflateLimit: rules.inflateLimit)
        var expectedDelta: Int32 = 0
        var plainTimestamps = check.acceptedTimestamps
        while true {
            if let timestamps = plainTimestamps {
                let count = reader.skipPlain(needsKey: check.needsKey, timestamps: timestamps, latest: &maxTimestamp)
                // Where one record is not plain, most are not.
                if count == 0 { plainTimestamps = nil }
                expectedDelta += Int32(count)
            }
            guard let record = try reader.nextParsed() else { break }
            let timestamp = reader.timestamp(of: record)
            if timestamp > maxTimestamp { maxTimestamp = timestamp }
            if record.offsetDelta != expectedDelta { verdict.offsetsAreContiguous = false }
            if let defect = check.defect(hasKey: record.key != nil, timestamp: timestamp),
                verdict.invalidRecords.count < rules.recordErrorsMax
            {
                verdict.invalidRecords.append(InvalidRecord(index: expectedDelta, defect: defect))
            }
            expectedDelta += 1
        }
        verdict.maxTimestamp = maxTimestamp
        return verdict
    }

    /// What a client may say in a batch's header.
    private static func checkHeader(_ header: RecordBatchHeader) throws(RecordError) {
        guard header.recordsCount > 0, header.lastOffsetDelta == header.recordsCount - 1 else {
            throw .invalidBatch(.wrongOffsetRange)
        }
        if header.attributes.isControl { throw .invalidBatch(.controlFromClient) }
        if header.hasProducerID, header.baseSequence < 0 { throw .invalidBatch(.missingSequence) }
    }
}

/// The topic's rules for one record, worked out once per batch.
struct RecordCheck {
    let needsKey: Bool
    private let checksRange: Bool
    private let oldest: Int64
    private let newest: Int64
    private let refusesTimestampType: Bool

    init(_ header: RecordBatchHeader, _ rules: ProduceRules, _ now: Int64) {
        self.init(timestampType: header.attributes.timestampType, rules, now)
    }

    init(timestampType: TimestampType?, _ rules: ProduceRules, _ now: Int64) {
        needsKey = rules.isCompacted
        checksRange = rules.timestampType == .createTime
        let (oldest, before) = now.subtractingReportingOverflow(max(rules.timestampBeforeMax, 0))
        self.oldest = before || rules.timestampBeforeMax == .max ? .min : oldest
        let (newest, after) = now.addingReportingOverflow(max(rules.timestampAfterMax, 0))
        self.newest = after ? .max : newest
        // The append time is the leader's to set.
        refusesTimestampType = timestampType == .logAppendTime
    }

    /// The timestamps that no rule is against; nil where one is against records of any timestamp.
    var acceptedTimestamps: ClosedRange<Int64>? {
        if checksRange { return oldest <= newest ? oldest...newest : nil }
        return refusesTimestampType ? nil : .min ... .max
    }

    @inline(__always)
    func defect(hasKey: Bool, timestamp: Int64) -> RecordDefect? {
        if needsKey, !hasKey { return .missingKey }
        if checksRange, timestamp != -1 {
            return timestamp < oldest || timestamp > newest ? .timestampOutOfRange(timestamp) : nil
        }
        return refusesTimestampType ? .timestampTypeNotAllowed : nil
    }
}
