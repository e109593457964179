// SPDX-License-Identifier: Apache-2.0
import KafkaRecords

/// How a record of a swarm run looks: its serial number in a header, the key as eight bytes, and a value that follows
/// from the serial number.
enum SwarmRecordBytes {
    static let header = "n"

    static func headerValue(_ serial: Int32) -> [UInt8] { withUnsafeBytes(of: serial.bigEndian) { Array($0) } }

    static func key(_ key: Int32) -> [UInt8]? {
        key < 0 ? nil : withUnsafeBytes(of: Int64(key).bigEndian) { Array($0) }
    }

    static func value(_ serial: Int32, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            fill(UnsafeMutableRawBufferPointer(buffer), serial)
            filled = count
        }
    }

    private static func fill(_ buffer: UnsafeMutableRawBufferPointer, _ serial: Int32) {
        var filler = SplitMix64(seed: UInt64(truncatingIfNeeded: serial) &+ 0x5357_4152)
        var position = 0
        while position < buffer.count {
            let word = filler.next()
            let count = min(8, buffer.count - position)
            withUnsafeBytes(of: word) { bytes in
                UnsafeMutableRawBufferPointer(rebasing: buffer[position..<position + count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            }
            position += count
        }
    }

    /// The serial number that a record claims to have.
    static func serial(of record: borrowing RecordView) -> Int32? {
        for header in record.headers {
            guard let value = header.value, value.count == 4 else { return nil }
            return Int32(bigEndian: value.loadUnaligned(as: Int32.self))
        }
        return nil
    }

    /// What is wrong with the record's bytes; nil where they are what was sent.
    static func fault(_ record: borrowing RecordView, _ serial: Int32, _ sent: SwarmRecord) -> String? {
        if let found = record.key {
            guard found.count == 8, Int64(bigEndian: found.loadUnaligned(as: Int64.self)) == Int64(sent.key) else {
                return "its key is altered"
            }
        } else if sent.key >= 0 {
            return "its key is gone"
        }
        guard let found = record.value else { return sent.isTombstone ? nil : "its value is gone" }
        guard !sent.isTombstone, found.count == Int(sent.valueBytes) else { return "its value has another length" }
        let isEqual = withUnsafeTemporaryAllocation(byteCount: found.count, alignment: 8) { expected in
            fill(expected, serial)
            return expected.elementsEqual(found)
        }
        return isEqual ? nil : "its value is altered"
    }
}
