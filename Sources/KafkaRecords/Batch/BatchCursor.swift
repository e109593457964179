// SPDX-License-Identifier: Apache-2.0

/// What stands at the front of every entry of a log in all formats: offset, length and magic.
public struct LogEntryHeader: Equatable, Sendable {
    /// Bytes needed to read this: up to and including the magic byte.
    public static let size = 17

    /// The first offset of a magic-2 batch, the last offset of an older entry.
    public let offset: Int64
    public let magic: Int8
    /// Bytes of the whole entry.
    public let sizeInBytes: Int

    /// Throws `truncated` for fewer than 17 bytes, `unsupportedMagic` outside 0…2 and `invalidLength` where the entry
    /// would be shorter than its format's fixed part.
    public init(parsing bytes: UnsafeRawBufferPointer) throws(RecordError) {
        guard bytes.count >= Self.size, let base = bytes.baseAddress else {
            throw .truncated(needed: Self.size, available: bytes.count)
        }
        offset = base.bigEndian(at: 0)
        magic = base.load(fromByteOffset: RecordBatchHeader.magicPosition, as: Int8.self)
        let length = Int(base.bigEndian(at: 8, as: Int32.self))
        let minimum: Int
        switch magic {
        case 0: minimum = LegacyMessage.overheadV0
        case 1: minimum = LegacyMessage.overheadV1
        case 2: minimum = RecordBatchHeader.size - RecordBatchHeader.overhead
        default: throw .unsupportedMagic(magic)
        }
        guard length >= minimum else { throw .invalidLength(length) }
        sizeInBytes = length + RecordBatchHeader.overhead
    }
}

/// Walks the entries (batches of magic 2, messages of magic 0 and 1) that lie one after the other in a buffer.
public struct BatchCursor {
    /// Where the next entry begins.
    public private(set) var position = 0
    private let bytes: UnsafeRawBufferPointer

    public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next entry's header and bytes; nil where no whole entry is left. `position` then tells how many bytes were
    /// whole entries. Throws for an entry whose header is impossible.
    public mutating func next() throws(RecordError) -> (header: LogEntryHeader, bytes: UnsafeRawBufferPointer)? {
        let rest = bytes[position...]
        if rest.count < LogEntryHeader.size { return nil }
        let header = try LogEntryHeader(parsing: UnsafeRawBufferPointer(rebasing: rest))
        if rest.count < header.sizeInBytes { return nil }
        let entry = UnsafeRawBufferPointer(rebasing: rest.prefix(header.sizeInBytes))
        position += header.sizeInBytes
        return (header, entry)
    }
}
