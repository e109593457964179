// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@testable import KafkaRecords

/// A record with its bytes copied, for comparing.
struct OwnedRecord: Equatable, Sendable {
    var offset: Int64
    var timestamp: Int64
    var sequence: Int32 = -1
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [OwnedHeader] = []
}

struct OwnedHeader: Equatable, Sendable {
    var key: String
    var value: [UInt8]?
}

extension OwnedRecord {
    init(_ view: borrowing RecordView) {
        self.init(
            offset: view.offset, timestamp: view.timestamp, sequence: view.sequence, key: view.key.map(Array.init),
            value: view.value.map(Array.init),
            headers: view.headers.map { OwnedHeader(key: $0.key, value: $0.value.map(Array.init)) })
    }
}

extension GoldenBatch: CustomTestStringConvertible {
    var testDescription: String { name }

    /// As they lie in a log from offset 0 on.
    var bytes: [UInt8] {
        var bytes = KafkaRecordsTests.bytes(hex)
        // These producers leave the offset of a magic-1 wrapper to the broker, which writes the last one within.
        if bytes[16] == 1, bytes[17] & 7 != 0 { bytes[7] = 3 }
        return bytes
    }

    /// What `golden_batches.py` put into every batch.
    static let timestamp: Int64 = 1_577_994_283_622
    static let records = [
        OwnedRecord(
            offset: 0, timestamp: timestamp, key: Array("key".utf8), value: Array("value".utf8),
            headers: [OwnedHeader(key: "h1", value: Array("one".utf8)), OwnedHeader(key: "h2", value: [])]),
        OwnedRecord(offset: 1, timestamp: timestamp + 7, key: nil, value: [UInt8](repeating: 0x78, count: 300)),
        OwnedRecord(
            offset: 2, timestamp: timestamp - 1000, key: [], value: nil, headers: [OwnedHeader(key: "n", value: nil)]),
        OwnedRecord(offset: 3, timestamp: timestamp + 70000, key: [UInt8](repeating: 0x6B, count: 70), value: []),
    ]

    static func withoutHeaders(magic: Int8) -> [OwnedRecord] {
        records.map { record in
            var record = record
            record.headers = []
            if magic == 0 { record.timestamp = -1 }
            return record
        }
    }
}

/// The bytes that hexadecimal digits stand for; white space between them is skipped.
func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue).map(UInt8.init)
    precondition(digits.count % 2 == 0, "two digits make a byte")
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// SplitMix64: the same numbers on every run.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }
}

/// All records of the batch at the front of `bytes`.
func records(of bytes: [UInt8], inflateLimit: Int = 64 << 20) throws -> [OwnedRecord] {
    try withBatch(bytes) { batch in
        var records: [OwnedRecord] = []
        try batch.forEachRecord(inflateLimit: inflateLimit) { (record) throws(RecordError) in
            records.append(OwnedRecord(record))
        }
        return records
    }
}

func withBatch<Result>(_ bytes: [UInt8], _ body: (RecordBatch) throws -> Result) throws -> Result {
    try bytes.withUnsafeBytes { try body(RecordBatch(bytes: $0)) }
}

/// All messages of a set, the wrapped ones singly.
func messages(of bytes: [UInt8], inflateLimit: Int = 64 << 20) throws -> [OwnedRecord] {
    try bytes.withUnsafeBytes { bytes in
        var records: [OwnedRecord] = []
        try LegacyMessageSet.forEachMessage(bytes, inflateLimit: inflateLimit) { message throws(RecordError) in
            records.append(
                OwnedRecord(
                    offset: message.offset, timestamp: message.timestamp, key: message.key.map(Array.init),
                    value: message.value.map(Array.init)))
        }
        return records
    }
}

/// A batch of plain records with the given keys.
func batch(
    _ options: RecordBatchBuilder.Options = .init(), timestamp: Int64 = GoldenBatch.timestamp, keys: [String?]
) throws -> [UInt8] {
    var builder = RecordBatchBuilder(options)
    for key in keys {
        try builder.append(timestamp: timestamp, key: key.map { Array($0.utf8) }, value: Array("v".utf8))
    }
    return try builder.finish()
}

/// The batch with `bytes` put at `position` and the checksum made right again.
func patched(_ batch: [UInt8], at position: Int, _ bytes: [UInt8]) -> [UInt8] {
    var batch = batch
    batch.replaceSubrange(position..<(position + bytes.count), with: bytes)
    batch.withUnsafeMutableBytes { BatchPatch.recomputeChecksum($0) }
    return batch
}
