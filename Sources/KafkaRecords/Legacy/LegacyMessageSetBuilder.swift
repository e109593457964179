// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

/// Writes a message set of magic 0 or 1: plain messages, or one wrapper with compressed ones inside.
public struct LegacyMessageSetBuilder: ~Copyable {
    private let magic: Int8
    private let compression: CompressionType
    private let level: Int32?
    private let logAppendTime: Int64?
    private var writer: ByteWriter
    private var baseOffset: Int64?
    private var lastOffset: Int64 = -1
    private var maxTimestamp: Int64 = -1

    /// `magic` is 0 or 1. When `logAppendTime` is not nil it is every message's timestamp (magic 1). Throws
    /// `compressionNotAllowed` for zstd.
    public init(
        magic: Int8, compression: CompressionType = .none, level: Int32? = nil, logAppendTime: Int64? = nil,
        capacity: Int = 1024
    ) throws(RecordError) {
        guard magic == 0 || magic == 1 else { throw .unsupportedMagic(magic) }
        if compression == .zstd { throw .compressionNotAllowed(.zstd) }
        self.magic = magic
        self.compression = compression
        self.level = level
        self.logAppendTime = logAppendTime
        writer = ByteWriter(capacity: capacity)
    }

    /// Adds a message; offsets must ascend.
    public mutating func append(
        offset: Int64, timestamp: Int64, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?
    ) throws(RecordError) {
        let base = baseOffset ?? offset
        guard baseOffset == nil || offset > lastOffset else { throw .valueTooLarge(offset) }
        baseOffset = base
        lastOffset = offset
        let timestamp = logAppendTime ?? timestamp
        maxTimestamp = max(maxTimestamp, timestamp)
        let isRelative = magic == 1 && compression != .none
        try Self.write(
            head(offset: isRelative ? offset - base : offset, timestamp: timestamp, codec: .none), key: key,
            value: value, into: &writer)
    }

    /// Appends the finished set to `output`; nothing where no message was added.
    public consuming func finish(into output: inout ByteWriter) throws(RecordError) {
        if baseOffset == nil { return }
        guard compression != .none else { return output.write(writer.bytes) }
        var compressed = ByteWriter(capacity: writer.count)
        Compression.compress(
            writer.bytes, type: compression, level: level, lz4Framing: magic == 0 ? .magic0 : .standard,
            into: &compressed)
        try Self.write(
            head(offset: lastOffset, timestamp: maxTimestamp, codec: compression), key: nil, value: compressed.bytes,
            into: &output)
    }

    /// What stands in front of a message's key.
    private struct Head {
        let offset: Int64
        let magic: Int8
        let attributes: Int8
        let timestamp: Int64
    }

    private func head(offset: Int64, timestamp: Int64, codec: CompressionType) -> Head {
        let isAppendTime = magic == 1 && logAppendTime != nil
        return Head(
            offset: offset, magic: magic,
            attributes: codec.rawValue | (isAppendTime ? Int8(BatchAttributes.timestampTypeBit) : 0),
            timestamp: timestamp)
    }

    private static func write(
        _ head: Head, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, into output: inout ByteWriter
    ) throws(RecordError) {
        let overhead = head.magic == 0 ? LegacyMessage.overheadV0 : LegacyMessage.overheadV1
        let size = overhead + (key?.count ?? 0) + (value?.count ?? 0)
        guard let length = Int32(exactly: size) else { throw .valueTooLarge(Int64(size)) }
        output.reserve(size + LegacyMessage.entryOverhead)
        output.writeInt64(head.offset)
        output.writeInt32(length)
        let crcPosition = output.reserveField(4)
        output.writeInt8(head.magic)
        output.writeInt8(head.attributes)
        if head.magic == 1 { output.writeInt64(head.timestamp) }
        write(key, into: &output)
        write(value, into: &output)
        let covered = UnsafeRawBufferPointer(rebasing: output.bytes[(crcPosition + 4)...])
        output.overwriteUInt32(LegacyChecksum.checksum(covered), at: crcPosition)
    }

    private static func write(_ bytes: UnsafeRawBufferPointer?, into output: inout ByteWriter) {
        guard let bytes else { return output.writeInt32(-1) }
        output.writeInt32(Int32(bytes.count))
        output.write(bytes)
    }
}
