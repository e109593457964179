// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@testable import KafkaRecords

@Suite struct CompressionTests {
    static let codecs: [CompressionType] = [.gzip, .snappy, .lz4, .zstd]

    private func compress(
        _ bytes: [UInt8], _ codec: CompressionType, level: Int32? = nil, framing: LZ4Framing = .standard
    ) -> [UInt8] {
        var writer = ByteWriter()
        bytes.withUnsafeBytes {
            Compression.compress($0, type: codec, level: level, lz4Framing: framing, into: &writer)
        }
        return writer.toArray()
    }

    private func inflate(
        _ bytes: [UInt8], _ codec: CompressionType, limit: Int = 64 << 20, framing: LZ4Framing = .standard
    ) throws -> [UInt8] {
        try bytes.withUnsafeBytes { try Compression.decompress($0, type: codec, lz4Framing: framing, limit: limit) }
    }

    @Test(arguments: CompressionType.allCases)
    func `what is compressed inflates to itself`(codec: CompressionType) throws {
        var random = SeededRandom(seed: 1)
        for count in [0, 1, 100, 65_535, 65_536, 65_537, 300_000] {
            let text = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 100) }
            #expect(try inflate(compress(text, codec), codec) == text)
            let noise = random.bytes(count)
            #expect(try inflate(compress(noise, codec), codec) == noise)
        }
    }

    @Test(arguments: codecs, [-200_000, -5, 0, 1, 6, 9, 17, 22, 1000] as [Int32])
    func `every level makes readable output`(codec: CompressionType, level: Int32) throws {
        let text = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 / 50) }
        #expect(try inflate(compress(text, codec, level: level), codec) == text)
    }

    @Test(arguments: CompressionType.allCases)
    func `the limit is exact`(codec: CompressionType) throws {
        let zeros = [UInt8](repeating: 0, count: 100_000)
        let small = compress(zeros, codec)
        #expect(try inflate(small, codec, limit: 100_000) == zeros)
        #expect(throws: RecordError.inflatesTooLarge(limit: 99_999)) { try inflate(small, codec, limit: 99_999) }
        #expect(throws: RecordError.inflatesTooLarge(limit: 0)) { try inflate(small, codec, limit: 0) }
    }

    @Test(arguments: codecs)
    func `a bomb stops at the limit`(codec: CompressionType) throws {
        let bomb = compress([UInt8](repeating: 0, count: 32 << 20), codec)
        #expect(throws: RecordError.inflatesTooLarge(limit: 1 << 20)) { try inflate(bomb, codec, limit: 1 << 20) }
    }

    @Test func `a frame that is cut off does not spoil those behind it`() throws {
        let text = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 / 50) }
        // An LZ4 frame that announces 1,000 bytes and has none.
        var header = bytes("68 40 e8 03 00 00 00 00 00 00")
        header.append(header.withUnsafeBytes { UInt8(truncatingIfNeeded: XXHash32.hash($0) >> 8) })
        let short = bytes("04 22 4d 18") + header + bytes("00 00 00 00")
        for _ in 0..<20 {
            #expect(throws: RecordError.corruptCompression(.lz4)) { try inflate(short, .lz4) }
            for codec in Self.codecs {
                let whole = compress(text, codec)
                _ = try? inflate(Array(whole[..<(whole.count - 3)]), codec)
                _ = try? inflate(whole, codec, limit: 100)
                #expect(try inflate(whole, codec) == text)
            }
        }
    }

    @Test func `a zstd frame may not announce a window that no writer uses`() {
        // Frame header with a window descriptor of 2^41 bytes, then a run-length block.
        let frame = bytes("28b52ffd 00 f8 030000 00")
        #expect(throws: RecordError.corruptCompression(.zstd)) { try inflate(frame, .zstd) }
    }

    @Test(arguments: codecs)
    func `cut input is an error at every length`(codec: CompressionType) throws {
        let text = (0..<3000).map { UInt8(truncatingIfNeeded: $0 * 7 / 50) }
        let whole = compress(text, codec)
        for length in 1..<whole.count {
            let cut = Array(whole[..<length])
            // Framed snappy has no end mark: cut between two chunks, or behind the header, it is whole.
            if codec == .snappy, length == SnappyDecoder.headerSize { continue }
            #expect(throws: RecordError.corruptCompression(codec), "at \(length)") { try inflate(cut, codec) }
        }
    }

    @Test(arguments: codecs)
    func `damaged input never crashes`(codec: CompressionType) {
        var random = SeededRandom(seed: 5)
        let whole = compress((0..<3000).map { UInt8(truncatingIfNeeded: $0 / 50) }, codec)
        for _ in 0..<3000 {
            var damaged = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            do { _ = try inflate(damaged, codec, limit: 1 << 20) } catch { #expect(error is RecordError) }
            do { _ = try inflate(random.bytes(50), codec, limit: 1 << 20) } catch { #expect(error is RecordError) }
        }
    }

    @Test(arguments: [CompressionType.gzip, .zstd, .snappy])
    func `parts one after the other are one stream`(codec: CompressionType) throws {
        let first = compress(Array("first ".utf8), codec)
        let empty = compress([], codec)
        let second = compress(Array("second".utf8), codec)
        #expect(try inflate(first + empty + second, codec) == Array("first second".utf8))
        // Snappy has no end mark: the header alone is a stream.
        let cut = codec == .snappy ? second.dropLast() : second.prefix(9)
        #expect(throws: RecordError.corruptCompression(codec)) { try inflate(first + cut, codec) }
    }

    @Test(arguments: [CompressionType.gzip, .lz4])
    func `bytes behind the end are ignored`(codec: CompressionType) throws {
        let whole = compress(Array("whole".utf8), codec)
        #expect(try inflate(whole + [0, 0, 0, 0, 1, 2, 3], codec) == Array("whole".utf8))
    }

    @Test func `a raw snappy block is read`() throws {
        // Length 5, a literal of 5 bytes.
        #expect(try inflate([5, 0x10] + Array("hello".utf8), .snappy) == Array("hello".utf8))
        #expect(throws: RecordError.corruptCompression(.snappy)) { try inflate([6, 0x10] + "hello".utf8, .snappy) }
    }

    @Test func `a snappy block cannot claim more than its bytes can hold`() {
        #expect(throws: RecordError.corruptCompression(.snappy)) {
            try inflate([0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x10, 0x41], .snappy)
        }
    }

    @Test func `snappy is written in chunks behind Java's header`() {
        let output = compress([UInt8](repeating: 1, count: 40_000), .snappy)
        #expect(output.prefix(16) == bytes("82534e41505059 00 00000001 00000001")[...])
        let firstLength = Int(output[18]) << 8 | Int(output[19])
        // The first chunk holds 32 KiB: 0x8000 as a varint.
        #expect(output[20..<23] == [0x80, 0x80, 0x02])
        #expect(output.count > 20 + firstLength)
    }

    @Test func `the first LZ4 header checksum was wrong and is tolerated in magic 0 only`() throws {
        let text = Array("some text some text some text".utf8)
        let right = compress(text, .lz4)
        let wrong = compress(text, .lz4, framing: .magic0)
        #expect(right[..<6] == wrong[..<6])
        #expect(right[6] != wrong[6])
        #expect(right[7...] == wrong[7...])
        #expect(try inflate(wrong, .lz4, framing: .magic0) == text)
        #expect(try inflate(right, .lz4, framing: .magic0) == text)
        #expect(throws: RecordError.corruptCompression(.lz4)) { try inflate(wrong, .lz4) }
        for length in 1..<wrong.count {
            #expect(throws: RecordError.corruptCompression(.lz4)) {
                try inflate(Array(wrong[..<length]), .lz4, framing: .magic0)
            }
        }
    }

    @Test func `LZ4 blocks are independent, as Java's reader needs`() {
        let output = compress([UInt8](repeating: 1, count: 100), .lz4)
        #expect(output[4] & 0x20 != 0)
        #expect(output[5] == 0x40)
    }

    @Test(
        arguments: [
            ("", 0x02CC_5D05), ("a", 0x550D_7456), ("abc", 0x32D1_53FF),
            ("Nobody inspects the spammish repetition", 0xE229_3B2F),
        ] as [(String, UInt32)])
    func `xxHash has its published values`(text: String, hash: UInt32) {
        #expect(Array(text.utf8).withUnsafeBytes { XXHash32.hash($0) } == hash)
    }
}
