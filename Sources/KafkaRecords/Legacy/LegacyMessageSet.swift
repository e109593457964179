// SPDX-License-Identifier: Apache-2.0

/// The messages of magic 0 and 1 in a buffer, the ones inside compressed wrappers included.
///
/// A wrapper is a message whose codec is not `none` and whose value is a compressed message set. In magic 0 the inner
/// messages carry absolute offsets; in magic 1 they count from 0 and the wrapper carries the last one's absolute offset,
/// and the wrapper's timestamp overrides theirs where it is the append time.
public enum LegacyMessageSet {
    /// Calls `body` with each plain message of `bytes`, which must be whole entries of magic 0 and 1.
    ///
    /// Verifies the checksum of every message, wrapper and inner alike. `inflateLimit` bounds what one wrapper may
    /// inflate to. Views are valid until `body` returns.
    public static func forEachMessage(
        _ bytes: UnsafeRawBufferPointer, inflateLimit: Int = RecordReader.heldInflateLimit,
        _ body: (LegacyRecord) throws(RecordError) -> Void
    ) throws(RecordError) {
        var cursor = BatchCursor(bytes)
        while let entry = try cursor.next() {
            try forEachMessage(
                in: try LegacyMessage(parsing: entry.bytes), checksums: .verify, inflateLimit: inflateLimit, body)
        }
        guard cursor.position == bytes.count else {
            throw .truncated(needed: LogEntryHeader.size, available: bytes.count - cursor.position)
        }
    }

    /// Whether checksums are looked at.
    public enum Checksums: Sendable {
        case verify
        case ignore
    }

    /// Calls `body` with the message itself, or with each message inside it where it is a wrapper.
    public static func forEachMessage(
        in message: LegacyMessage, checksums: Checksums, inflateLimit: Int = RecordReader.heldInflateLimit,
        _ body: (LegacyRecord) throws(RecordError) -> Void
    ) throws(RecordError) {
        if checksums == .verify { try message.verifyCRC() }
        let compression = try checkedCompression(message)
        guard compression != .none else {
            try body(
                LegacyRecord(
                    message: message, offset: message.offset, timestamp: message.timestamp,
                    timestampType: message.timestampType))
            return
        }
        guard let value = message.value else { throw .invalidWrapper }
        let inner = try Compression.decompress(
            value, type: compression, lz4Framing: message.magic == 0 ? .magic0 : .standard, limit: inflateLimit)
        // Typed throws do not pass through `withUnsafeBytes` of an array.
        let result: Result<Void, RecordError> = inner.withUnsafeBytes { inner in
            do throws(RecordError) {
                return .success(try forEachInner(inner, of: message, checksums: checksums, body))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private static func forEachInner(
        _ inner: UnsafeRawBufferPointer, of wrapper: LegacyMessage, checksums: Checksums,
        _ body: (LegacyRecord) throws(RecordError) -> Void
    ) throws(RecordError) {
        var offsetShift: Int64 = 0
        if wrapper.magic == 1 { offsetShift = wrapper.offset &- (try lastOffset(inner)) }
        var cursor = BatchCursor(inner)
        while let entry = try cursor.next() {
            let message = try LegacyMessage(parsing: entry.bytes)
            guard message.magic == wrapper.magic, message.compression == CompressionType.none else {
                throw .invalidWrapper
            }
            if checksums == .verify { try message.verifyCRC() }
            let timestamp = wrapper.timestampType == .logAppendTime ? wrapper.timestamp : message.timestamp
            try body(
                LegacyRecord(
                    message: message, offset: message.offset &+ offsetShift, timestamp: timestamp,
                    timestampType: wrapper.timestampType))
        }
        guard cursor.position == inner.count, cursor.position > 0 else { throw .invalidWrapper }
    }

    private static func lastOffset(_ inner: UnsafeRawBufferPointer) throws(RecordError) -> Int64 {
        var cursor = BatchCursor(inner)
        var last: Int64 = 0
        while let entry = try cursor.next() { last = entry.header.offset }
        return last
    }

    static func checkedCompression(_ message: LegacyMessage) throws(RecordError) -> CompressionType {
        guard let compression = message.compression else {
            throw .unknownCompression(message.attributes & Int8(BatchAttributes.codecMask))
        }
        // Zstandard came with magic 2 (KIP-110).
        if compression == .zstd { throw .compressionNotAllowed(.zstd) }
        return compression
    }
}

/// A plain message with what a wrapper around it says applied.
public struct LegacyRecord {
    /// The message itself, as stored.
    public let message: LegacyMessage
    /// Absolute.
    public let offset: Int64
    /// Milliseconds since 1970, −1 for none.
    public let timestamp: Int64
    /// nil in magic 0.
    public let timestampType: TimestampType?

    public var key: UnsafeRawBufferPointer? { message.key }
    public var value: UnsafeRawBufferPointer? { message.value }
}
