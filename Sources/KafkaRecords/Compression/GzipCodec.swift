// SPDX-License-Identifier: Apache-2.0
private import CZlib
internal import KafkaBase

/// Inflates gzip. Several members one after the other are one stream; bytes behind the last member that do not begin
/// another are ignored, as Java's reader ignores them.
final class GzipDecoder: Decoder {
    /// 32 KiB window, gzip wrapping only.
    fileprivate static let windowBits: Int32 = 15 + 16

    private let stream: UnsafeMutablePointer<z_stream>
    private var isFinished = false

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = inflateInit2_(stream, Self.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "no memory for a zlib context")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func begin(_ input: UnsafeRawBufferPointer) {
        inflateReset(stream)
        let bytes = input.bindMemory(to: UInt8.self)
        // zlib never writes through its input pointer.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
        stream.pointee.avail_in = UInt32(bytes.count)
        isFinished = false
    }

    func inflate(into window: inout InflateWindow, limit: Int) throws(RecordError) -> Int {
        if isFinished { return 0 }
        return try window.fill(minimum: min(Inflation.pieceSize, limit)) { (room) throws(RecordError) in
            let count = min(room.count, limit, Int(UInt32.max))
            stream.pointee.next_out = room.bindMemory(to: UInt8.self).baseAddress
            stream.pointee.avail_out = UInt32(count)
            while stream.pointee.avail_out > 0, !isFinished {
                let before = (stream.pointee.avail_in, stream.pointee.avail_out)
                switch CZlib.inflate(stream, Z_NO_FLUSH) {
                case Z_OK:
                    let isStuck = before == (stream.pointee.avail_in, stream.pointee.avail_out)
                    if isStuck { throw .corruptCompression(.gzip) }
                case Z_STREAM_END: startNextMember()
                default: throw .corruptCompression(.gzip)
                }
            }
            return count - Int(stream.pointee.avail_out)
        }
    }

    private func startNextMember() {
        guard stream.pointee.avail_in >= 2, let next = stream.pointee.next_in, next[0] == 0x1F, next[1] == 0x8B else {
            isFinished = true
            return
        }
        inflateReset(stream)
    }
}

/// Deflates gzip in one go.
final class GzipEncoder: Encoder {
    private let stream: UnsafeMutablePointer<z_stream>

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = deflateInit2_(
            stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GzipDecoder.windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "no memory for a zlib context")
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    func encode(_ input: UnsafeRawBufferPointer, level: Int32?, into output: inout ByteWriter) {
        deflateReset(stream)
        let level = level.map { min(max($0, 1), 9) } ?? Z_DEFAULT_COMPRESSION
        deflateParams(stream, level, Z_DEFAULT_STRATEGY)
        let bytes = input.bindMemory(to: UInt8.self)
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
        stream.pointee.avail_in = UInt32(bytes.count)
        let bound = Int(deflateBound(stream, UInt(bytes.count)))
        output.append(maximum: bound) { room in
            let count = min(room.count, Int(UInt32.max))
            stream.pointee.next_out = room.bindMemory(to: UInt8.self).baseAddress
            stream.pointee.avail_out = UInt32(count)
            let status = deflate(stream, Z_FINISH)
            precondition(status == Z_STREAM_END, "deflateBound is room enough")
            return count - Int(stream.pointee.avail_out)
        }
    }
}
