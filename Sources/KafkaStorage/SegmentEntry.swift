// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords

/// One batch, or one message of an old format, as it lies in a segment.
struct SegmentEntry: Sendable {
    /// Bytes that show everything here, of any format.
    static let prefixSize = RecordBatchHeader.size
    /// The least bytes an entry has.
    static let sizeMin = 26

    /// Where it begins in the segment's file.
    var position: Int64
    /// The first offset; of an old compressed message, whose first offset only its inside tells, the last.
    var baseOffset: Int64
    var lastOffset: Int64
    var size: Int
    /// −1 for none.
    var maxTimestamp: Int64
    /// nil in the old formats.
    var batch: RecordBatchHeader?

    var nextOffset: Int64 { lastOffset + 1 }
    var end: Int64 { position + Int64(size) }

    /// Stands for a batch whose offsets are in range.
    @inline(__always)
    init(batch: RecordBatchHeader, position: Int64) {
        self.position = position
        size = batch.sizeInBytes
        baseOffset = batch.baseOffset
        lastOffset = batch.lastOffset
        maxTimestamp = batch.maxTimestamp
        self.batch = batch
    }

    /// Reads the entry at the front of `bytes`, which hold it whole or at least `prefixSize` bytes of it.
    init(parsing bytes: UnsafeRawBufferPointer, position: Int64) throws(RecordError) {
        let header = try LogEntryHeader(parsing: bytes)
        self.position = position
        size = header.sizeInBytes
        if header.magic == RecordBatchHeader.magic {
            let batch = try RecordBatchHeader(parsing: bytes)
            // Offsets near the end of their range would make sums overflow; no log gets there.
            guard batch.baseOffset >= 0, batch.lastOffsetDelta >= 0,
                batch.baseOffset <= Int64.max - Int64(Int32.max) - 1
            else { throw .invalidBatch(.wrongOffsetRange) }
            baseOffset = batch.baseOffset
            lastOffset = batch.lastOffset
            maxTimestamp = batch.maxTimestamp
            self.batch = batch
        } else {
            guard header.offset >= 0, header.offset < Int64.max else { throw .invalidBatch(.wrongOffsetRange) }
            baseOffset = header.offset
            lastOffset = header.offset
            batch = nil
            maxTimestamp = -1
            // Magic 1 has a timestamp behind its attributes; its fixed part has room for it.
            if header.magic == 1, bytes.count >= 26, let base = bytes.baseAddress {
                maxTimestamp = Int64(bigEndian: base.loadUnaligned(fromByteOffset: 18, as: Int64.self))
            }
        }
    }
}
