// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@testable import KafkaRecords

/// The validator passes over plain records without reading them one by one; it must come to what reading them comes to.
@Suite struct PlainRecordsTests {
    private static let now = GoldenBatch.timestamp

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `plain records are judged as if each were read`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var refused = 0
        var blamed = 0
        for round in 0..<1000 {
            var bytes = try Self.makeBatch(&random)
            // The first quarter stays as it was written.
            if round % 4 > 0 { Self.damage(&bytes, &random) }
            let rules = Self.makeRules(&random)
            try withBatch(bytes) { batch in
                let expected = Self.outcome { () throws(RecordError) in try Self.readAll(batch, rules) }
                let found = Self.outcome { () throws(RecordError) in
                    try ProducedBatchValidator.validate(batch, rules: rules, now: Self.now)
                }
                #expect(found == expected, "seed \(seed), round \(round)")
                switch expected {
                case .failure: refused += 1
                case .success(let verdict): if !verdict.invalidRecords.isEmpty { blamed += 1 }
                }
            }
        }
        // All kinds of outcomes come up.
        #expect(refused > 100 && blamed > 100 && refused + blamed < 900)
    }

    /// Read with a timestamp of two bytes, the rest of the third and what follows would make another record of the same
    /// length; there is none, for the number of headers is missing.
    @Test func `a number of three bytes is not taken for a shorter one`() throws {
        var builder = RecordBatchBuilder()
        try builder.append(timestamp: Self.now, key: nil, value: [1, 2, 3, 4])
        var bytes = try builder.finish()
        let record: [UInt8] = [20, 0, 0x80, 0x80, 0, 0, 6, 97, 98, 99, 0]
        bytes.replaceSubrange(RecordBatchHeader.size..., with: record)
        bytes.withUnsafeMutableBytes { BatchPatch.recomputeChecksum($0) }
        var rules = ProduceRules()
        rules.timestampType = .logAppendTime
        #expect(throws: RecordError.self) {
            try withBatch(bytes) { try ProducedBatchValidator.validate($0, rules: rules, now: Self.now) }
        }
    }

    private static func outcome(
        _ body: () throws(RecordError) -> BatchVerdict
    ) -> Result<BatchVerdict, RecordError> {
        do throws(RecordError) { return .success(try body()) } catch { return .failure(error) }
    }

    /// The rules for single records, once more.
    private static func readAll(_ batch: RecordBatch, _ rules: ProduceRules) throws(RecordError) -> BatchVerdict {
        var verdict = BatchVerdict()
        var index: Int32 = 0
        try batch.forEachRecord { (record) throws(RecordError) in
            verdict.maxTimestamp = max(verdict.maxTimestamp, record.timestamp)
            if record.offset != batch.header.baseOffset + Int64(index) { verdict.offsetsAreContiguous = false }
            let range = (now - rules.timestampBeforeMax)...(now + rules.timestampAfterMax)
            if rules.isCompacted, record.key == nil {
                verdict.invalidRecords.append(InvalidRecord(index: index, defect: .missingKey))
            } else if record.timestamp != -1, !range.contains(record.timestamp) {
                let defect = RecordDefect.timestampOutOfRange(record.timestamp)
                verdict.invalidRecords.append(InvalidRecord(index: index, defect: defect))
            }
            index += 1
        }
        return verdict
    }

    // MARK: Batches

    private static func makeRules(_ random: inout SeededRandom) -> ProduceRules {
        var rules = ProduceRules()
        rules.isCompacted = Int.random(in: 0..<4, using: &random) == 0
        rules.timestampBeforeMax = [9_000, 200_000, 1 << 50].randomElement(using: &random)!
        rules.timestampAfterMax = [5_000, 200_000, 1 << 50].randomElement(using: &random)!
        return rules
    }

    /// Mostly plain records, of all sizes around the lengths of one, two and three bytes.
    private static func makeBatch(_ random: inout SeededRandom) throws -> [UInt8] {
        var options = RecordBatchBuilder.Options()
        let count = Int.random(in: 0..<20, using: &random) == 0 ? 150 : Int.random(in: 1...12, using: &random)
        let oddity = Int.random(in: 0..<3, using: &random)
        let hasGap = Int.random(in: 0..<8, using: &random) == 0
        options.lastOffsetDelta = Int32(count - 1)
        var builder = RecordBatchBuilder(options)
        for index in 0..<count {
            let isOdd = oddity == 0 && Int.random(in: 0..<6, using: &random) == 0
            let keySize = [nil, 0, 3, 62, 63, 64].randomElement(using: &random)!
            let valueSize = [nil, 0, 1, 40, 63, 64, 700].randomElement(using: &random)!
            let largeSize = [8_170, 8_191, 8_192, 9_000].randomElement(using: &random)!
            try builder.append(
                offset: hasGap ? Int64(index * 2) : nil,
                timestamp: now + (isOdd ? 100_000 : Int64.random(in: -8_300...4_000, using: &random)),
                key: keySize.map { random.bytes($0) },
                value: isOdd ? random.bytes(largeSize) : valueSize.map { random.bytes($0) },
                headers: isOdd && index % 2 == 0 ? [("h", nil), ("i", [1])] : [])
        }
        return try builder.finish()
    }

    /// Changes bytes of the records, and the checksum with them.
    private static func damage(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        let first = RecordBatchHeader.size
        for _ in 0..<Int.random(in: 1...2, using: &random) {
            // Near the first records' numbers, or anywhere.
            let end = Bool.random(using: &random) ? min(bytes.count, first + 12) : bytes.count
            let place = Int.random(in: first..<end, using: &random)
            bytes[place] = [0, 1, 2, 0x7F, 0x80, 0xFF, bytes[place] ^ 0x80, bytes[place] &+ 2].randomElement(
                using: &random)!
        }
        bytes.withUnsafeMutableBytes { BatchPatch.recomputeChecksum($0) }
    }
}
