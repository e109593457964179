// SPDX-License-Identifier: Apache-2.0

/// Passes over the records that nearly all are.
extension RecordCursor {
    /// What the next records must be like to be passed over.
    struct PlainRecords {
        /// At most so many.
        let limit: Int
        /// The offset delta of the first, at least 0; each further one has the next.
        let firstDelta: Int
        /// Whether all have keys.
        let needsKey: Bool
        /// The batch's base timestamp, and the range that the records' must lie in.
        let baseTimestamp: Int64
        let timestamps: ClosedRange<Int64>
    }

    /// Four numbers of two bytes, and the attributes: the most that stands in front of a plain record's key.
    private static var frontMax: Int { 9 }

    /// Passes over well-formed records without headers for as long as they are what `records` says and each of their
    /// numbers takes one or two bytes; returns how many they were, and raises `latest` to the largest of their timestamps.
    /// What comes behind them, `readRecord` can tell.
    ///
    /// Takes little more than half the time of `readRecord`, because nothing is handed out and no defect is told from
    /// another.
    mutating func skip(_ records: PlainRecords, latest: inout Int64) -> Int {
        let base = position
        let available = end - base
        var largest = latest
        var start = 0
        var count = 0
        var delta = UInt(records.firstDelta) &<< 1
        while count < records.limit, available &- start >= Self.frontMax {
            var next = start
            let length = Self.short(base, &next)
            let recordEnd = next &+ Int(length &>> 1)
            next &+= 1
            let timestampDelta = Self.short(base, &next)
            guard timestampDelta <= Self.shortMax, Self.short(base, &next) == delta else { break }
            let key = Self.short(base, &next)
            // Negative lengths are odd: −1, of a key that is missing, is 1.
            guard (length | key) & 1 == 0 || (key == 1 && length & 1 == 0 && !records.needsKey) else { break }
            next &+= Int(key &>> 1)
            // The length of the value and the number of headers.
            guard recordEnd <= available, available &- next >= 3 else { break }
            let value = Self.short(base, &next)
            guard value & 1 == 0 || value == 1 else { break }
            next &+= Int(value &>> 1)
            guard next &+ 1 == recordEnd, (base + next).load(as: UInt8.self) == 0 else { break }
            let timestamp =
                records.baseTimestamp &+ (Int64(timestampDelta &>> 1) ^ (0 &- Int64(timestampDelta & 1)))
            guard records.timestamps.contains(timestamp) else { break }
            largest = max(largest, timestamp)
            start = recordEnd
            delta &+= 2
            count &+= 1
        }
        latest = largest
        position += start
        return count
    }

    private static var shortMax: UInt { 0x3FFF }

    /// Reads an unsigned LEB128 of one or two bytes, which must be there. A longer one becomes an odd number over
    /// `shortMax`: as a length it is negative, and not −1.
    @inline(__always)
    private static func short(_ base: UnsafeRawPointer, _ next: inout Int) -> UInt {
        let first = UInt((base + next).load(as: UInt8.self))
        next &+= 1
        if first < 0x80 { return first }
        let second = UInt((base + next).load(as: UInt8.self))
        next &+= 1
        return second < 0x80 ? first & 0x7F | second &<< 7 : .max
    }
}
