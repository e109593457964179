// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not records, or records cannot be written in a format.
public enum RecordError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes end inside a batch or message.
    case truncated(needed: Int, available: Int)
    /// The length field of a batch or message is impossible.
    case invalidLength(Int)
    /// The format version is not the expected one.
    case unsupportedMagic(Int8)
    /// The stored checksum is not that of the bytes.
    case checksumMismatch(stored: UInt32, computed: UInt32)
    /// A codec id that nobody has defined.
    case unknownCompression(Int8)
    /// The codec cannot stand in this format version (zstd before magic 2).
    case compressionNotAllowed(CompressionType)
    /// The compressed bytes are damaged.
    case corruptCompression(CompressionType)
    /// The records inflate to more than the caller allows.
    case inflatesTooLarge(limit: Int)
    /// The record at `index` (from 0, within its batch) is malformed.
    case invalidRecord(index: Int, RecordDefect)
    /// The header says what a client may not say.
    case invalidBatch(BatchDefect)
    /// The header's record count is not the number of records in the batch.
    case wrongRecordCount(expected: Int, found: Int)
    /// A control record's key or value is malformed.
    case invalidControlRecord
    /// A compressed message holds another compressed message, or nothing.
    case invalidWrapper
    /// A value does not fit the format: too many records, an offset or timestamp too far from the base.
    case valueTooLarge(Int64)

    public var description: String {
        switch self {
        case .truncated(let needed, let available): "needs \(needed) bytes, \(available) are left"
        case .invalidLength(let length): "length \(length) is not possible"
        case .unsupportedMagic(let magic): "magic \(magic) is not supported here"
        case .checksumMismatch(let stored, let computed): "checksum is \(stored), computed \(computed)"
        case .unknownCompression(let id): "compression type \(id) is not defined"
        case .compressionNotAllowed(let type): "compression \(type.name) is not possible in this message format"
        case .corruptCompression(let type): "the \(type.name) data is damaged"
        case .inflatesTooLarge(let limit): "the records inflate to more than \(limit) bytes"
        case .invalidRecord(let index, let defect): "record \(index): \(defect)"
        case .invalidBatch(let defect): "\(defect)"
        case .wrongRecordCount(let expected, let found): "\(expected) records were announced, \(found) found"
        case .invalidControlRecord: "the control record is malformed"
        case .invalidWrapper: "the compressed message does not hold plain messages"
        case .valueTooLarge(let value): "\(value) does not fit the format"
        }
    }
}

/// What is wrong with one record.
public enum RecordDefect: Error, Equatable, Sendable, CustomStringConvertible {
    /// The batch ends inside the record.
    case truncated
    /// The record's length is negative or not the sum of its parts.
    case wrongLength
    /// A variable-length integer is too long.
    case invalidVarint
    /// The number of headers is negative or more than the record can hold.
    case invalidHeaderCount
    /// A header's key is null.
    case invalidHeader
    /// A record of a compacted topic has no key.
    case missingKey
    /// The timestamp is outside what the topic allows.
    case timestampOutOfRange(Int64)
    /// The producer has claimed that the timestamps are the leader's.
    case timestampTypeNotAllowed

    public var description: String {
        switch self {
        case .truncated: "the batch ends inside the record"
        case .wrongLength: "the length is not that of the record's parts"
        case .invalidVarint: "a variable-length integer is too long"
        case .invalidHeaderCount: "the number of headers is not possible"
        case .invalidHeader: "a header is malformed"
        case .missingKey: "a compacted topic takes no record without a key"
        case .timestampOutOfRange(let timestamp): "timestamp \(timestamp) is out of range"
        case .timestampTypeNotAllowed: "a producer must not set the timestamp type to LogAppendTime"
        }
    }
}

/// What is wrong with a batch's header as a client's.
public enum BatchDefect: Error, Equatable, Sendable, CustomStringConvertible {
    /// The number of records is not positive, or not that of the offsets.
    case wrongOffsetRange
    /// Clients do not write control batches.
    case controlFromClient
    /// A producer id comes with a sequence number.
    case missingSequence

    public var description: String {
        switch self {
        case .wrongOffsetRange: "the number of records is not that of the batch's offsets"
        case .controlFromClient: "clients must not write control records"
        case .missingSequence: "the batch has a producer id but no sequence number"
        }
    }
}
