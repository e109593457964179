// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@testable import KafkaRecords

@Suite struct RecordBatchBuilderTests {
    private func build(_ records: [OwnedRecord], _ options: RecordBatchBuilder.Options) throws -> [UInt8] {
        var builder = RecordBatchBuilder(options)
        for record in records {
            try builder.append(
                offset: record.offset, timestamp: record.timestamp, key: record.key, value: record.value,
                headers: record.headers.map { ($0.key, $0.value) })
        }
        return try builder.finish()
    }

    @Test func `writes the bytes that other implementations write`() throws {
        var options = RecordBatchBuilder.Options()
        options.partitionLeaderEpoch = 0
        #expect(try build(GoldenBatch.records, options) == GoldenBatch.magic2[0].bytes)
        options.partitionLeaderEpoch = -1
        #expect(try build(GoldenBatch.records, options) == GoldenBatch.magic2[1].bytes)
    }

    @Test(arguments: CompressionType.allCases, [nil, 1, 5, 100] as [Int32?])
    func `what is built is read back`(codec: CompressionType, level: Int32?) throws {
        var random = SeededRandom(seed: 3)
        var options = RecordBatchBuilder.Options()
        options.compression = codec
        options.level = level
        options.baseOffset = 1000
        options.baseSequence = 5
        options.producerID = 1
        options.producerEpoch = 0
        let expected = (0..<500).map { index in
            OwnedRecord(
                offset: 1000 + Int64(index) * 3, timestamp: Int64.random(in: 0...(1 << 41), using: &random),
                sequence: Int32(5 + index * 3), key: index % 7 == 0 ? nil : random.bytes(index % 40),
                value: index % 5 == 0 ? nil : random.bytes(index * 3),
                headers: (0..<(index % 3)).map { OwnedHeader(key: "h\($0)", value: $0 == 1 ? nil : [1, 2]) })
        }
        let batch = try build(expected, options)
        #expect(try withBatch(batch) { $0.isCRCValid })
        #expect(try records(of: batch) == expected)
        #expect(try withBatch(batch) { $0.header.maxTimestamp } == expected.map(\.timestamp).max())
    }

    @Test func `a record larger than the window is read from a compressed batch`() throws {
        for codec in CompressionType.allCases {
            var options = RecordBatchBuilder.Options()
            options.compression = codec
            var builder = RecordBatchBuilder(options)
            let sizes = [10, 70_000, 3, 1_000_000, 65_536, 0]
            for size in sizes { try builder.append(timestamp: 1, key: nil, value: [UInt8](repeating: 7, count: size)) }
            #expect(try records(of: builder.finish()).map { $0.value?.count } == sizes)
        }
    }

    @Test func `a record over its limit is refused before it is inflated`() throws {
        var options = RecordBatchBuilder.Options()
        options.compression = .zstd
        var builder = RecordBatchBuilder(options)
        try builder.append(timestamp: 1, key: nil, value: [UInt8](repeating: 7, count: 1_000_000))
        let bytes = try builder.finish()
        try withBatch(bytes) { batch in
            var narrow = try batch.makeReader(recordLimit: 500_000)
            var error: RecordError?
            do throws(RecordError) { _ = try narrow.next() } catch let caught { error = caught }
            #expect(error == .inflatesTooLarge(limit: 500_000))
            var wide = try batch.makeReader(recordLimit: 1_100_000)
            let value = try wide.next()?.value?.count
            #expect(value == 1_000_000)
        }
    }

    @Test func `an empty batch keeps its offsets`() throws {
        var options = RecordBatchBuilder.Options()
        options.baseOffset = 10
        options.lastOffsetDelta = 4
        options.compression = .gzip
        let batch = try RecordBatchBuilder(options).finish()
        try withBatch(batch) { batch in
            #expect(batch.header.recordsCount == 0)
            #expect(batch.header.lastOffset == 14)
            #expect(batch.header.baseTimestamp == -1)
            #expect(batch.header.maxTimestamp == -1)
        }
        #expect(try records(of: batch).isEmpty)
        // Apache Kafka leaves nothing behind the header of such a batch.
        let bare = patched(Array(batch[..<61]), at: 8, [0, 0, 0, 49])
        #expect(try records(of: bare).isEmpty)
    }

    @Test func `a delete horizon takes the place of the base timestamp`() throws {
        var options = RecordBatchBuilder.Options()
        options.deleteHorizon = 5000
        let batch = try batch(options, timestamp: 42, keys: ["a"])
        #expect(try withBatch(batch) { $0.header.deleteHorizon } == 5000)
        #expect(try records(of: batch).map(\.timestamp) == [42])
    }

    @Test func `offsets that do not ascend or are too far are refused`() throws {
        var builder = RecordBatchBuilder()
        try builder.append(offset: 5, timestamp: 0, key: nil as [UInt8]?, value: nil)
        #expect(throws: RecordError.valueTooLarge(5)) {
            try builder.append(offset: 5, timestamp: 0, key: nil as [UInt8]?, value: nil)
        }
        #expect(throws: RecordError.valueTooLarge(1 << 31)) {
            try builder.append(offset: 1 << 31, timestamp: 0, key: nil as [UInt8]?, value: nil)
        }
        try builder.append(offset: (1 << 31) - 1, timestamp: 0, key: nil as [UInt8]?, value: nil)
        #expect(throws: RecordError.valueTooLarge(1 << 31)) {
            try builder.append(timestamp: 0, key: nil as [UInt8]?, value: nil)
        }
        #expect(try records(of: builder.finish()).map(\.offset) == [5, (1 << 31) - 1])
    }

    @Test func `timestamps at the ends of their range survive or are refused`() throws {
        var builder = RecordBatchBuilder()
        try builder.append(timestamp: .max, key: nil as [UInt8]?, value: nil)
        try builder.append(timestamp: 0, key: nil as [UInt8]?, value: nil)
        #expect(throws: RecordError.self) { try builder.append(timestamp: .min, key: nil as [UInt8]?, value: nil) }
        #expect(try records(of: builder.finish()).map(\.timestamp) == [.max, 0])
    }
}
