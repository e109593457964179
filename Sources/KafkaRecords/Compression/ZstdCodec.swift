// SPDX-License-Identifier: Apache-2.0
private import CZstd
internal import KafkaBase

/// Inflates Zstandard. Several frames one after the other are one stream; skippable frames are skipped.
final class ZstdDecoder: Decoder {
    /// Contexts that have grown a larger window than the usual levels need are not kept.
    private static let keptSizeMax = 9 << 20

    private let context: OpaquePointer
    private var input = ZSTD_inBuffer()
    private var isInsideFrame = false

    init() {
        guard let context = ZSTD_createDCtx() else { fatalError("no memory for a zstd context") }
        self.context = context
    }

    deinit { ZSTD_freeDCtx(context) }

    /// Whether the context has stayed small enough to be kept.
    var isWorthKeeping: Bool { ZSTD_sizeof_DCtx(context) <= Self.keptSizeMax }

    func begin(_ bytes: UnsafeRawBufferPointer) {
        _ = ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
        input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
        isInsideFrame = false
    }

    func inflate(into window: inout InflateWindow, limit: Int) throws(RecordError) -> Int {
        if input.pos == input.size, !isInsideFrame { return 0 }
        return try window.fill(minimum: min(Inflation.pieceSize, limit)) { (room) throws(RecordError) in
            var output = ZSTD_outBuffer(dst: room.baseAddress, size: min(room.count, limit), pos: 0)
            while output.pos < output.size, input.pos < input.size || isInsideFrame {
                let before = (input.pos, output.pos)
                let left = ZSTD_decompressStream(context, &output, &input)
                if ZSTD_isError(left) != 0 { throw .corruptCompression(.zstd) }
                isInsideFrame = left != 0
                // Neither side moved: the input ends inside a frame.
                if before == (input.pos, output.pos), isInsideFrame { throw .corruptCompression(.zstd) }
            }
            return output.pos
        }
    }
}

/// Deflates one Zstandard frame in one go; the frame tells its content's size.
final class ZstdEncoder: Encoder {
    private let context: OpaquePointer

    init() {
        guard let context = ZSTD_createCCtx() else { fatalError("no memory for a zstd context") }
        self.context = context
    }

    deinit { ZSTD_freeCCtx(context) }

    func encode(_ input: UnsafeRawBufferPointer, level: Int32?, into output: inout ByteWriter) {
        let level = min(max(level ?? ZSTD_CLEVEL_DEFAULT, ZSTD_minCLevel()), ZSTD_maxCLevel())
        output.append(maximum: ZSTD_compressBound(input.count)) { room in
            let size = ZSTD_compressCCtx(
                context, room.baseAddress, room.count, input.baseAddress, input.count, level)
            precondition(ZSTD_isError(size) == 0, "ZSTD_compressBound is room enough")
            return size
        }
    }
}
