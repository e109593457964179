// SPDX-License-Identifier: Apache-2.0
private import KafkaBase

/// A magic-2 batch where it lies: a parsed header and the borrowed bytes, which must outlive it.
public struct RecordBatch {
    public let header: RecordBatchHeader
    /// The whole batch, from its base offset on, and nothing behind it.
    public let bytes: UnsafeRawBufferPointer

    /// Takes the batch at the front of `bytes`, which must hold it whole; what follows is left alone.
    public init(bytes: UnsafeRawBufferPointer) throws(RecordError) {
        header = try RecordBatchHeader(parsing: bytes)
        guard bytes.count >= header.sizeInBytes else {
            throw .truncated(needed: header.sizeInBytes, available: bytes.count)
        }
        self.bytes = UnsafeRawBufferPointer(rebasing: bytes[..<header.sizeInBytes])
    }

    /// The records as stored: plain, or one compressed block.
    public var recordBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[RecordBatchHeader.size...])
    }

    /// The checksum of the bytes as they are.
    public var computedCRC: UInt32 {
        CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[RecordBatchHeader.checksumStart...]))
    }

    public var isCRCValid: Bool { computedCRC == header.crc }

    /// Throws `checksumMismatch` where the checksum is wrong.
    public func verifyCRC() throws(RecordError) {
        let computed = computedCRC
        guard computed == header.crc else { throw .checksumMismatch(stored: header.crc, computed: computed) }
    }

    /// A walk over the records. `inflateLimit` bounds the bytes that compressed records may inflate to in all,
    /// `recordLimit` those of one of them, which is held in memory as a whole.
    public func makeReader(
        inflateLimit: Int = RecordReader.defaultInflateLimit, recordLimit: Int = RecordReader.heldInflateLimit
    ) throws(RecordError) -> RecordReader {
        try RecordReader(header: header, records: recordBytes, inflateLimit: inflateLimit, recordLimit: recordLimit)
    }

    /// Calls `body` with each record in turn. Does not look at the checksum.
    public func forEachRecord(
        inflateLimit: Int = RecordReader.defaultInflateLimit,
        _ body: (borrowing RecordView) throws(RecordError) -> Void
    ) throws(RecordError) {
        var reader = try makeReader(inflateLimit: inflateLimit)
        while let record = try reader.next() { try body(record) }
    }
}
