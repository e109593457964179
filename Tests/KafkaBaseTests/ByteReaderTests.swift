// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@Suite struct ByteReaderTests {
    /// Runs `body` on a reader over `bytes`.
    private func read<Result>(
        _ bytes: [UInt8], _ body: (inout ByteReader) throws(WireError) -> Result
    ) throws -> Result {
        try bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            return try body(&reader)
        }
    }

    @Test func `integers are big-endian`() throws {
        let bytes: [UInt8] = [0x80, 0xFF, 0x12, 0x34, 0x80, 0, 0, 1, 0xFF, 0xFE, 0, 0, 0, 0, 0, 0, 0, 2]
        try read(bytes) { reader throws(WireError) in
            #expect(try! reader.readInt8() == -128)
            #expect(try! reader.readUInt8() == 255)
            #expect(try! reader.readInt16() == 0x1234)
            #expect(try! reader.readInt32() == -0x7FFF_FFFF)
            #expect(try! reader.readUInt16() == 0xFFFE)
            #expect(try! reader.readInt64() == 2)
            #expect(reader.remaining == 0)
        }
    }

    @Test func `floats, booleans and identifiers`() throws {
        let bytes: [UInt8] = [0x3F, 0xF8, 0, 0, 0, 0, 0, 0, 0, 2] + (0..<16)
        try read(bytes) { reader throws(WireError) in
            let float = try reader.readFloat64()
            let no = try reader.readBool()
            let yes = try reader.readBool()
            let uuid = try reader.readUUID()
            #expect(float == 1.5)
            #expect(!no)
            #expect(yes)
            #expect(uuid == KafkaUUID(high: 0x0001_0203_0405_0607, low: 0x0809_0A0B_0C0D_0E0F))
        }
    }

    @Test(
        arguments: [
            ([0], 0), ([1], -1), ([2], 1), ([0x7F], -64), ([0x80, 1], 64), ([0xAC, 2], 150),
            ([0xFE, 0xFF, 0xFF, 0xFF, 0x0F], .max), ([0xFF, 0xFF, 0xFF, 0xFF, 0x0F], .min),
        ] as [([UInt8], Int32)])
    func `varints`(bytes: [UInt8], value: Int32) throws {
        #expect(try read(bytes) { reader throws(WireError) in try reader.readVarint() } == value)
        var writer = ByteWriter()
        writer.writeVarint(value)
        #expect(writer.toArray() == bytes)
    }

    @Test(arguments: [0, -1, 1, 63, 64, 1 << 40, .max, .min] as [Int64])
    func `varlongs`(value: Int64) throws {
        var writer = ByteWriter()
        writer.writeVarlong(value)
        #expect(try read(writer.toArray()) { reader throws(WireError) in try reader.readVarlong() } == value)
    }

    @Test func `a varint that is too long is refused`() {
        let invalid = WireError(.invalidVarint)
        #expect(throws: invalid) {
            try read([0xFF, 0xFF, 0xFF, 0xFF, 0x1F]) { reader throws(WireError) in try reader.readUnsignedVarint() }
        }
        #expect(throws: invalid) {
            try read([0x80, 0x80, 0x80, 0x80, 0x80, 0]) { reader throws(WireError) in try reader.readUnsignedVarint() }
        }
        #expect(throws: invalid) {
            try read([UInt8](repeating: 0xFF, count: 11)) { reader throws(WireError) in
                try reader.readUnsignedVarlong()
            }
        }
    }

    @Test func `every read fails at every shorter length, and stays where it was`() {
        let reads: [(Int, (inout ByteReader) throws(WireError) -> Void)] = [
            (1, { (reader) throws(WireError) in _ = try reader.readInt8() }),
            (1, { (reader) throws(WireError) in _ = try reader.readUInt8() }),
            (1, { (reader) throws(WireError) in _ = try reader.readBool() }),
            (2, { (reader) throws(WireError) in _ = try reader.readInt16() }),
            (2, { (reader) throws(WireError) in _ = try reader.readUInt16() }),
            (4, { (reader) throws(WireError) in _ = try reader.readInt32() }),
            (4, { (reader) throws(WireError) in _ = try reader.readUInt32() }),
            (8, { (reader) throws(WireError) in _ = try reader.readInt64() }),
            (8, { (reader) throws(WireError) in _ = try reader.readUInt64() }),
            (8, { (reader) throws(WireError) in _ = try reader.readFloat64() }),
            (16, { (reader) throws(WireError) in _ = try reader.readUUID() }),
            (9, { (reader) throws(WireError) in _ = try reader.readBytes(9) }),
            (9, { (reader) throws(WireError) in _ = try reader.readString(9) }),
            (9, { (reader) throws(WireError) in try reader.skip(9) }),
        ]
        for (size, attempt) in reads {
            for length in 0..<size {
                [UInt8](repeating: 0x41, count: length).withUnsafeBytes { bytes in
                    var reader = ByteReader(bytes)
                    let error = #expect(throws: WireError.self) { try attempt(&reader) }
                    #expect(error?.reason == .truncated(needed: size, available: length))
                    #expect(reader.position == 0)
                }
            }
        }
    }

    @Test func `lengths may not be negative`() {
        #expect(throws: WireError(.invalidLength(-1))) {
            try read([1, 2]) { reader throws(WireError) in try reader.readBytes(-1) }
        }
    }

    @Test(arguments: 1...20)
    func `a byte that is no UTF-8 is found wherever it stands`(length: Int) throws {
        let text = [UInt8](repeating: UInt8(ascii: "a"), count: length)
        #expect(try read(text) { reader throws(WireError) in try reader.readString(length) }.count == length)
        for place in text.indices {
            var broken = text
            broken[place] = 0x80
            #expect(throws: WireError(.invalidUTF8)) {
                try read(broken) { reader throws(WireError) in try reader.readString(length) }
            }
        }
    }

    @Test func `text must be UTF-8`() throws {
        #expect(throws: WireError(.invalidUTF8)) {
            try read([0xC3, 0x28]) { reader throws(WireError) in try reader.readString(2) }
        }
        #expect(try read(Array("žluť".utf8)) { reader throws(WireError) in try reader.readString(6) } == "žluť")
    }

    @Test func `an empty buffer without address can be asked`() {
        var reader = ByteReader(UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(reader.remaining == 0)
        #expect(reader.rest.isEmpty)
        #expect(throws: WireError.self) { try reader.readInt8() }
    }
}
