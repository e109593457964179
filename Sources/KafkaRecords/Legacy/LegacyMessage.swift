// SPDX-License-Identifier: Apache-2.0
private import CZlib

/// One entry of a message set of magic 0 or 1, borrowed.
///
///     offset i64 · size i32 · crc u32 · magic i8 · attributes i8 · [timestamp i64, magic 1] · key · value
///
/// Key and value are an int32 length (−1 for null) and as many bytes. The checksum (CRC-32, IEEE) covers everything
/// behind it. Attribute bits 0–2 are the codec, bit 3 (magic 1) the timestamp type.
public struct LegacyMessage {
    /// Bytes of a message besides key and value, without offset and size.
    static let overheadV0 = 14
    static let overheadV1 = 22
    /// Bytes of offset and size.
    static let entryOverhead = 12

    /// As stored: of a compressed message the last offset within.
    public let offset: Int64
    public let magic: Int8
    public let crc: UInt32
    let attributes: Int8
    /// Milliseconds since 1970; −1 for none, and always in magic 0.
    public let timestamp: Int64
    public let key: UnsafeRawBufferPointer?
    public let value: UnsafeRawBufferPointer?
    /// The entry, offset and size included.
    public let bytes: UnsafeRawBufferPointer

    /// Reads the entry at the front of `bytes`, which must hold it whole; what follows is left alone.
    public init(parsing bytes: UnsafeRawBufferPointer) throws(RecordError) {
        let entry = try LogEntryHeader(parsing: bytes)
        guard entry.magic < 2 else { throw .unsupportedMagic(entry.magic) }
        guard bytes.count >= entry.sizeInBytes, let base = bytes.baseAddress else {
            throw .truncated(needed: entry.sizeInBytes, available: bytes.count)
        }
        self.bytes = UnsafeRawBufferPointer(rebasing: bytes[..<entry.sizeInBytes])
        offset = entry.offset
        magic = entry.magic
        crc = base.bigEndian(at: 12)
        attributes = base.bigEndian(at: 17)
        timestamp = magic == 0 ? -1 : base.bigEndian(at: 18)
        var position = magic == 0 ? 18 : 26
        key = try Self.field(self.bytes, &position)
        value = try Self.field(self.bytes, &position)
        guard position == entry.sizeInBytes else { throw .invalidLength(entry.sizeInBytes - position) }
    }

    /// nil for a codec id that nobody has defined.
    public var compression: CompressionType? {
        CompressionType(rawValue: attributes & Int8(BatchAttributes.codecMask))
    }

    /// nil in magic 0.
    public var timestampType: TimestampType? {
        if magic == 0 { return nil }
        return attributes & Int8(BatchAttributes.timestampTypeBit) == 0 ? .createTime : .logAppendTime
    }

    /// The checksum of the bytes as they are.
    public var computedCRC: UInt32 { LegacyChecksum.checksum(UnsafeRawBufferPointer(rebasing: bytes[16...])) }

    public var isCRCValid: Bool { computedCRC == crc }

    /// Throws `checksumMismatch` where the checksum is wrong.
    public func verifyCRC() throws(RecordError) {
        let computed = computedCRC
        guard computed == crc else { throw .checksumMismatch(stored: crc, computed: computed) }
    }

    private static func field(
        _ bytes: UnsafeRawBufferPointer, _ position: inout Int
    ) throws(RecordError) -> UnsafeRawBufferPointer? {
        guard bytes.count - position >= 4, let base = bytes.baseAddress else {
            throw .truncated(needed: 4, available: bytes.count - position)
        }
        let length = Int(base.bigEndian(at: position, as: Int32.self))
        position += 4
        if length == -1 { return nil }
        guard length >= 0 else { throw .invalidLength(length) }
        guard bytes.count - position >= length else {
            throw .truncated(needed: length, available: bytes.count - position)
        }
        defer { position += length }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + length)])
    }
}

/// CRC-32 (IEEE 802.3), the checksum of the old message formats.
package enum LegacyChecksum {
    /// The checksum of `bytes`, or of what came before with `bytes` appended when `previous` is given.
    package static func checksum(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0) -> UInt32 {
        // zlib takes a missing address for a question about its start value.
        guard let base = bytes.bindMemory(to: UInt8.self).baseAddress else { return previous }
        return UInt32(truncatingIfNeeded: crc32_z(UInt(previous), base, bytes.count))
    }
}
