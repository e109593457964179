// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime

@testable import KafkaStorage

/// Batches as clients send them.
enum TestBatches {
    static let time: Int64 = 1_700_000_000_000

    static func batch(
        _ values: [String], timestamp: Int64 = time, compression: CompressionType = .none,
        producer: (id: Int64, epoch: Int16, sequence: Int32)? = nil, isTransactional: Bool = false,
        baseOffset: Int64 = 0, epoch: Int32 = -1
    ) throws -> [UInt8] {
        var options = RecordBatchBuilder.Options()
        options.compression = compression
        options.isTransactional = isTransactional
        options.baseOffset = baseOffset
        options.partitionLeaderEpoch = epoch
        if let producer {
            options.producerID = producer.id
            options.producerEpoch = producer.epoch
            options.baseSequence = producer.sequence
        }
        var builder = RecordBatchBuilder(options)
        for (index, value) in values.enumerated() {
            try builder.append(timestamp: timestamp + Int64(index), key: Array("k".utf8), value: Array(value.utf8))
        }
        return try builder.finish()
    }

    /// A message set as clients before 0.11 send it.
    static func oldMessages(
        _ values: [String], magic: Int8, compression: CompressionType, timestamp: Int64 = time
    ) throws -> [UInt8] {
        var builder = try LegacyMessageSetBuilder(magic: magic, compression: compression)
        for (index, value) in values.enumerated() {
            try Array(value.utf8).withUnsafeBytes { value in
                try builder.append(offset: Int64(index), timestamp: timestamp, key: nil, value: value)
            }
        }
        var output = ByteWriter()
        try builder.finish(into: &output)
        return output.toArray()
    }

    /// A batch of exactly `size` bytes with one record.
    static func sized(_ size: Int, timestamp: Int64 = time, fill: UInt8 = 0x78) throws -> [UInt8] {
        func make(_ valueSize: Int) throws -> [UInt8] {
            var builder = RecordBatchBuilder()
            try builder.append(
                timestamp: timestamp, key: nil, value: [UInt8](repeating: fill, count: valueSize))
            return try builder.finish()
        }
        var valueSize = size - RecordBatchHeader.size - 8
        while true {
            let made = try make(valueSize)
            if made.count == size { return made }
            valueSize += size - made.count
        }
    }
}

extension UnifiedLog {
    /// Appends what a client sent, as leader.
    @discardableResult
    func append(
        _ batch: [UInt8], epoch: Int32 = 0, origin: AppendOrigin = .client, now: Int64 = TestBatches.time
    ) throws -> AppendInfo {
        var bytes = batch
        return try bytes.withUnsafeMutableBytes {
            try appendAsLeader($0, leaderEpoch: epoch, origin: origin, now: now)
        }
    }

    @discardableResult
    func appendFollower(_ bytes: [UInt8], now: Int64 = TestBatches.time) throws -> AppendInfo {
        try bytes.withUnsafeBytes { try appendAsFollower($0, now: now) }
    }

    /// All records from `offset` on, as `offset=value`.
    func records(
        from offset: Int64? = nil, maxBytes: Int = 1 << 20, isolation: ReadIsolation = .logEnd
    ) throws -> [String] {
        var result: [String] = []
        var next = offset ?? logStartOffset
        let start = next
        while true {
            let range = try read(from: next, maxBytes: maxBytes, isolation: isolation, atLeastOne: true)
            guard let file = range.file else { return result }
            let bytes = try file.readBytes(at: range.position, count: range.count)
            guard bytes.count == range.count else { return result + ["SHORT"] }
            let before = next
            try bytes.withUnsafeBytes { bytes in
                var cursor = BatchCursor(bytes)
                while let entry = try cursor.next() {
                    let batch = try RecordBatch(bytes: entry.bytes)
                    try batch.verifyCRC()
                    try batch.forEachRecord { record in
                        guard record.offset >= start else { return }
                        let value = record.value.map { String(decoding: $0, as: UTF8.self) } ?? "null"
                        result.append("\(record.offset)=\(value)")
                    }
                    next = batch.header.nextOffset
                }
            }
            if next == before { return result }
        }
    }
}

/// Producers that write transactions to one log, as clients and their coordinator do.
struct TestTransactions {
    private var sequences: [Int64: Int32] = [:]
    var coordinatorEpoch: Int32 = 0

    @discardableResult
    mutating func write(
        _ values: [String], by producer: Int64, to log: UnifiedLog, isTransactional: Bool = true
    ) throws -> AppendInfo {
        let sequence = sequences[producer, default: 0]
        let batch = try TestBatches.batch(
            values, producer: (producer, 0, sequence), isTransactional: isTransactional)
        let info = try log.append(batch)
        sequences[producer] = sequence + Int32(values.count)
        return info
    }

    /// Appends the marker that ends the producer's transaction.
    @discardableResult
    func end(
        _ result: EndTransactionMarker.Result, by producer: Int64, in log: UnifiedLog
    ) throws -> AppendInfo {
        let marker = EndTransactionMarker(result, coordinatorEpoch: coordinatorEpoch)
        return try log.append(
            marker.batch(producerID: producer, producerEpoch: 0, timestamp: TestBatches.time), origin: .coordinator)
    }
}

extension UnifiedLog {
    /// What a consumer of committed records is shown: it leaves out what the lists of aborted transactions tell it to.
    func committedValues(from offset: Int64 = 0, maxBytes: Int = 300) throws -> [String] {
        var result: [String] = []
        var next = offset
        while true {
            let range = try read(from: next, maxBytes: maxBytes, isolation: .lastStable, atLeastOne: true)
            guard let file = range.file else { return result }
            var pending = range.abortedTransactions.sorted { $0.firstOffset < $1.firstOffset }
            var aborted: Set<Int64> = []
            let bytes = try file.readBytes(at: range.position, count: range.count)
            let before = next
            try bytes.withUnsafeBytes { bytes in
                var cursor = BatchCursor(bytes)
                while let entry = try cursor.next() {
                    let batch = try RecordBatch(bytes: entry.bytes)
                    while let first = pending.first, first.firstOffset <= batch.header.lastOffset {
                        aborted.insert(first.producerID)
                        pending.removeFirst()
                    }
                    next = batch.header.nextOffset
                    if batch.header.attributes.isControl {
                        aborted.remove(batch.header.producerID)
                        continue
                    }
                    if batch.header.attributes.isTransactional, aborted.contains(batch.header.producerID) { continue }
                    try batch.forEachRecord { record in
                        guard record.offset >= before else { return }
                        result.append(record.value.map { String(decoding: $0, as: UTF8.self) } ?? "null")
                    }
                }
            }
            if next == before { return result }
        }
    }
}
