// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@testable import KafkaRecords

@Suite struct FormatConversionTests {
    private func up(
        _ messages: [UInt8], compression: CompressionType? = nil, rules: ProduceRules = ProduceRules()
    ) throws -> (MessageSetUpConversion.Outcome, [UInt8]) {
        var output = ByteWriter()
        let outcome = try messages.withUnsafeBytes {
            try MessageSetUpConversion.convert(
                $0, compression: compression, rules: rules, now: GoldenBatch.timestamp, into: &output)
        }
        return (outcome, output.toArray())
    }

    private func down(
        _ batches: [UInt8], to magic: Int8, from offset: Int64 = 0
    ) throws -> (BatchDownConversion.Outcome, [UInt8]) {
        var output = ByteWriter()
        let outcome = try batches.withUnsafeBytes {
            try BatchDownConversion.convert($0, to: magic, from: offset, into: &output)
        }
        return (outcome, output.toArray())
    }

    @Test(arguments: GoldenBatch.magic0 + GoldenBatch.magic1)
    func `old message sets become one batch`(golden: GoldenBatch) throws {
        let magic = Int8(golden.bytes[16])
        let (outcome, batch) = try up(golden.bytes)
        #expect(try records(of: batch) == GoldenBatch.withoutHeaders(magic: magic))
        #expect(outcome.count == 4)
        #expect(outcome.maxTimestamp == (magic == 0 ? -1 : GoldenBatch.timestamp + 70000))
        try withBatch(batch) { batch in
            #expect(batch.isCRCValid)
            #expect(batch.header.attributes.compression == outcome.sourceCompression)
            #expect(golden.name.hasSuffix(outcome.sourceCompression.name))
        }
    }

    @Test func `a topic's codec and append time are applied on the way up`() throws {
        var rules = ProduceRules()
        rules.timestampType = .logAppendTime
        let (outcome, batch) = try up(GoldenBatch.magic1[0].bytes, compression: .zstd, rules: rules)
        #expect(outcome.maxTimestamp == GoldenBatch.timestamp)
        #expect(try records(of: batch).map(\.timestamp) == [Int64](repeating: GoldenBatch.timestamp, count: 4))
        #expect(try withBatch(batch) { $0.header.attributes.compression } == .zstd)
    }

    @Test func `rules are checked on the way up`() throws {
        var rules = ProduceRules()
        rules.isCompacted = true
        rules.timestampAfterMax = 1000
        let (outcome, batch) = try up(GoldenBatch.magic1[0].bytes, rules: rules)
        #expect(
            outcome.invalidRecords == [
                InvalidRecord(index: 1, defect: .missingKey),
                InvalidRecord(index: 3, defect: .timestampOutOfRange(GoldenBatch.timestamp + 70000)),
            ])
        #expect(batch.isEmpty)
    }

    @Test func `damaged and empty sets are refused on the way up`() throws {
        var damaged = GoldenBatch.magic1[0].bytes
        damaged[30] ^= 1
        #expect(throws: RecordError.self) { try up(damaged) }
        #expect(throws: RecordError.invalidBatch(.wrongOffsetRange)) { try up([]) }
        #expect(throws: RecordError.unsupportedMagic(2)) { try up(GoldenBatch.magic2[0].bytes) }
    }

    @Test func `many small bombs are refused together`() throws {
        var builder = try LegacyMessageSetBuilder(magic: 1, compression: .gzip)
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        try zeros.withUnsafeBytes {
            try builder.append(offset: 0, timestamp: GoldenBatch.timestamp, key: nil, value: $0)
        }
        var wrapper = ByteWriter()
        try builder.finish(into: &wrapper)
        let bombs = [[UInt8]](repeating: wrapper.toArray(), count: 10).flatMap { $0 }
        var rules = ProduceRules()
        rules.inflateLimit = 5 << 20
        #expect(throws: RecordError.inflatesTooLarge(limit: 5 << 20)) { try up(bombs, rules: rules) }
        rules.inflateLimit = 11 << 20
        #expect(try up(bombs, rules: rules).0.count == 10)
    }

    @Test(arguments: GoldenBatch.magic2, [0, 1] as [Int8])
    func `batches become old message sets`(golden: GoldenBatch, magic: Int8) throws {
        if golden.name.hasSuffix("zstd") {
            #expect(throws: RecordError.compressionNotAllowed(.zstd)) { try down(golden.bytes, to: magic) }
            return
        }
        let (outcome, set) = try down(golden.bytes, to: magic)
        #expect(try messages(of: set) == GoldenBatch.withoutHeaders(magic: magic))
        #expect(outcome == .init(count: 4, nextOffset: 4))
    }

    @Test(arguments: GoldenBatch.magic1)
    func `magic 1 becomes magic 0, which stays as it is`(golden: GoldenBatch) throws {
        let (_, set) = try down(golden.bytes, to: 0)
        #expect(try messages(of: set) == GoldenBatch.withoutHeaders(magic: 0))
        #expect(try down(set, to: 1).1 == set)
        #expect(try down(golden.bytes, to: 1).1 == golden.bytes)
    }

    @Test func `control batches are left out, but counted as read`() throws {
        let marker = EndTransactionMarker(.commit, coordinatorEpoch: 0).batch(
            producerID: 1, producerEpoch: 0, timestamp: 0, baseOffset: 4)
        let (outcome, set) = try down(GoldenBatch.magic2[0].bytes + marker, to: 1)
        #expect(outcome == .init(count: 4, nextOffset: 5))
        #expect(try messages(of: set).count == 4)
        #expect(try down(marker, to: 1) == (.init(count: 0, nextOffset: 5), []))
    }

    @Test func `plain messages below the wanted offset are left out, and a partial batch`() throws {
        let golden = GoldenBatch.magic2[0].bytes
        let (outcome, set) = try down(golden + golden.dropLast(), to: 1, from: 2)
        #expect(outcome == .init(count: 2, nextOffset: 4))
        #expect(try messages(of: set).map(\.offset) == [2, 3])
    }

    @Test func `an append time is kept on the way down`() throws {
        var options = RecordBatchBuilder.Options()
        options.logAppendTime = 55
        options.compression = .gzip
        let (_, set) = try down(try batch(options, keys: ["a", "b"]), to: 1)
        #expect(try messages(of: set).map(\.timestamp) == [55, 55])
        #expect(try set.withUnsafeBytes { try LegacyMessage(parsing: $0).timestampType } == .logAppendTime)
    }

    @Test func `random bytes never crash`() {
        var random = SeededRandom(seed: 29)
        for _ in 0..<3000 {
            var bytes = random.bytes(Int.random(in: 62..<200, using: &random))
            bytes[8...11] = [0, 0, 0, UInt8(bytes.count - 12)]
            bytes[16] = UInt8.random(in: 0...2, using: &random)
            _ = try? down(bytes, to: 0)
            _ = try? up(bytes)
        }
    }
}
