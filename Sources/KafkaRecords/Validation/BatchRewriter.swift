// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

/// Makes a new batch of a batch's records, where it cannot be taken as it is: the topic demands another codec, or the
/// offsets within are not contiguous (old clients).
public enum BatchRewriter {
    /// Appends to `output` a batch with the same records, base offset, timestamps, producer and flags, offsets without
    /// gaps, compressed with `compression` at `level` (nil for Kafka's default).
    ///
    /// The records are held in memory at once: over `RecordReader.heldInflateLimit` no `inflateLimit` counts.
    public static func rewrite(
        _ batch: RecordBatch, compression: CompressionType, level: Int32? = nil,
        inflateLimit: Int = RecordReader.heldInflateLimit, into output: inout ByteWriter
    ) throws(RecordError) {
        let header = batch.header
        var options = RecordBatchBuilder.Options(like: header)
        options.compression = compression
        options.level = level
        var builder = RecordBatchBuilder(options, capacity: batch.bytes.count)
        var reader = try batch.makeReader(inflateLimit: min(inflateLimit, RecordReader.heldInflateLimit))
        while let record = try reader.next() {
            try builder.append(
                timestamp: record.timestamp, key: record.key, value: record.value, headers: record.headers)
        }
        try builder.finish(into: &output)
    }
}
