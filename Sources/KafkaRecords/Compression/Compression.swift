// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

/// The codecs of record batches, both ways.
public enum Compression {
    /// Appends `bytes`, compressed, to `output`.
    ///
    /// `level` is the codec's own (gzip 1…9, lz4 1…17, zstd −131072…22), brought into its range; nil is Kafka's
    /// default. Snappy is written in Java's block framing. With `none` the bytes are copied.
    public static func compress(
        _ bytes: UnsafeRawBufferPointer, type: CompressionType, level: Int32? = nil,
        lz4Framing: LZ4Framing = .standard, into output: inout ByteWriter
    ) {
        switch type {
        case .none: output.write(bytes)
        case .snappy: SnappyEncoder().encode(bytes, level: level, into: &output)
        case .lz4: LZ4Encoder(framing: lz4Framing).encode(bytes, level: level, into: &output)
        case .gzip: encode(bytes, level: level, with: gzipEncoders, into: &output)
        case .zstd: encode(bytes, level: level, with: zstdEncoders, into: &output)
        }
    }

    /// The inflated bytes; at most `limit` of them. Damaged or cut input throws `corruptCompression`.
    public static func decompress(
        _ bytes: UnsafeRawBufferPointer, type: CompressionType, lz4Framing: LZ4Framing = .standard, limit: Int
    ) throws(RecordError) -> [UInt8] {
        guard type != .none else {
            if bytes.count > limit { throw .inflatesTooLarge(limit: limit) }
            return [UInt8](bytes)
        }
        var inflation = Inflation(bytes, type: type, lz4Framing: lz4Framing, limit: limit)
        while try inflation.more() {}
        return [UInt8](inflation.unread)
    }

    private static let gzipEncoders = CodecPool(limit: 2) { GzipEncoder() }
    private static let zstdEncoders = CodecPool(limit: 2) { ZstdEncoder() }

    private static func encode<E: Encoder>(
        _ bytes: UnsafeRawBufferPointer, level: Int32?, with pool: CodecPool<E>, into output: inout ByteWriter
    ) {
        let encoder = pool.take()
        encoder.encode(bytes, level: level, into: &output)
        pool.give(encoder)
    }
}

/// Compresses one block. Holds a library context that may be costly to make.
protocol Encoder: AnyObject {
    /// Appends the compressed form of `input`, under 4 GiB, to `output`.
    func encode(_ input: UnsafeRawBufferPointer, level: Int32?, into output: inout ByteWriter)
}
