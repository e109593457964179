// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime

@testable import KafkaStorage

/// Logs with keys, and a look at what a cleaning left of them.
enum Compaction {
    static let configuration: LogConfiguration = {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 900
        configuration.indexIntervalBytes = 100
        configuration.segmentIndexBytes = 4096
        configuration.cleanupPolicy = .compact
        configuration.minCleanableDirtyRatio = 0
        configuration.deleteRetentionMs = 1000
        configuration.fileDeleteDelayMs = 500
        return configuration
    }()

    /// A batch of records written as `key=value`, or `key` for a deletion; a record without key begins with `=`.
    static func batch(
        _ records: [String], timestamp: Int64 = TestBatches.time, compression: CompressionType = .none,
        producer: (id: Int64, epoch: Int16, sequence: Int32)? = nil, isTransactional: Bool = false,
        logAppendTime: Int64? = nil
    ) throws -> [UInt8] {
        var options = RecordBatchBuilder.Options()
        options.compression = compression
        options.isTransactional = isTransactional
        options.logAppendTime = logAppendTime
        if let producer {
            options.producerID = producer.id
            options.producerEpoch = producer.epoch
            options.baseSequence = producer.sequence
        }
        var builder = RecordBatchBuilder(options)
        for (index, record) in records.enumerated() {
            let (key, value) = parts(record)
            try builder.append(
                timestamp: timestamp + Int64(index), key: key, value: value, headers: [("h", Array("x".utf8))])
        }
        return try builder.finish()
    }

    static func parts(_ record: String) -> (key: [UInt8]?, value: [UInt8]?) {
        guard let sign = record.firstIndex(of: "=") else { return (Array(record.utf8), nil) }
        let key = record[..<sign]
        return (key.isEmpty ? nil : Array(key.utf8), Array(record[record.index(after: sign)...].utf8))
    }

    /// A message set of an old format, with offsets from `offset` on.
    static func oldMessages(
        _ records: [String], magic: Int8, compression: CompressionType, offset: Int64, logAppendTime: Int64? = nil
    ) throws -> [UInt8] {
        var builder = try LegacyMessageSetBuilder(
            magic: magic, compression: compression, logAppendTime: logAppendTime)
        for (index, record) in records.enumerated() {
            let (key, value) = parts(record)
            try optional(key) { key in
                try optional(value) { value in
                    try builder.append(
                        offset: offset + Int64(index), timestamp: TestBatches.time + Int64(index), key: key,
                        value: value)
                }
            }
        }
        var output = ByteWriter()
        try builder.finish(into: &output)
        return output.toArray()
    }

    private static func optional(
        _ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws -> Void
    ) throws {
        guard let bytes else { return try body(nil) }
        try bytes.withUnsafeBytes { try body($0) }
    }
}

extension UnifiedLog {
    /// Cleans what can be cleaned, whether it is due or not; nil where there is nothing.
    @discardableResult
    func cleanNow(
        now: Int64 = TestBatches.time, mapBytes: Int64 = 1 << 20, bufferBytes: Int = 4096,
        segmentBytesMax: Int64 = Int64(Int32.max)
    ) throws -> CleaningStatistics? {
        let options = LogCleaning.Options(
            mapBytes: mapBytes, loadFactor: 0.9, bufferBytes: bufferBytes, segmentBytesMax: segmentBytesMax)
        guard let cleaning = try LogCleaning(self, options, now: now) else { return nil }
        do {
            while !cleaning.isDone { _ = try cleaning.advance() }
        } catch {
            cleaning.abandon()
            throw error
        }
        return cleaning.wasCompleted ? cleaning.statistics : nil
    }

    /// Begins a new segment, and lets everything before it be cleaned.
    func rollForCleaning() throws {
        updateHighWatermark(logEndOffset)
        try roll()
    }

    /// All records as `offset:key=value`, or `offset:key` for a deletion; markers as `offset:!commit`.
    func keyed() throws -> [String] {
        var result: [String] = []
        for batch in try entries() {
            switch batch {
            case .batch(let bytes):
                try bytes.withUnsafeBytes { bytes in
                    let batch = try RecordBatch(bytes: bytes)
                    try batch.forEachRecord { record throws(RecordError) in
                        guard !batch.header.attributes.isControl else {
                            let marker = try EndTransactionMarker(key: record.key, value: record.value)
                            result.append("\(record.offset):!\(marker.map { "\($0.result)" } ?? "?")")
                            return
                        }
                        result.append("\(record.offset):\(Self.text(record.key, record.value))")
                    }
                }
            case .old(let bytes):
                try bytes.withUnsafeBytes { bytes in
                    try LegacyMessageSet.forEachMessage(bytes) { record throws(RecordError) in
                        result.append("\(record.offset):\(Self.text(record.key, record.value))")
                    }
                }
            }
        }
        return result
    }

    private static func text(_ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?) -> String {
        let key = key.map { String(decoding: $0, as: UTF8.self) } ?? ""
        return value.map { "\(key)=\(String(decoding: $0, as: UTF8.self))" } ?? key
    }

    enum StoredEntry {
        case batch([UInt8])
        case old([UInt8])

        var bytes: [UInt8] {
            switch self {
            case .batch(let bytes), .old(let bytes): bytes
            }
        }
    }

    /// The batches, read as a consumer reads them, each with its checksum verified.
    func entries(maxBytes: Int = 1 << 20) throws -> [StoredEntry] {
        var result: [StoredEntry] = []
        var next = logStartOffset
        while true {
            let range = try read(from: next, maxBytes: maxBytes, isolation: .logEnd, atLeastOne: true)
            guard let file = range.file else { return result }
            let bytes = try file.readBytes(at: range.position, count: range.count)
            let before = next
            try bytes.withUnsafeBytes { bytes in
                var cursor = BatchCursor(bytes)
                while let entry = try cursor.next() {
                    if entry.header.magic == 2 {
                        let batch = try RecordBatch(bytes: entry.bytes)
                        try batch.verifyCRC()
                        result.append(.batch([UInt8](batch.bytes)))
                        next = batch.header.nextOffset
                    } else {
                        try LegacyMessage(parsing: entry.bytes).verifyCRC()
                        result.append(.old([UInt8](entry.bytes)))
                        next = entry.header.offset + 1
                    }
                }
            }
            if next == before { return result }
        }
    }

    func headers() throws -> [RecordBatchHeader] {
        try entries().map { entry in
            try entry.bytes.withUnsafeBytes { try RecordBatchHeader(parsing: $0) }
        }
    }
}
