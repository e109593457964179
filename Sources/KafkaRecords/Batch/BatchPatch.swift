// SPDX-License-Identifier: Apache-2.0
private import KafkaBase

/// Changes to a magic-2 batch where it lies, so that a produced batch goes to the log without being copied.
///
/// Every function takes the batch's bytes from its first one on, at least a whole header of them (a whole batch where
/// the checksum is recomputed), which the caller has parsed before: too few bytes stop the program.
public enum BatchPatch {
    /// Sets what the leader assigns. Neither field is under the checksum.
    public static func setOffsets(_ batch: UnsafeMutableRawBufferPointer, baseOffset: Int64, leaderEpoch: Int32) {
        let base = header(batch)
        base.storeBigEndian(baseOffset, at: 0)
        base.storeBigEndian(leaderEpoch, at: 12)
    }

    /// Sets the offset of the first record. Not under the checksum.
    public static func setBaseOffset(_ batch: UnsafeMutableRawBufferPointer, _ baseOffset: Int64) {
        header(batch).storeBigEndian(baseOffset, at: 0)
    }

    /// Sets whose clock the timestamps are and the largest of them, and recomputes the checksum. `batch` must be the
    /// whole batch and nothing behind it. Does nothing where both are so already.
    public static func setMaxTimestamp(
        _ batch: UnsafeMutableRawBufferPointer, type: TimestampType, maxTimestamp: Int64
    ) {
        let base = header(batch)
        let readable = UnsafeRawPointer(base)
        var attributes = BatchAttributes(rawValue: readable.bigEndian(at: 21))
        let current: Int64 = readable.bigEndian(at: 35)
        guard attributes.timestampType != type || current != maxTimestamp else { return }
        switch type {
        case .createTime: attributes.rawValue &= ~BatchAttributes.timestampTypeBit
        case .logAppendTime: attributes.rawValue |= BatchAttributes.timestampTypeBit
        }
        base.storeBigEndian(attributes.rawValue, at: 21)
        base.storeBigEndian(maxTimestamp, at: 35)
        recomputeChecksum(batch)
    }

    /// Sets the identity of the producer and the first sequence number, and recomputes the checksum. `batch` must be
    /// the whole batch and nothing behind it.
    public static func setProducer(
        _ batch: UnsafeMutableRawBufferPointer, id: Int64, epoch: Int16, baseSequence: Int32
    ) {
        let base = header(batch)
        base.storeBigEndian(id, at: 43)
        base.storeBigEndian(epoch, at: 51)
        base.storeBigEndian(baseSequence, at: 53)
        recomputeChecksum(batch)
    }

    /// Recomputes the checksum. `batch` must be the whole batch and nothing behind it.
    public static func recomputeChecksum(_ batch: UnsafeMutableRawBufferPointer) {
        let base = header(batch)
        let covered = UnsafeRawBufferPointer(rebasing: batch[RecordBatchHeader.checksumStart...])
        base.storeBigEndian(CRC32C.checksum(covered), at: 17)
    }

    private static func header(_ batch: UnsafeMutableRawBufferPointer) -> UnsafeMutableRawPointer {
        precondition(batch.count >= RecordBatchHeader.size, "a batch has at least a header")
        return batch.baseAddress!
    }
}
