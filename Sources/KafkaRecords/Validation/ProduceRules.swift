// SPDX-License-Identifier: Apache-2.0

/// What a topic demands of the batches that are appended to it.
public struct ProduceRules: Equatable, Sendable {
    /// Who wrote the batch.
    public enum Source: Sendable {
        /// A client: all rules hold.
        case client
        /// The broker itself (coordinators, raft): control batches are allowed, offsets and counts are its own affair.
        case broker
    }

    public var source = Source.client
    /// Whether the cleanup policy includes `compact`: records then need a key.
    public var isCompacted = false
    /// The topic's `message.timestamp.type`.
    public var timestampType = TimestampType.createTime
    /// The topic's `message.timestamp.before.max.ms`: how old a record may be, in milliseconds.
    public var timestampBeforeMax = Int64.max
    /// The topic's `message.timestamp.after.max.ms`: how far in the future a record may be, in milliseconds.
    public var timestampAfterMax: Int64 = 3_600_000
    /// Bytes that a compressed batch may inflate to.
    public var inflateLimit = RecordReader.defaultInflateLimit
    /// How many offending records are listed; one more only makes the answer longer.
    public var recordErrorsMax = 1000

    public init() {}
}

/// One record that breaks a rule of its topic.
public struct InvalidRecord: Equatable, Sendable {
    /// The record's place in its batch, from 0.
    public let index: Int32
    /// `missingKey`, `timestampOutOfRange` or `timestampTypeNotAllowed`.
    public let defect: RecordDefect

    public init(index: Int32, defect: RecordDefect) {
        self.index = index
        self.defect = defect
    }
}

/// What came out of the validation of a well-formed batch.
public struct BatchVerdict: Equatable, Sendable {
    /// The largest timestamp of the records, −1 where none has one. The header's own may be wrong.
    public var maxTimestamp: Int64 = -1
    /// Whether the records' offsets are base, base + 1, …; if not, the batch must be rewritten (`BatchRewriter`).
    public var offsetsAreContiguous = true
    /// The records that break a rule, in order, at most `ProduceRules.recordErrorsMax`. Not empty: the batch is
    /// refused as a whole.
    public var invalidRecords: [InvalidRecord] = []

    public init() {}
}
