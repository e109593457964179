// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@testable import KafkaRecords

@Suite struct RecordBatchTests {
    @Test(arguments: GoldenBatch.magic2.dropLast())
    func `reads what other implementations wrote`(golden: GoldenBatch) throws {
        #expect(try withBatch(golden.bytes) { $0.isCRCValid })
        #expect(try records(of: golden.bytes) == GoldenBatch.records)
    }

    @Test func `reads producer, sequence and flags`() throws {
        let golden = try #require(GoldenBatch.magic2.last)
        try withBatch(golden.bytes) { batch in
            let header = batch.header
            #expect(header.producerID == 4711)
            #expect(header.producerEpoch == 3)
            #expect(header.baseSequence == 2_147_483_646)
            #expect(header.attributes.isTransactional)
            #expect(header.lastSequence == 1)
            #expect(header.lastOffset == 3)
            #expect(header.maxTimestamp == GoldenBatch.timestamp + 70000)
        }
        // After 2^31-1 comes 0.
        #expect(try records(of: golden.bytes).map(\.sequence) == [2_147_483_646, 2_147_483_647, 0, 1])
    }

    @Test(arguments: GoldenBatch.magic2)
    func `fails at every length but the whole`(golden: GoldenBatch) throws {
        let whole = golden.bytes
        for length in 0..<whole.count {
            #expect(throws: RecordError.self) { try records(of: Array(whole[..<length])) }
        }
    }

    @Test(arguments: GoldenBatch.magic2)
    func `fails when the records are cut and the length says so`(golden: GoldenBatch) throws {
        let whole = golden.bytes
        for length in RecordBatchHeader.size..<whole.count {
            let cut = Int32(length - RecordBatchHeader.overhead)
            let batch = patched(Array(whole[..<length]), at: 8, withUnsafeBytes(of: cut.bigEndian, Array.init))
            // A checksum or end mark cut off a compressed block may go unnoticed once all records are there.
            do { #expect(try records(of: batch).count == 4) } catch { #expect(error is RecordError) }
        }
    }

    @Test(arguments: GoldenBatch.magic2)
    func `no flipped bit crashes or goes past the checksum`(golden: GoldenBatch) throws {
        let whole = golden.bytes
        for position in RecordBatchHeader.checksumStart..<whole.count {
            var damaged = whole
            damaged[position] ^= 1 << UInt8(position % 8)
            #expect(try !withBatch(damaged) { $0.isCRCValid })
            _ = try? records(of: damaged)
        }
    }

    @Test func `random bytes never crash`() {
        var random = SeededRandom(seed: 17)
        for codec in CompressionType.allCases {
            for _ in 0..<2000 {
                var bytes = random.bytes(Int.random(in: 0..<200, using: &random))
                if bytes.count > RecordBatchHeader.size {
                    bytes[16] = 2
                    bytes[8...11] = [0, 0, 0, UInt8(bytes.count - 12)]
                    bytes[22] = UInt8(codec.rawValue)
                }
                _ = try? records(of: bytes, inflateLimit: 1 << 16)
            }
        }
    }

    @Test func `a count that is not the number of records is an error`() throws {
        let batch = try batch(keys: ["a", "b", "c"])
        let few = patched(batch, at: 57, [0, 0, 0, 2])
        #expect(throws: RecordError.wrongRecordCount(expected: 2, found: 3)) { try records(of: few) }
        let many = patched(batch, at: 57, [0, 0, 0, 4])
        #expect(throws: RecordError.wrongRecordCount(expected: 4, found: 3)) { try records(of: many) }
        let negative = patched(batch, at: 57, [255, 255, 255, 255])
        #expect(throws: RecordError.self) { try records(of: negative) }
    }

    @Test func `a count that is not the number of records is an error when compressed, too`() throws {
        for codec in CompressionType.allCases {
            var options = RecordBatchBuilder.Options()
            options.compression = codec
            let batch = try batch(options, keys: ["a", "b", "c"])
            #expect(throws: RecordError.wrongRecordCount(expected: 2, found: 3)) {
                try records(of: patched(batch, at: 57, [0, 0, 0, 2]))
            }
            #expect(throws: RecordError.wrongRecordCount(expected: 4, found: 3)) {
                try records(of: patched(batch, at: 57, [0, 0, 0, 4]))
            }
        }
    }

    @Test(
        arguments: [
            ([0x0C, 0, 0, 0, 1, 2, 0], RecordDefect.wrongLength),  // key length -1, then bytes missing
            ([0x01], .wrongLength),  // negative length
            ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], .invalidVarint),
            ([0x0C, 0, 0, 0, 3, 1, 0], .wrongLength),  // key length -2
            ([0x0C, 0, 0, 0, 1, 1, 1], .invalidHeaderCount),  // -1 headers
            ([0x0C, 0, 0, 0, 1, 1, 4], .invalidHeaderCount),  // 2 headers without bytes
            ([0x10, 0, 0, 0, 1, 1, 2, 1, 0], .invalidHeader),  // null header key
            ([0x0E, 0, 0, 0, 1, 1, 0, 0], .wrongLength),  // a byte too many
            ([0x20, 0, 0, 0], .truncated),
        ] as [([UInt8], RecordDefect)])
    func `malformed records are named`(record: [UInt8], defect: RecordDefect) throws {
        var batch = try batch(keys: [])
        batch += record
        batch[11] = UInt8(batch.count - 12)
        batch = patched(batch, at: 57, [0, 0, 0, 1])
        #expect(throws: RecordError.invalidRecord(index: 0, defect)) { try records(of: batch) }
    }

    @Test func `refuses other formats and impossible lengths`() throws {
        let batch = try batch(keys: ["a"])
        var other = batch
        other[16] = 1
        #expect(throws: RecordError.unsupportedMagic(1)) { try records(of: other) }
        other[16] = 3
        #expect(throws: RecordError.unsupportedMagic(3)) { try records(of: other) }
        #expect(throws: RecordError.invalidLength(48)) { try records(of: patched(batch, at: 8, [0, 0, 0, 48])) }
        #expect(throws: RecordError.invalidLength(-1)) { try records(of: patched(batch, at: 8, [255, 255, 255, 255])) }
        #expect(throws: RecordError.unknownCompression(5)) { try records(of: patched(batch, at: 22, [5])) }
    }

    @Test func `an append time is every record's timestamp`() throws {
        var options = RecordBatchBuilder.Options()
        options.logAppendTime = 99
        let batch = try batch(options, keys: ["a", "b"])
        #expect(try records(of: batch).map(\.timestamp) == [99, 99])
    }

    @Test func `a cursor walks whole entries and stops at a partial one`() throws {
        let one = try batch(keys: ["a"])
        let old = try #require(GoldenBatch.magic1.first).bytes
        let bytes = one + old + one.dropLast()
        try bytes.withUnsafeBytes { bytes in
            var cursor = BatchCursor(bytes)
            var magics: [Int8] = []
            while let entry = try cursor.next() { magics.append(entry.header.magic) }
            #expect(magics == [2, 1, 1, 1, 1])
            #expect(cursor.position == one.count + old.count)
        }
    }

    @Test func `a cursor refuses an impossible header`() throws {
        [UInt8](repeating: 0, count: 40).withUnsafeBytes { zeros in
            var cursor = BatchCursor(zeros)
            #expect(throws: RecordError.invalidLength(0)) { try cursor.next() }
        }
    }
}
