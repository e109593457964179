// SPDX-License-Identifier: Apache-2.0

/// The 61 bytes in front of the records of a magic-2 batch.
///
///     0 baseOffset i64 · 8 batchLength i32 · 12 partitionLeaderEpoch i32 · 16 magic i8 · 17 crc u32 ·
///     21 attributes i16 · 23 lastOffsetDelta i32 · 27 baseTimestamp i64 · 35 maxTimestamp i64 ·
///     43 producerID i64 · 51 producerEpoch i16 · 53 baseSequence i32 · 57 recordsCount i32
///
/// All big-endian. The checksum (CRC-32C) covers byte 21 to the end of the batch, so base offset and leader epoch can
/// be changed without touching it. Parsing checks the shape (magic, length), not the meaning and not the checksum.
public struct RecordBatchHeader: Equatable, Sendable {
    /// Bytes of a header.
    public static let size = 61
    /// Bytes of `baseOffset` and `batchLength`, which `batchLength` does not count.
    public static let overhead = 12
    /// The format version these batches carry.
    public static let magic: Int8 = 2
    /// Where the bytes under the checksum begin.
    public static let checksumStart = 21
    /// Where, in this and the older formats alike, the magic byte stands.
    public static let magicPosition = 16

    public var baseOffset: Int64
    /// Bytes after this field: the batch's size less `overhead`.
    public var batchLength: Int32
    public var partitionLeaderEpoch: Int32
    public var crc: UInt32
    public var attributes: BatchAttributes
    /// The last record's offset less the base offset; survives compaction.
    public var lastOffsetDelta: Int32
    /// Milliseconds since 1970; what the records' timestamp deltas count from, or the delete horizon.
    public var baseTimestamp: Int64
    /// Milliseconds since 1970, −1 for none.
    public var maxTimestamp: Int64
    /// −1 for none.
    public var producerID: Int64
    /// −1 for none.
    public var producerEpoch: Int16
    /// −1 for none.
    public var baseSequence: Int32
    /// May be 0 for a batch that compaction has emptied.
    public var recordsCount: Int32

    /// Reads the header at the front of `bytes`, which need not hold the whole batch.
    ///
    /// Throws `truncated` for fewer than 61 bytes, `unsupportedMagic` for another format and `invalidLength` where the
    /// batch would be shorter than its own header.
    public init(parsing bytes: UnsafeRawBufferPointer) throws(RecordError) {
        guard bytes.count >= Self.size, let base = bytes.baseAddress else {
            throw .truncated(needed: Self.size, available: bytes.count)
        }
        let magic = base.load(fromByteOffset: Self.magicPosition, as: Int8.self)
        guard magic == Self.magic else { throw .unsupportedMagic(magic) }
        baseOffset = base.bigEndian(at: 0)
        batchLength = base.bigEndian(at: 8)
        guard batchLength >= Int32(Self.size - Self.overhead) else { throw .invalidLength(Int(batchLength)) }
        partitionLeaderEpoch = base.bigEndian(at: 12)
        crc = base.bigEndian(at: 17)
        attributes = BatchAttributes(rawValue: base.bigEndian(at: 21))
        lastOffsetDelta = base.bigEndian(at: 23)
        baseTimestamp = base.bigEndian(at: 27)
        maxTimestamp = base.bigEndian(at: 35)
        producerID = base.bigEndian(at: 43)
        producerEpoch = base.bigEndian(at: 51)
        baseSequence = base.bigEndian(at: 53)
        recordsCount = base.bigEndian(at: 57)
    }

    /// Of the header at the front of `bytes` only what a request is checked for before anything else; nil exactly where
    /// `init(parsing:)` throws.
    @inline(__always)
    public static func glance(
        at bytes: UnsafeRawBufferPointer
    ) -> (sizeInBytes: Int, attributes: BatchAttributes)? {
        guard bytes.count >= Self.size, let base = bytes.baseAddress,
            base.load(fromByteOffset: Self.magicPosition, as: Int8.self) == Self.magic
        else { return nil }
        let length = base.bigEndian(at: 8, as: Int32.self)
        guard length >= Int32(Self.size - Self.overhead) else { return nil }
        return (Int(length) + Self.overhead, BatchAttributes(rawValue: base.bigEndian(at: 21)))
    }

    /// The size of the whole batch in bytes.
    public var sizeInBytes: Int { Int(batchLength) + Self.overhead }
    /// The offset of the last record the batch was made with. Wraps on nonsense instead of trapping.
    public var lastOffset: Int64 { baseOffset &+ Int64(lastOffsetDelta) }
    /// The offset behind the batch.
    public var nextOffset: Int64 { lastOffset &+ 1 }
    public var hasProducerID: Bool { producerID >= 0 }

    /// The sequence number of the last record, −1 for none. After 2³¹−1 comes 0.
    public var lastSequence: Int32 {
        baseSequence < 0 ? -1 : Self.incrementSequence(baseSequence, by: lastOffsetDelta)
    }

    /// When tombstones in this batch may go, in milliseconds since 1970; nil while nothing has set it (KIP-534).
    public var deleteHorizon: Int64? { attributes.hasDeleteHorizon ? baseTimestamp : nil }

    /// `sequence` moved on by `count`, both at least 0; after 2³¹−1 comes 0.
    public static func incrementSequence(_ sequence: Int32, by count: Int32) -> Int32 {
        Int32(truncatingIfNeeded: (Int64(sequence) + Int64(count)) & 0x7FFF_FFFF)
    }

    /// `sequence` moved back by `count`, both at least 0; before 0 comes 2³¹−1.
    public static func decrementSequence(_ sequence: Int32, by count: Int32) -> Int32 {
        Int32(truncatingIfNeeded: (Int64(sequence) - Int64(count)) & 0x7FFF_FFFF)
    }
}

extension UnsafeRawPointer {
    @inline(__always)
    func bigEndian<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: T.Type = T.self) -> T {
        T(bigEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}

extension UnsafeMutableRawPointer {
    @inline(__always)
    func storeBigEndian<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at offset: Int) {
        storeBytes(of: value.bigEndian, toByteOffset: offset, as: T.self)
    }
}
