// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@Suite struct ByteWriterTests {
    @Test func `integers are big-endian`() {
        var writer = ByteWriter(capacity: 0)
        writer.writeInt8(-1)
        writer.writeUInt8(2)
        writer.writeInt16(0x0102)
        writer.writeUInt16(0xFFFE)
        writer.writeInt32(3)
        writer.writeUInt32(4)
        writer.writeInt64(-2)
        writer.writeUInt64(5)
        writer.writeFloat64(1.5)
        writer.writeBool(true)
        let expected: [UInt8] =
            [0xFF, 2, 1, 2, 0xFF, 0xFE, 0, 0, 0, 3, 0, 0, 0, 4] + [UInt8](repeating: 0xFF, count: 7) + [0xFE]
            + [0, 0, 0, 0, 0, 0, 0, 5, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0, 1]
        #expect(writer.toArray() == expected)
    }

    @Test func `what is written keeps its bytes while the buffer grows`() {
        var writer = ByteWriter(capacity: 1)
        for value in 0..<10_000 { writer.writeInt32(Int32(value)) }
        writer.bytes.withMemoryRebound(to: UInt32.self) { words in
            #expect(words.enumerated().allSatisfy { UInt32(bigEndian: $0.element) == UInt32($0.offset) })
        }
    }

    @Test func `splices count but are not held`() {
        var writer = ByteWriter()
        writer.writeInt8(1)
        writer.splice(length: 100)
        writer.splice(length: 0)
        writer.writeInt8(2)
        #expect(writer.count == 2)
        #expect(writer.length == 102)
        #expect(writer.splices.map(\.position) == [1])
        #expect(writer.splices.map(\.length) == [100])
    }

    @Test func `truncation drops the splices behind it`() {
        var writer = ByteWriter()
        writer.write([1, 2, 3])
        writer.splice(length: 5)
        writer.write([4])
        writer.splice(length: 6)
        writer.truncate(to: 3)
        #expect(writer.toArray() == [1, 2, 3])
        #expect(writer.length == 8)
        writer.truncate(to: 0)
        #expect(writer.length == 0)
    }

    @Test func `reserved fields are zero and can be filled in`() {
        var writer = ByteWriter()
        let field = writer.reserveField(4)
        writer.writeUTF8("ab")
        #expect(writer.toArray() == [0, 0, 0, 0, 0x61, 0x62])
        writer.overwriteUInt32(0xFFFF_FFFE, at: field)
        #expect(writer.toArray() == [0xFF, 0xFF, 0xFF, 0xFE, 0x61, 0x62])
    }

    @Test func `append gives at least the room that was asked for`() {
        var writer = ByteWriter(capacity: 16)
        writer.append(maximum: 1000) { room in
            #expect(room.count >= 1000)
            room[0] = 9
            return 1
        }
        #expect(writer.toArray() == [9])
    }

    @Test func `what is removed leaves an empty writer`() {
        var writer = ByteWriter()
        writer.write([UInt8](repeating: 1, count: 5000))
        writer.splice(length: 1)
        writer.removeAll(keeping: 100)
        #expect(writer.length == 0)
        writer.write([7])
        #expect(writer.toArray() == [7])
    }

    @Test func `overwriting outside stops the program`() async {
        await #expect(processExitsWith: .failure) {
            var writer = ByteWriter()
            writer.writeInt32(1)
            writer.overwriteInt32(2, at: 1)
        }
    }
}
