// SPDX-License-Identifier: Apache-2.0

/// Inflates one compressed block piece by piece. Holds a library context that is costly to make, so decoders are reused.
protocol Decoder: AnyObject {
    /// Starts on `input`, forgetting what came before. The memory must stay until the last `inflate`.
    func begin(_ input: UnsafeRawBufferPointer)

    /// Appends some bytes, about `window`'s free room but no more than `limit` (at least 1), to `window`; returns their
    /// number, 0 at the end. A unit that cannot be cut and is longer than `limit` throws `inflatesTooLarge`.
    func inflate(into window: inout InflateWindow, limit: Int) throws(RecordError) -> Int
}

/// One pass over a compressed block, with a bound on what it may inflate to.
struct Inflation: ~Copyable {
    private let decoder: any Decoder
    private let limit: Int
    private var produced = 0
    private var window: InflateWindow

    /// Bytes a decoder is asked for at a time.
    static let pieceSize = 64 << 10

    /// `type` is a codec, not `none`; `input` must stay until the inflation is gone.
    init(_ input: UnsafeRawBufferPointer, type: CompressionType, lz4Framing: LZ4Framing = .standard, limit: Int) {
        decoder = Self.takeDecoder(type, lz4Framing)
        self.limit = max(limit, 0)
        window = InflateWindow(capacity: Self.pieceSize)
        decoder.begin(input)
    }

    deinit { Self.giveBack(decoder) }

    /// What has been inflated and not consumed; valid until the next `more`.
    var unread: UnsafeRawBufferPointer { window.unread }

    mutating func consume(_ count: Int) { window.consume(count) }

    /// Inflates a further piece behind the unread bytes; false at the end.
    mutating func more() throws(RecordError) -> Bool {
        // One byte over the limit is asked for, to tell a block that ends there from one that goes on.
        let filled: Int
        do throws(RecordError) {
            filled = try decoder.inflate(into: &window, limit: limit - produced + 1)
        } catch {
            if case .inflatesTooLarge = error { throw .inflatesTooLarge(limit: limit) }
            throw error
        }
        produced += filled
        if produced > limit { throw .inflatesTooLarge(limit: limit) }
        return filled > 0
    }

    private static let gzipDecoders = CodecPool(limit: 8) { GzipDecoder() }
    private static let zstdDecoders = CodecPool(limit: 8) { ZstdDecoder() }
    private static let lz4Decoders = CodecPool(limit: 8) { LZ4Decoder() }

    private static func takeDecoder(_ type: CompressionType, _ lz4Framing: LZ4Framing) -> any Decoder {
        switch type {
        case .none: preconditionFailure("uncompressed bytes are not inflated")
        case .gzip: gzipDecoders.take()
        case .snappy: SnappyDecoder()
        case .lz4: lz4Decoders.take().framed(lz4Framing)
        case .zstd: zstdDecoders.take()
        }
    }

    private static func giveBack(_ decoder: any Decoder) {
        switch decoder {
        case let decoder as GzipDecoder: gzipDecoders.give(decoder)
        case let decoder as ZstdDecoder where decoder.isWorthKeeping: zstdDecoders.give(decoder)
        case let decoder as LZ4Decoder where decoder.isWorthKeeping: lz4Decoders.give(decoder)
        default: break
        }
    }
}
