// SPDX-License-Identifier: Apache-2.0
private import CSnappy
internal import KafkaBase

/// Inflates Snappy: either Java's block framing ("xerial") or one raw block, told apart by the framing's magic.
///
/// Framing: `82 'SNAPPY' 00`, two int32 versions, then chunks of an int32 length and a raw block. A writer that
/// appended to a stream may have repeated the 16-byte header between chunks.
final class SnappyDecoder: Decoder {
    static let magic: [UInt8] = [0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0x00]
    static let headerSize = 16
    /// A copy element makes at most 64 bytes out of 3; with the length in front no block inflates more than this.
    private static let inflationMax = 22

    private var input = UnsafeRawBufferPointer(start: nil, count: 0)
    private var isFramed = false

    func begin(_ input: UnsafeRawBufferPointer) {
        self.input = input
        isFramed = Self.startsWithHeader(input)
    }

    func inflate(into window: inout InflateWindow, limit: Int) throws(RecordError) -> Int {
        while !input.isEmpty {
            let block = try nextBlock()
            let filled = try inflate(block, into: &window, limit: limit)
            if filled > 0 { return filled }
        }
        return 0
    }

    /// Takes the next raw block off the input.
    private func nextBlock() throws(RecordError) -> UnsafeRawBufferPointer {
        guard isFramed else {
            defer { input = UnsafeRawBufferPointer(start: nil, count: 0) }
            return input
        }
        while Self.startsWithHeader(input) { drop(Self.headerSize) }
        if input.isEmpty { return input }
        guard input.count >= 4, let base = input.baseAddress else { throw .corruptCompression(.snappy) }
        let length = Int(base.bigEndian(at: 0, as: Int32.self))
        guard length >= 0, input.count - 4 >= length else { throw .corruptCompression(.snappy) }
        defer { drop(4 + length) }
        return UnsafeRawBufferPointer(start: base + 4, count: length)
    }

    private func inflate(
        _ block: UnsafeRawBufferPointer, into window: inout InflateWindow, limit: Int
    ) throws(RecordError) -> Int {
        if block.isEmpty { return 0 }
        let source = block.bindMemory(to: CChar.self)
        var size = 0
        guard snappy_uncompressed_length(source.baseAddress, source.count, &size) == SNAPPY_OK,
            size <= source.count * Self.inflationMax
        else { throw .corruptCompression(.snappy) }
        if size > limit { throw .inflatesTooLarge(limit: limit) }
        return try window.fill(minimum: size) { (room) throws(RecordError) in
            var filled = room.count
            let target = room.bindMemory(to: CChar.self).baseAddress
            guard snappy_uncompress(source.baseAddress, source.count, target, &filled) == SNAPPY_OK else {
                throw .corruptCompression(.snappy)
            }
            return filled
        }
    }

    private func drop(_ count: Int) { input = UnsafeRawBufferPointer(rebasing: input[count...]) }

    private static func startsWithHeader(_ input: UnsafeRawBufferPointer) -> Bool {
        input.count >= headerSize && input.prefix(magic.count).elementsEqual(magic)
    }
}

/// Deflates Snappy in Java's block framing, in chunks of 32 KiB.
final class SnappyEncoder: Encoder {
    private static let chunkSize = 32 << 10

    func encode(_ input: UnsafeRawBufferPointer, level: Int32?, into output: inout ByteWriter) {
        output.write(SnappyDecoder.magic)
        output.writeInt32(1)
        output.writeInt32(1)
        let source = input.bindMemory(to: CChar.self)
        var position = 0
        while position < source.count {
            let count = min(Self.chunkSize, source.count - position)
            let field = output.reserveField(4)
            var size = 0
            output.append(maximum: snappy_max_compressed_length(count)) { room in
                size = room.count
                let target = room.bindMemory(to: CChar.self).baseAddress
                let status = snappy_compress(source.baseAddress! + position, count, target, &size)
                precondition(status == SNAPPY_OK, "snappy_max_compressed_length is room enough")
                return size
            }
            output.overwriteInt32(Int32(size), at: field)
            position += count
        }
    }
}
