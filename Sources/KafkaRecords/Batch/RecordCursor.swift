// SPDX-License-Identifier: Apache-2.0

/// Reads the parts of magic-2 records.
///
/// Its own cursor next to `ByteReader` because this is the only loop of the broker that runs per record: one-byte
/// integers, which nearly all are, take one comparison.
struct RecordCursor {
    var position: UnsafeRawPointer
    let end: UnsafeRawPointer

    init(position: UnsafeRawPointer, end: UnsafeRawPointer) {
        self.position = position
        self.end = end
    }

    /// A record's parts as they stand, before the batch's header has been applied.
    struct Parsed {
        let offsetDelta: Int32
        let timestampDelta: Int64
        let key: UnsafeRawBufferPointer?
        let value: UnsafeRawBufferPointer?
        let headersCount: Int
        let headers: UnsafeRawBufferPointer
        /// With the length field.
        let sizeInBytes: Int
    }

    /// Reads one whole record and checks that its length is that of its parts.
    @inline(__always)
    mutating func readRecord() throws(RecordDefect) -> Parsed {
        let start = position
        let length = Int(try readVarint())
        guard length >= 0 else { throw .wrongLength }
        guard end - position >= length else { throw .truncated }
        var body = RecordCursor(position: position, end: position + length)
        try body.skipAttributes()
        let timestampDelta = try body.readVarlong()
        let offsetDelta = try body.readVarint()
        let key = try body.readField()
        let value = try body.readField()
        let headersCount = try body.readVarint()
        let headers = UnsafeRawBufferPointer(start: body.position, count: body.end - body.position)
        if headersCount != 0 { try body.skipHeaders(headersCount) }
        guard body.position == body.end else { throw .wrongLength }
        position = body.end
        return Parsed(
            offsetDelta: offsetDelta, timestampDelta: timestampDelta, key: key, value: value,
            headersCount: Int(headersCount), headers: headers, sizeInBytes: position - start)
    }

    /// How many bytes the next record takes in all, nil while its length field is not whole.
    func nextRecordSize() throws(RecordDefect) -> Int? {
        var cursor = self
        let length: Int32
        do throws(RecordDefect) {
            length = try cursor.readVarint()
        } catch {
            if error == .truncated { return nil }
            throw error
        }
        guard length >= 0 else { throw .wrongLength }
        return (cursor.position - position) + Int(length)
    }

    /// Reads a length and as many bytes; nil for the length −1.
    @inline(__always)
    mutating func readField() throws(RecordDefect) -> UnsafeRawBufferPointer? {
        let length = Int(try readVarint())
        guard length >= 0 else {
            if length == -1 { return nil }
            throw .wrongLength
        }
        guard end - position >= length else { throw .wrongLength }
        defer { position += length }
        return UnsafeRawBufferPointer(start: position, count: length)
    }

    @inline(__always)
    private mutating func skipAttributes() throws(RecordDefect) {
        guard position < end else { throw .wrongLength }
        position += 1
    }

    @inline(never)
    private mutating func skipHeaders(_ count: Int32) throws(RecordDefect) {
        // A header takes two bytes at least.
        guard count >= 0, Int(count) <= (end - position) / 2 else { throw .invalidHeaderCount }
        for _ in 0..<count {
            guard try readField() != nil else { throw .invalidHeader }
            _ = try readField()
        }
    }

    @inline(__always)
    private mutating func readVarint() throws(RecordDefect) -> Int32 {
        let raw = UInt32(truncatingIfNeeded: try readUnsigned(bits: 32))
        return Int32(bitPattern: (raw >> 1) ^ (0 &- (raw & 1)))
    }

    @inline(__always)
    private mutating func readVarlong() throws(RecordDefect) -> Int64 {
        let raw = try readUnsigned(bits: 64)
        return Int64(bitPattern: (raw >> 1) ^ (0 &- (raw & 1)))
    }

    /// Unsigned LEB128 of at most `bits` bits; one and two bytes in line, since nearly all are that short.
    @inline(__always)
    private mutating func readUnsigned(bits: UInt64) throws(RecordDefect) -> UInt64 {
        guard position < end else { throw .truncated }
        let first = UInt64(position.load(as: UInt8.self))
        if first < 0x80 {
            position += 1
            return first
        }
        if position + 1 < end {
            let second = UInt64(position.load(fromByteOffset: 1, as: UInt8.self))
            if second < 0x80 {
                position += 2
                return first & 0x7F | second << 7
            }
        }
        return try readLong(bits: bits)
    }

    /// Unsigned LEB128 of at most `bits` bits.
    @inline(never)
    private mutating func readLong(bits: UInt64) throws(RecordDefect) -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        var next = position
        while true {
            guard next < end else { throw .truncated }
            let byte = next.load(as: UInt8.self)
            next += 1
            guard shift + 7 <= bits || byte >> (bits - shift) == 0 else { throw .invalidVarint }
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
            guard shift < bits else { throw .invalidVarint }
        }
        position = next
        return result
    }
}
