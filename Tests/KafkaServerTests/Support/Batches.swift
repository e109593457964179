// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRecords

/// Record batches and message sets as clients send them.
enum Batches {
    struct Producer {
        var id: Int64
        var epoch: Int16 = 0
        var sequence: Int32
    }

    static func batch(
        _ values: [String], key: String? = "k", timestamp: Int64, compression: CompressionType = .none,
        producer: Producer? = nil, isTransactional: Bool = false, isControl: Bool = false
    ) throws -> [UInt8] {
        var options = RecordBatchBuilder.Options()
        options.compression = compression
        options.isTransactional = isTransactional
        options.isControl = isControl
        if let producer {
            options.producerID = producer.id
            options.producerEpoch = producer.epoch
            options.baseSequence = producer.sequence
        }
        var builder = RecordBatchBuilder(options)
        for value in values {
            try builder.append(timestamp: timestamp, key: key.map { Array($0.utf8) }, value: Array(value.utf8))
        }
        return try builder.finish()
    }

    static func messageSet(
        _ values: [String], magic: Int8, timestamp: Int64, compression: CompressionType = .none, key: String? = "k"
    ) throws -> [UInt8] {
        var builder = try LegacyMessageSetBuilder(magic: magic, compression: compression)
        for (index, value) in values.enumerated() {
            let bytes = Array(value.utf8)
            try bytes.withUnsafeBytes { value in
                try Array((key ?? "").utf8).withUnsafeBytes { keyBytes in
                    try builder.append(
                        offset: Int64(index), timestamp: timestamp, key: key == nil ? nil : keyBytes, value: value)
                }
            }
        }
        var output = ByteWriter()
        try builder.finish(into: &output)
        return output.toArray()
    }

    /// The records in batches of format 2, as `offset=value`.
    static func values(in records: RecordBytes) throws -> [String] {
        var values: [String] = []
        try records.withBytes { bytes in
            var cursor = BatchCursor(bytes)
            while let entry = try cursor.next() {
                let batch = try RecordBatch(bytes: entry.bytes)
                try batch.verifyCRC()
                try batch.forEachRecord { record in
                    values.append(
                        "\(record.offset)=\(record.value.map { String(decoding: $0, as: UTF8.self) } ?? "null")")
                }
            }
        }
        return values
    }

    /// The headers of the batches.
    static func headers(in records: RecordBytes) throws -> [RecordBatchHeader] {
        var headers: [RecordBatchHeader] = []
        try records.withBytes { bytes in
            var cursor = BatchCursor(bytes)
            while let entry = try cursor.next() { headers.append(try RecordBatch(bytes: entry.bytes).header) }
        }
        return headers
    }
}

/// Requests that most tests send.
enum Requests {
    static func produce(
        _ records: [UInt8]?, to topic: String = "", id: KafkaUUID = .zero, partition: Int32 = 0, acks: Int16 = -1
    ) -> ProduceRequest {
        ProduceRequest(
            acks: acks, timeoutMs: 1_000,
            topicData: [
                .init(
                    name: topic, topicID: id,
                    partitionData: [.init(index: partition, records: records.map { .owned($0) } ?? .null)])
            ])
    }

    static func fetch(
        _ topic: String = "", id: KafkaUUID = .zero, partition: Int32 = 0, from offset: Int64 = 0,
        partitionMaxBytes: Int32 = 1 << 20, maxWait: Int32 = 0, minBytes: Int32 = 1
    ) -> FetchRequest {
        FetchRequest(
            maxWaitMs: maxWait, minBytes: minBytes,
            topics: [
                .init(
                    topic: topic, topicID: id,
                    partitions: [
                        .init(partition: partition, fetchOffset: offset, partitionMaxBytes: partitionMaxBytes)
                    ])
            ])
    }
}

extension Batches {
    /// The records in message sets of format `magic`, as `offset=value`; throws for those of another.
    static func oldValues(in records: RecordBytes, magic: Int8) throws -> [String] {
        var values: [String] = []
        try records.withBytes { bytes in
            try LegacyMessageSet.forEachMessage(bytes) { (record) throws(RecordError) in
                guard record.message.magic == magic else { throw .unsupportedMagic(record.message.magic) }
                values.append(
                    "\(record.offset)=\(record.value.map { String(decoding: $0, as: UTF8.self) } ?? "null")")
            }
        }
        return values
    }
}
