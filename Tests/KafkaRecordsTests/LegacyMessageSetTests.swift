// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@testable import KafkaRecords

@Suite struct LegacyMessageSetTests {
    private func build(
        _ records: [OwnedRecord], magic: Int8, _ codec: CompressionType, logAppendTime: Int64? = nil
    ) throws -> [UInt8] {
        var builder = try LegacyMessageSetBuilder(magic: magic, compression: codec, logAppendTime: logAppendTime)
        for record in records {
            try withOptionalBytes(record.key) { key in
                try withOptionalBytes(record.value) { value in
                    try builder.append(offset: record.offset, timestamp: record.timestamp, key: key, value: value)
                }
            }
        }
        var output = ByteWriter()
        try builder.finish(into: &output)
        return output.toArray()
    }

    private func withOptionalBytes(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws -> Void) rethrows {
        guard let bytes else { return try body(nil) }
        try bytes.withUnsafeBytes { try body($0) }
    }

    @Test(arguments: GoldenBatch.magic0)
    func `reads magic 0 of other implementations`(golden: GoldenBatch) throws {
        #expect(try messages(of: golden.bytes) == GoldenBatch.withoutHeaders(magic: 0))
    }

    @Test(arguments: GoldenBatch.magic1)
    func `reads magic 1 of other implementations`(golden: GoldenBatch) throws {
        #expect(try messages(of: golden.bytes) == GoldenBatch.withoutHeaders(magic: 1))
    }

    @Test func `writes the bytes that other implementations write`() throws {
        let plain0 = try build(GoldenBatch.withoutHeaders(magic: 0), magic: 0, .none)
        #expect(plain0 == GoldenBatch.magic0[0].bytes)
        let plain1 = try build(GoldenBatch.withoutHeaders(magic: 1), magic: 1, .none)
        #expect(plain1 == GoldenBatch.magic1[0].bytes)
    }

    @Test func `the old LZ4 header is the one that other implementations write`() throws {
        let golden = try #require(GoldenBatch.magic0.first { $0.name == "kafka-python lz4" }).bytes
        try golden.withUnsafeBytes { golden in
            let value = try #require(try LegacyMessage(parsing: golden).value)
            #expect(throws: RecordError.corruptCompression(.lz4)) {
                try Compression.decompress(value, type: .lz4, limit: 1 << 20)
            }
            #expect(try Compression.decompress(value, type: .lz4, lz4Framing: .magic0, limit: 1 << 20).count > 300)
        }
    }

    @Test(arguments: GoldenBatch.magic0 + GoldenBatch.magic1)
    func `cut sets are errors at every length`(golden: GoldenBatch) throws {
        let whole = golden.bytes
        var boundaries: Set<Int> = []
        whole.withUnsafeBytes { bytes in
            var cursor = BatchCursor(bytes)
            while let _ = try? cursor.next() { boundaries.insert(cursor.position) }
        }
        for length in 1..<whole.count where !boundaries.contains(length) {
            #expect(throws: RecordError.self) { try messages(of: Array(whole[..<length])) }
        }
    }

    @Test(arguments: GoldenBatch.magic0 + GoldenBatch.magic1)
    func `flipped bits are caught`(golden: GoldenBatch) throws {
        let whole = golden.bytes
        let firstSize = try whole.withUnsafeBytes { try LegacyMessage(parsing: $0).bytes.count }
        // Offset and size are not under the checksum.
        for position in 16..<firstSize {
            var damaged = whole
            damaged[position] ^= 0x10
            #expect(throws: RecordError.self) { try messages(of: damaged) }
        }
    }

    @Test func `random bytes never crash`() {
        var random = SeededRandom(seed: 23)
        for _ in 0..<5000 {
            var bytes = random.bytes(Int.random(in: 0..<80, using: &random))
            if bytes.count > 18 {
                bytes[8...11] = [0, 0, 0, UInt8(bytes.count - 12)]
                bytes[16] &= 1
            }
            bytes.withUnsafeBytes { bytes in
                guard let message = try? LegacyMessage(parsing: bytes) else { return }
                try? LegacyMessageSet.forEachMessage(in: message, checksums: .ignore, inflateLimit: 1 << 16) { _ in }
            }
        }
    }

    @Test(arguments: [0, 1] as [Int8], [CompressionType.none, .gzip, .snappy, .lz4])
    func `offsets with gaps survive`(magic: Int8, codec: CompressionType) throws {
        var expected = GoldenBatch.withoutHeaders(magic: magic)
        for (index, offset) in [1000, 1003, 1004, 1 << 40].enumerated() { expected[index].offset = Int64(offset) }
        #expect(try messages(of: build(expected, magic: magic, codec)) == expected)
    }

    @Test(arguments: [CompressionType.none, .gzip])
    func `an append time overrides`(codec: CompressionType) throws {
        let set = try build(GoldenBatch.withoutHeaders(magic: 1), magic: 1, codec, logAppendTime: 12)
        #expect(try messages(of: set).map(\.timestamp) == [12, 12, 12, 12])
    }

    @Test func `a wrapper without messages, of another magic or of wrappers is refused`() throws {
        func wrap(_ inner: [UInt8]) throws -> [UInt8] {
            var compressed = ByteWriter()
            inner.withUnsafeBytes { Compression.compress($0, type: .gzip, into: &compressed) }
            var record = OwnedRecord(offset: 0, timestamp: 0)
            record.value = compressed.toArray()
            var set = try build([record], magic: 1, .none)
            set[17] = 1
            let crc = set[16...].withUnsafeBytes { LegacyChecksum.checksum($0) }
            set.replaceSubrange(12..<16, with: withUnsafeBytes(of: crc.bigEndian, Array.init))
            return set
        }
        let inner = try build(GoldenBatch.withoutHeaders(magic: 1), magic: 1, .none)
        #expect(try messages(of: wrap(inner)).count == 4)
        #expect(throws: RecordError.invalidWrapper) { try messages(of: wrap([])) }
        #expect(throws: RecordError.invalidWrapper) { try messages(of: wrap(inner.dropLast())) }
        #expect(throws: RecordError.invalidWrapper) { try messages(of: wrap(wrap(inner))) }
        let other = try build(GoldenBatch.withoutHeaders(magic: 0), magic: 0, .none)
        #expect(throws: RecordError.invalidWrapper) { try messages(of: wrap(other)) }
    }

    @Test func `zstd has no place in the old formats`() throws {
        #expect(throws: RecordError.compressionNotAllowed(.zstd)) { try build([], magic: 1, .zstd) }
        var set = GoldenBatch.magic1[0].bytes
        set[17] = 4
        try set.withUnsafeBytes { set in
            let message = try LegacyMessage(parsing: set)
            #expect(throws: RecordError.compressionNotAllowed(.zstd)) {
                try LegacyMessageSet.forEachMessage(in: message, checksums: .ignore) { _ in }
            }
        }
    }

    @Test func `a bomb is refused at the limit`() throws {
        let bomb = try build(
            [OwnedRecord(offset: 0, timestamp: 0, value: [UInt8](repeating: 0, count: 8 << 20))], magic: 1, .gzip)
        #expect(throws: RecordError.inflatesTooLarge(limit: 1 << 20)) { try messages(of: bomb, inflateLimit: 1 << 20) }
    }
}
