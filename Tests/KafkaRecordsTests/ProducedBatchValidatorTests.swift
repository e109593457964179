// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@testable import KafkaRecords

@Suite struct ProducedBatchValidatorTests {
    static let now = GoldenBatch.timestamp

    private func validate(_ bytes: [UInt8], _ change: (inout ProduceRules) -> Void = { _ in }) throws -> BatchVerdict {
        var rules = ProduceRules()
        change(&rules)
        return try withBatch(bytes) { try ProducedBatchValidator.validate($0, rules: rules, now: Self.now) }
    }

    @Test(arguments: GoldenBatch.magic2)
    func `takes what clients write`(golden: GoldenBatch) throws {
        let verdict = try validate(golden.bytes)
        #expect(verdict.invalidRecords.isEmpty)
        #expect(verdict.offsetsAreContiguous)
        #expect(verdict.maxTimestamp == GoldenBatch.timestamp + 70000)
    }

    @Test(arguments: GoldenBatch.magic2)
    func `names each record without a key on a compacted topic`(golden: GoldenBatch) throws {
        let verdict = try validate(golden.bytes) { $0.isCompacted = true }
        #expect(verdict.invalidRecords == [InvalidRecord(index: 1, defect: .missingKey)])
    }

    @Test func `a wrong checksum is refused`() throws {
        var bytes = try batch(keys: ["a"])
        bytes[bytes.count - 2] ^= 1
        let error = #expect(throws: RecordError.self) { try validate(bytes) }
        #expect(error?.errorCode == .corruptMessage)
    }

    @Test(arguments: [-1001, -1000, 0, 500, 501] as [Int64])
    func `timestamps are held to their range`(distance: Int64) throws {
        let verdict = try validate(try batch(timestamp: Self.now + distance, keys: ["a"])) {
            $0.timestampBeforeMax = 1000
            $0.timestampAfterMax = 500
        }
        let isAllowed = (-1000...500).contains(distance)
        let expected = [InvalidRecord(index: 0, defect: .timestampOutOfRange(Self.now + distance))]
        #expect(verdict.invalidRecords == (isAllowed ? [] : expected))
    }

    @Test(arguments: [Int64.max, .min, 0])
    func `extreme timestamps do not overflow`(timestamp: Int64) throws {
        let bytes = try batch(timestamp: timestamp, keys: ["a"])
        #expect(try validate(bytes).invalidRecords.isEmpty == (timestamp <= Self.now))
        let open = try validate(bytes) {
            $0.timestampAfterMax = .max
            $0.timestampBeforeMax = .max
        }
        #expect(open.invalidRecords.isEmpty)
    }

    @Test func `no timestamp is within every range`() throws {
        #expect(try validate(batch(timestamp: -1, keys: ["a"])) { $0.timestampBeforeMax = 1 }.invalidRecords.isEmpty)
    }

    @Test func `timestamps do not matter where the leader sets them, but their type does`() throws {
        let old = try batch(timestamp: 0, keys: ["a"])
        let rules: (inout ProduceRules) -> Void = {
            $0.timestampType = .logAppendTime
            $0.timestampBeforeMax = 1
        }
        #expect(try validate(old, rules).invalidRecords.isEmpty)
        var options = RecordBatchBuilder.Options()
        options.logAppendTime = 5
        let claimed = try batch(options, keys: ["a"])
        #expect(
            try validate(claimed, rules).invalidRecords == [InvalidRecord(index: 0, defect: .timestampTypeNotAllowed)])
    }

    @Test func `the list of errors is bounded`() throws {
        let verdict = try validate(try batch(keys: [String?](repeating: nil, count: 50))) {
            $0.isCompacted = true
            $0.recordErrorsMax = 7
        }
        #expect(verdict.invalidRecords.map(\.index) == Array(0..<7))
    }

    @Test func `clients may not write control batches, the broker may`() throws {
        var options = RecordBatchBuilder.Options()
        options.isControl = true
        let bytes = try batch(options, keys: ["a"])
        #expect(throws: RecordError.invalidBatch(.controlFromClient)) { try validate(bytes) }
        #expect(try validate(bytes) { $0.source = .broker }.invalidRecords.isEmpty)
    }

    @Test func `a producer id needs a sequence`() throws {
        var options = RecordBatchBuilder.Options()
        options.producerID = 0
        let bytes = try batch(options, keys: ["a"])
        #expect(throws: RecordError.invalidBatch(.missingSequence)) { try validate(bytes) }
    }

    @Test(arguments: [0, 1, 3, 200] as [UInt8])
    func `the offset range must be the count`(lastDelta: UInt8) throws {
        let bytes = patched(try batch(keys: ["a", "b", "c"]), at: 23, [lastDelta, 0, 0, lastDelta])
        #expect(throws: RecordError.invalidBatch(.wrongOffsetRange)) { try validate(bytes) }
    }

    @Test func `an empty batch is refused`() throws {
        #expect(throws: RecordError.invalidBatch(.wrongOffsetRange)) { try validate(try batch(keys: [])) }
    }

    @Test func `gaps between offsets are found and closed`() throws {
        for codec in CompressionType.allCases {
            var options = RecordBatchBuilder.Options()
            options.baseOffset = 7
            options.compression = codec
            options.producerID = 3
            options.producerEpoch = 1
            options.baseSequence = 9
            options.partitionLeaderEpoch = 2
            options.lastOffsetDelta = 1
            var builder = RecordBatchBuilder(options)
            try builder.append(offset: 8, timestamp: 5, key: [1], value: nil, headers: [("h", [2])])
            try builder.append(offset: 11, timestamp: 6, key: nil, value: [3])
            let bytes = try builder.finish()
            #expect(try !validate(bytes).offsetsAreContiguous)

            var output = ByteWriter()
            try withBatch(bytes) { try BatchRewriter.rewrite($0, compression: .zstd, into: &output) }
            let rewritten = output.toArray()
            #expect(try validate(rewritten).offsetsAreContiguous)
            #expect(try records(of: rewritten).map(\.offset) == [7, 8])
            #expect(try records(of: rewritten).map(\.headers) == [[OwnedHeader(key: "h", value: [2])], []])
            try withBatch(bytes) { before in
                try withBatch(rewritten) { after in
                    #expect(after.header.attributes.compression == .zstd)
                    #expect(after.header.producerID == before.header.producerID)
                    #expect(after.header.lastSequence == before.header.lastSequence)
                    #expect(after.header.partitionLeaderEpoch == 2)
                    #expect(after.header.lastOffsetDelta == 1)
                }
            }
        }
    }

    @Test(arguments: CompressionTests.codecs)
    func `a bomb is refused at the limit`(codec: CompressionType) throws {
        var options = RecordBatchBuilder.Options()
        options.compression = codec
        var builder = RecordBatchBuilder(options)
        for _ in 0..<100 { try builder.append(timestamp: 0, key: nil, value: [UInt8](repeating: 0, count: 100_000)) }
        let bytes = try builder.finish()
        let error = #expect(throws: RecordError.inflatesTooLarge(limit: 1 << 20)) {
            try validate(bytes) { $0.inflateLimit = 1 << 20 }
        }
        #expect(error?.errorCode == .messageTooLarge)
        #expect(try validate(bytes).invalidRecords.isEmpty)
    }
}
