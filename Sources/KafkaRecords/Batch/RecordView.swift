// SPDX-License-Identifier: Apache-2.0

/// One record of a batch, borrowed: its bytes are valid until the next record is asked for, or until the batch's own
/// memory goes, whichever comes first.
public struct RecordView {
    public let offset: Int64
    /// Milliseconds since 1970, −1 for none. The append time of the batch where that is its timestamp type.
    public let timestamp: Int64
    /// The producer's sequence number, −1 for none.
    public let sequence: Int32
    public let key: UnsafeRawBufferPointer?
    public let value: UnsafeRawBufferPointer?
    public let headers: RecordHeaders
    /// Bytes of the record as stored, its length field included.
    public let sizeInBytes: Int
}

/// The headers of a record, decoded while they are walked. They were checked when the record was.
public struct RecordHeaders: Sequence {
    /// Number of headers.
    public let count: Int
    let bytes: UnsafeRawBufferPointer

    public var isEmpty: Bool { count == 0 }

    public func makeIterator() -> Iterator { Iterator(bytes: bytes, left: count) }

    public struct Iterator: IteratorProtocol {
        let bytes: UnsafeRawBufferPointer
        var left: Int
        var position = 0

        public mutating func next() -> RecordHeader? {
            guard left > 0, let key = nextField(), let key else { return nil }
            guard let value = nextField() else { return nil }
            left -= 1
            return RecordHeader(keyBytes: key, value: value)
        }

        /// nil at a malformed field, which the record's parser has excluded; `.some(nil)` for a null field.
        private mutating func nextField() -> UnsafeRawBufferPointer?? {
            guard let base = bytes.baseAddress else { return nil }
            var cursor = RecordCursor(position: base + position, end: base + bytes.count)
            do throws(RecordDefect) {
                let field = try cursor.readField()
                position = cursor.position - base
                return .some(field)
            } catch {
                return nil
            }
        }
    }
}

/// A header of a record, borrowed as its record is.
public struct RecordHeader {
    /// UTF-8 by agreement; Kafka checks it no more than this does.
    public let keyBytes: UnsafeRawBufferPointer
    public let value: UnsafeRawBufferPointer?

    /// The key as text; what is not UTF-8 is replaced by U+FFFD.
    public var key: String { String(decoding: keyBytes, as: UTF8.self) }
}
