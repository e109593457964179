// SPDX-License-Identifier: Apache-2.0
private import CLZ4
internal import KafkaBase

/// How the header of an LZ4 frame is checked.
public enum LZ4Framing: Sendable {
    /// The LZ4 frame format.
    case standard
    /// As Kafka's first LZ4 writer did it, in messages of magic 0 only: the header's checksum covers the frame's magic
    /// number, too. Written so, and not checked when read.
    case magic0
}

/// Inflates one LZ4 frame. Bytes behind its end are ignored, as Java's reader ignores them.
final class LZ4Decoder: Decoder {
    private var framing = LZ4Framing.standard
    private var context: OpaquePointer?
    private var input = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The frame's header with the checksum that the library wants, where that is not the one received.
    private var header: [UInt8] = []
    private var headerLeft = 0
    private var isFinished = false
    private var hasSmallBlocks = true

    /// Whether the context has stayed small enough to be kept, and has nothing left of a frame that did not come to its
    /// end: the library (1.9.4) does not forget how much such a frame still had to hold, and refuses the next one for it.
    var isWorthKeeping: Bool { isFinished && hasSmallBlocks }

    init() {
        let status = LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))
        precondition(LZ4F_isError(status) == 0, "no memory for an LZ4 context")
    }

    deinit { LZ4F_freeDecompressionContext(context) }

    func framed(_ framing: LZ4Framing) -> LZ4Decoder {
        self.framing = framing
        return self
    }

    func begin(_ input: UnsafeRawBufferPointer) {
        LZ4F_resetDecompressionContext(context)
        isFinished = false
        self.input = input
        header = []
        // The context keeps buffers of the block size; the largest two sizes (ids 6 and 7) are too much to keep.
        hasSmallBlocks = input.count < 6 || (input[5] >> 4) & 7 <= 5
        if framing == .magic0, let length = LZ4FrameHeader.length(input), input.count >= length {
            header = [UInt8](input[..<length])
            header[length - 1] = LZ4FrameHeader.checksum(header[4..<(length - 1)])
            self.input = UnsafeRawBufferPointer(rebasing: input[length...])
        }
        headerLeft = header.count
    }

    func inflate(into window: inout InflateWindow, limit: Int) throws(RecordError) -> Int {
        if isFinished { return 0 }
        return try window.fill(minimum: min(Inflation.pieceSize, limit)) { (room) throws(RecordError) in
            let wanted = min(room.count, limit)
            var filled = 0
            while filled < wanted, !isFinished {
                filled += try step(UnsafeMutableRawBufferPointer(rebasing: room[filled..<wanted]))
            }
            return filled
        }
    }

    private func step(_ room: UnsafeMutableRawBufferPointer) throws(RecordError) -> Int {
        var filled = room.count
        var consumed: Int
        let hint: Int
        if headerLeft > 0 {
            consumed = headerLeft
            hint = header.withUnsafeBytes { header in
                let rest = header[(header.count - headerLeft)...]
                return LZ4F_decompress(
                    context, room.baseAddress, &filled, UnsafeRawBufferPointer(rebasing: rest).baseAddress, &consumed,
                    nil)
            }
            headerLeft -= consumed
        } else {
            consumed = input.count
            hint = LZ4F_decompress(context, room.baseAddress, &filled, input.baseAddress, &consumed, nil)
            input = UnsafeRawBufferPointer(rebasing: input[consumed...])
        }
        if LZ4F_isError(hint) != 0 { throw .corruptCompression(.lz4) }
        if hint == 0 { isFinished = true } else if filled == 0, consumed == 0 { throw .corruptCompression(.lz4) }
        return filled
    }
}

/// Deflates one LZ4 frame of independent 64 KiB blocks, the only kind that Java's reader knows.
final class LZ4Encoder: Encoder {
    /// Kafka's default level, which stands for the fast compressor; all others are the high-compression one's.
    private static let defaultLevel: Int32 = 9

    private let framing: LZ4Framing

    init(framing: LZ4Framing) { self.framing = framing }

    func encode(_ input: UnsafeRawBufferPointer, level: Int32?, into output: inout ByteWriter) {
        var preferences = LZ4F_preferences_t()
        preferences.frameInfo.blockSizeID = LZ4F_max64KB
        preferences.frameInfo.blockMode = LZ4F_blockIndependent
        if let level, level != Self.defaultLevel {
            preferences.compressionLevel = min(max(level, 3), LZ4F_compressionLevel_max())
        }
        output.append(maximum: LZ4F_compressFrameBound(input.count, &preferences)) { room in
            let size = LZ4F_compressFrame(
                room.baseAddress, room.count, input.baseAddress, input.count, &preferences)
            precondition(LZ4F_isError(size) == 0, "LZ4F_compressFrameBound is room enough")
            let frame = UnsafeRawBufferPointer(start: room.baseAddress, count: size)
            if framing == .magic0, let length = LZ4FrameHeader.length(frame) {
                room[length - 1] = LZ4FrameHeader.checksum(frame[..<(length - 1)])
            }
            return size
        }
    }
}

/// The header of an LZ4 frame: magic u32, flags, block descriptor, content size u64 and dictionary id u32 where the
/// flags say so, checksum u8.
private enum LZ4FrameHeader {
    /// The header's length in bytes, nil where there are too few bytes to tell.
    static func length(_ frame: UnsafeRawBufferPointer) -> Int? {
        guard frame.count >= 7 else { return nil }
        let flags = frame[4]
        return 7 + (flags & 0x08 != 0 ? 8 : 0) + (flags & 0x01 != 0 ? 4 : 0)
    }

    static func checksum(_ bytes: some Collection<UInt8>) -> UInt8 {
        Array(bytes).withUnsafeBytes { UInt8(truncatingIfNeeded: XXHash32.hash($0) >> 8) }
    }
}
