// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

/// Writes one magic-2 batch.
///
/// Give it the records in ascending order of offset, then take the batch with `finish`. Timestamps count from the first
/// record's (or from the delete horizon, where there is one).
public struct RecordBatchBuilder: ~Copyable {
    /// What a batch says about itself besides its records.
    public struct Options: Sendable {
        public var baseOffset: Int64 = 0
        public var compression = CompressionType.none
        /// The codec's own level; nil for Kafka's default.
        public var level: Int32?
        /// When not nil, the batch's timestamp type is LogAppendTime and this its timestamp (milliseconds since 1970).
        public var logAppendTime: Int64?
        /// −1 for none.
        public var producerID: Int64 = -1
        /// −1 for none.
        public var producerEpoch: Int16 = -1
        /// −1 for none.
        public var baseSequence: Int32 = -1
        public var isTransactional = false
        public var isControl = false
        /// −1 for none.
        public var partitionLeaderEpoch: Int32 = -1
        /// After which time tombstones may go, milliseconds since 1970 (KIP-534).
        public var deleteHorizon: Int64?
        /// The distance of the batch's last offset from its first where that is not the last record's, as in a batch
        /// that compaction has thinned out.
        public var lastOffsetDelta: Int32?

        public init() {}

        /// For a batch that takes the place of another: its offset, producer, flags, times and leader epoch; the codec
        /// at its own level. A codec that does not exist counts as none.
        public init(like header: RecordBatchHeader) {
            baseOffset = header.baseOffset
            compression = header.attributes.compression ?? .none
            logAppendTime = header.attributes.timestampType == .logAppendTime ? header.maxTimestamp : nil
            producerID = header.producerID
            producerEpoch = header.producerEpoch
            baseSequence = header.baseSequence
            isTransactional = header.attributes.isTransactional
            isControl = header.attributes.isControl
            partitionLeaderEpoch = header.partitionLeaderEpoch
            deleteHorizon = header.deleteHorizon
        }
    }

    private var writer: ByteWriter
    private let options: Options
    private var baseTimestamp: Int64?
    private var maxTimestamp: Int64 = -1
    private var lastOffsetDelta: Int32 = -1
    /// Records added so far.
    public private(set) var count: Int32 = 0

    public init(_ options: Options = Options(), capacity: Int = 1024) {
        self.options = options
        baseTimestamp = options.deleteHorizon
        writer = ByteWriter(capacity: capacity + RecordBatchHeader.size)
        _ = writer.reserveField(RecordBatchHeader.size)
    }

    /// Bytes so far, before compression.
    public var uncompressedSize: Int { writer.count }

    /// A bound on what one more record takes, before compression.
    public static func recordSizeMax(keySize: Int, valueSize: Int, headersSize: Int = 0) -> Int {
        21 + keySize + valueSize + headersSize
    }

    /// Adds a record. `offset` is the one after the last record's when nil.
    ///
    /// Throws `valueTooLarge` for an offset that is not behind the last one or further than 2³¹−1 from the base.
    public mutating func append(
        offset: Int64? = nil, timestamp: Int64, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
        headers: RecordHeaders? = nil
    ) throws(RecordError) {
        let delta = try nextDelta(offset)
        let base = baseTimestamp ?? timestamp
        let headersCount = Int32(headers?.count ?? 0)
        let headersBytes = headers?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0)
        let (timestampDelta, overflow) = timestamp.subtractingReportingOverflow(base)
        if overflow { throw .valueTooLarge(timestamp) }
        var size = 1 + Self.varlongSize(timestampDelta) + Self.varlongSize(Int64(delta))
        size += Self.fieldSize(key) + Self.fieldSize(value)
        size += Self.varlongSize(Int64(headersCount)) + headersBytes.count
        guard let length = Int32(exactly: size), writer.count + size < Int(Int32.max) - 5 else {
            throw .valueTooLarge(Int64(size))
        }
        writer.reserve(size + 5)
        writer.writeVarint(length)
        writer.writeInt8(0)
        writer.writeVarlong(timestampDelta)
        writer.writeVarint(delta)
        Self.write(key, into: &writer)
        Self.write(value, into: &writer)
        writer.writeVarint(headersCount)
        writer.write(headersBytes)
        baseTimestamp = base
        maxTimestamp = max(maxTimestamp, timestamp)
        lastOffsetDelta = delta
        count += 1
    }

    /// Adds a record from owned bytes.
    public mutating func append(
        offset: Int64? = nil, timestamp: Int64, key: [UInt8]?, value: [UInt8]?,
        headers: [(key: String, value: [UInt8]?)] = []
    ) throws(RecordError) {
        var encoded = ByteWriter(capacity: 64)
        for header in headers {
            encoded.writeVarint(Int32(header.key.utf8.count))
            encoded.writeUTF8(header.key)
            Self.write(header.value, into: &encoded)
        }
        let view = RecordHeaders(count: headers.count, bytes: encoded.bytes)
        var result = Result<Void, RecordError>.success(())
        Self.withBytes(key) { key in
            Self.withBytes(value) { value in
                do throws(RecordError) {
                    try append(offset: offset, timestamp: timestamp, key: key, value: value, headers: view)
                } catch {
                    result = .failure(error)
                }
            }
        }
        try result.get()
    }

    /// The finished batch.
    public consuming func finish() throws(RecordError) -> [UInt8] {
        var output = ByteWriter(capacity: 0)
        try finish(into: &output)
        return output.toArray()
    }

    /// Appends the finished batch to `output`.
    public consuming func finish(into output: inout ByteWriter) throws(RecordError) {
        let start = output.count
        let records = UnsafeRawBufferPointer(rebasing: writer.bytes[RecordBatchHeader.size...])
        output.reserve(writer.count)
        output.write(UnsafeRawBufferPointer(rebasing: writer.bytes[..<RecordBatchHeader.size]))
        Compression.compress(records, type: options.compression, level: options.level, into: &output)
        let size = output.count - start
        guard size <= Int(Int32.max) else { throw .valueTooLarge(Int64(size)) }
        let batch = UnsafeMutableRawBufferPointer(mutating: UnsafeRawBufferPointer(rebasing: output.bytes[start...]))
        writeHeader(batch)
    }

    private func writeHeader(_ batch: UnsafeMutableRawBufferPointer) {
        guard let base = batch.baseAddress else { return }
        let attributes = BatchAttributes(
            compression: options.compression,
            timestampType: options.logAppendTime == nil ? .createTime : .logAppendTime,
            isTransactional: options.isTransactional, isControl: options.isControl,
            hasDeleteHorizon: options.deleteHorizon != nil)
        base.storeBigEndian(options.baseOffset, at: 0)
        base.storeBigEndian(Int32(batch.count - RecordBatchHeader.overhead), at: 8)
        base.storeBigEndian(options.partitionLeaderEpoch, at: 12)
        base.storeBigEndian(RecordBatchHeader.magic, at: RecordBatchHeader.magicPosition)
        base.storeBigEndian(attributes.rawValue, at: 21)
        base.storeBigEndian(options.lastOffsetDelta ?? max(lastOffsetDelta, 0), at: 23)
        base.storeBigEndian(baseTimestamp ?? -1, at: 27)
        base.storeBigEndian(options.logAppendTime ?? maxTimestamp, at: 35)
        base.storeBigEndian(options.producerID, at: 43)
        base.storeBigEndian(options.producerEpoch, at: 51)
        base.storeBigEndian(options.baseSequence, at: 53)
        base.storeBigEndian(count, at: 57)
        BatchPatch.recomputeChecksum(batch)
    }

    private func nextDelta(_ offset: Int64?) throws(RecordError) -> Int32 {
        guard let offset else {
            guard lastOffsetDelta < Int32.max else { throw .valueTooLarge(Int64(lastOffsetDelta) + 1) }
            return lastOffsetDelta + 1
        }
        let (distance, overflow) = offset.subtractingReportingOverflow(options.baseOffset)
        guard !overflow, let delta = Int32(exactly: distance), delta > lastOffsetDelta else {
            throw .valueTooLarge(offset)
        }
        return delta
    }

    private static func varlongSize(_ value: Int64) -> Int {
        let zigzag = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        return max(1, (64 - zigzag.leadingZeroBitCount + 6) / 7)
    }

    private static func fieldSize(_ bytes: UnsafeRawBufferPointer?) -> Int {
        guard let bytes else { return 1 }
        return varlongSize(Int64(bytes.count)) + bytes.count
    }

    private static func write(_ bytes: UnsafeRawBufferPointer?, into writer: inout ByteWriter) {
        guard let bytes else { return writer.writeVarint(-1) }
        writer.writeVarint(Int32(bytes.count))
        writer.write(bytes)
    }

    private static func write(_ bytes: [UInt8]?, into writer: inout ByteWriter) {
        guard let bytes else { return writer.writeVarint(-1) }
        writer.writeVarint(Int32(bytes.count))
        writer.write(bytes)
    }

    private static func withBytes(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) -> Void) {
        guard let bytes else { return body(nil) }
        bytes.withUnsafeBytes { body($0) }
    }
}
