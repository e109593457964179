// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@Suite struct ByteWriterSizedFieldTests {
    @Test(arguments: [0, 1, 127, 128, 129, 16383, 16384, 70_000])
    func `a sized field has its length in front, however long`(size: Int) throws {
        let body = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
        var writer = ByteWriter(capacity: 16)
        writer.writeInt16(7)
        let start = writer.beginSizedField()
        writer.write(body)
        writer.endSizedField(start)
        writer.writeInt16(9)
        var expected = ByteWriter()
        expected.writeInt16(7)
        expected.writeUnsignedVarint(UInt32(size))
        expected.write(body)
        expected.writeInt16(9)
        #expect(writer.toArray() == expected.toArray())
    }

    @Test func `sized fields nest`() {
        var writer = ByteWriter()
        let outer = writer.beginSizedField()
        let inner = writer.beginSizedField()
        writer.write([UInt8](repeating: 1, count: 200))
        writer.endSizedField(inner)
        writer.endSizedField(outer)
        #expect(writer.count == 2 + 2 + 200)
        #expect(Array(writer.bytes.prefix(4)) == [0xCA, 0x01, 0xC8, 0x01])
    }

    @Test(arguments: [
        ("", "A", "A"), ("B", "A", "A.B"), ("[2]", "A", "A[2]"), ("[2].B", "A", "A[2].B"), ("B", "[2]", "[2].B"),
    ])
    func `an index joins a path without a dot`(path: String, element: String, joined: String) {
        #expect(WireError(.unexpectedNull, path: path).inside(element).path == joined)
    }
}
