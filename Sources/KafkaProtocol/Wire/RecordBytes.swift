// SPDX-License-Identifier: Apache-2.0
import KafkaBase

/// The record batches of a Produce or Fetch message, as bytes that nobody here looks into.
///
/// Decoding yields `.null` or `.borrowed`. A borrowed value points into the received frame and dies with it: whoever
/// keeps a message longer than its frame copies the bytes out (`copy()`).
// Unchecked: the borrowed pointer is only read, and the frame's owner keeps the bytes unchanged while it is lent.
public enum RecordBytes: @unchecked Sendable {
    case null
    case borrowed(UnsafeRawBufferPointer)
    case owned([UInt8])
    /// Only for encoding: so many bytes, sent from elsewhere, stand here (`ByteWriter.splice`).
    case spliced(Int)

    /// Length in bytes; 0 for null.
    public var count: Int {
        switch self {
        case .null: 0
        case .borrowed(let bytes): bytes.count
        case .owned(let bytes): bytes.count
        case .spliced(let length): length
        }
    }

    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// Gives `body` the bytes; an empty buffer for null and for spliced bytes, which are not here.
    public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        switch self {
        case .null, .spliced: return try body(UnsafeRawBufferPointer(start: nil, count: 0))
        case .borrowed(let bytes): return try body(bytes)
        case .owned(let array):
            let result: Result<R, E> = array.withUnsafeBytes { bytes in
                do throws(E) { return .success(try body(bytes)) } catch { return .failure(error) }
            }
            return try result.get()
        }
    }

    /// The same bytes independent of the frame they were received in.
    public func copy() -> RecordBytes {
        if case .borrowed(let bytes) = self { .owned([UInt8](bytes)) } else { self }
    }
}

extension ByteReader {
    @inline(never)
    mutating func readNullableRecords(flexible: Bool, nullable: Bool = true) throws(WireError) -> RecordBytes {
        guard let length = try readLength(flexible: flexible) else {
            guard nullable else { throw WireError(.unexpectedNull) }
            return .null
        }
        return .borrowed(try readBorrowed(length))
    }

    @inline(never)
    mutating func readRecords(flexible: Bool) throws(WireError) -> RecordBytes {
        try readNullableRecords(flexible: flexible, nullable: false)
    }
}

extension ByteWriter {
    @inline(never)
    mutating func writeNullableRecords(
        _ records: RecordBytes, flexible: Bool, nullable: Bool = true
    ) throws(WireError) {
        if case .null = records {
            guard nullable else { throw WireError(.unexpectedNull) }
            writeNullLength(flexible: flexible)
            return
        }
        try writeLength(records.count, flexible: flexible)
        switch records {
        case .null: break
        case .borrowed(let bytes): write(bytes)
        case .owned(let bytes): write(bytes)
        case .spliced(let length): splice(length: length)
        }
    }

    @inline(never)
    mutating func writeRecords(_ records: RecordBytes, flexible: Bool) throws(WireError) {
        try writeNullableRecords(records, flexible: flexible, nullable: false)
    }
}
