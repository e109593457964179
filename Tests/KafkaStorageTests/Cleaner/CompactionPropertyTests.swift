// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

/// Random work, random cleanings, random stops: the last value of every key is there, offsets stay what they were, and
/// producers are known as before.
@Suite struct CompactionPropertyTests {
    private struct Producer {
        var sequence: Int32 = 0
        /// The records of its open transaction.
        var open: [(offset: Int64, records: [String])] = []
    }

    private struct Work {
        let world: TestWorld
        var model = CompactionModel()
        var producers = [Int64: Producer]()
        var counter = 0
        var now = TestBatches.time

        var random: SeededRandom { world.random }
        func below(_ bound: Int64) -> Int64 { random.below(bound) }

        mutating func records() -> [String] {
            (0...below(5)).map { _ in
                counter += 1
                let key = "k\(below(12))"
                return below(6) == 0 ? key : "\(key)=\(counter)"
            }
        }

        mutating func append(to log: UnifiedLog) throws {
            let records = records()
            let codec = CompressionType.allCases[Int(below(5))]
            let id = below(6)
            switch id {
            case 0...1:
                let info = try log.append(Compaction.batch(records, compression: codec), now: now)
                model.wrote(records, at: info.firstOffset)
            case 2...3:
                let sequence = producers[id, default: Producer()].sequence
                let info = try log.append(
                    Compaction.batch(records, compression: codec, producer: (id, 0, sequence)), now: now)
                producers[id, default: Producer()].sequence += Int32(records.count)
                model.wrote(records, at: info.firstOffset)
            default:
                try transaction(id, records, codec, log)
            }
        }

        private mutating func transaction(
            _ id: Int64, _ records: [String], _ codec: CompressionType, _ log: UnifiedLog
        ) throws {
            var producer = producers[id, default: Producer()]
            let info = try log.append(
                Compaction.batch(
                    records, compression: codec, producer: (id, 0, producer.sequence), isTransactional: true), now: now)
            producer.sequence += Int32(records.count)
            producer.open.append((info.firstOffset, records))
            // Until it is decided nobody is to see it.
            if below(2) == 0 {
                let isAbort = below(2) == 0
                let marker = try TestTransactions().end(isAbort ? .abort : .commit, by: id, in: log)
                for (offset, records) in producer.open {
                    if isAbort {
                        model.ignore(offset...(offset + Int64(records.count) - 1))
                    } else {
                        model.wrote(records, at: offset)
                    }
                }
                model.ignore(marker.firstOffset...marker.firstOffset)
                producer.open = []
            }
            producers[id] = producer
        }

        /// Ends what is open, so that the model knows everything.
        mutating func settle(_ log: UnifiedLog) throws {
            for id in producers.keys.sorted() {
                guard let producer = producers[id], !producer.open.isEmpty else { continue }
                let marker = try TestTransactions().end(.commit, by: id, in: log)
                for (offset, records) in producer.open { model.wrote(records, at: offset) }
                model.ignore(marker.firstOffset...marker.firstOffset)
                producers[id]?.open = []
            }
        }
    }

    private static func configuration(_ work: inout Work) -> LogConfiguration {
        var configuration = Compaction.configuration
        configuration.segmentBytes = Int32(400 + work.below(1500))
        configuration.deleteRetentionMs = work.below(3) * 10
        return configuration
    }

    /// The log's records without those of aborted transactions.
    private func committed(_ log: UnifiedLog, _ work: Work) throws -> [String] {
        try log.keyed().filter { entry in
            let offset = Int64(entry.prefix { $0 != ":" })!
            if let known = work.model.written[offset] { return known != nil }
            return true
        }
    }

    @Test(arguments: 0..<60)
    func `the last value of every key survives`(seed: Int) throws {
        let world = TestWorld(seed: UInt64(seed) &* 104_729 &+ 7)
        var work = Work(world: world)
        let configuration = Self.configuration(&work)
        var log = try world.open("/data/t-0", configuration)
        for round in 0..<8 {
            for _ in 0..<(5 + work.below(20)) { try work.append(to: log) }
            if work.below(3) == 0 { try work.settle(log) }
            log.updateHighWatermark(log.logEndOffset)
            if work.below(2) == 0 { try log.roll() }
            work.now += work.below(20)
            let mapBytes = work.below(3) == 0 ? 24 * (3 + work.below(10)) : 1 << 20
            for _ in 0...work.below(3) {
                _ = try log.cleanNow(
                    now: work.now, mapBytes: mapBytes, bufferBytes: Int(64 + work.below(4000)),
                    segmentBytesMax: work.below(4) == 0 ? 300 : Int64(Int32.max))
            }
            guard work.below(3) == 0 else { continue }
            try work.settle(log)
            work.model.check(try committed(log, work), "seed \(seed) round \(round)")
            log = try restart(log, &work, configuration, "seed \(seed) round \(round)")
        }
        try work.settle(log)
        try log.rollForCleaning()
        try log.cleanNow(now: work.now)
        work.model.check(try committed(log, work), "seed \(seed) at the end")
        try checkCommittedReads(log, work, "seed \(seed)")
    }

    private func restart(
        _ log: UnifiedLog, _ work: inout Work, _ configuration: LogConfiguration, _ hint: String
    ) throws -> UnifiedLog {
        let before = producers(log)
        let (end, highWatermark, cleaned) = (log.logEndOffset, log.highWatermark, log.cleanedUpTo)
        let isClean = work.below(2) == 0
        work.world.run()
        if isClean {
            try log.close()
        } else if work.below(2) == 0 {
            // All that is known of producers must come from the batches.
            for name in try work.world.files.list("/data/t-0") where name.hasSuffix(".snapshot") {
                try work.world.files.remove("/data/t-0/\(name)")
            }
        }
        work.world.crash(.everything)
        var options = LogOpenOptions()
        options.wasCleanShutdown = isClean
        options.highWatermark = highWatermark
        options.cleanedUpTo = cleaned
        let again = try UnifiedLog.open(
            directory: "/data/t-0", topicPartition: TestWorld.partition, configuration: configuration,
            runtime: work.world.runtime, options: options)
        #expect(again.logEndOffset == end, "\(hint)")
        #expect(again.cleanedUpTo == cleaned, "\(hint)")
        #expect(producers(again) == before, "\(hint)")
        work.model.check(try committed(again, work), "\(hint), next start")
        return again
    }

    private func producers(_ log: UnifiedLog) -> [String] {
        log.activeProducers().map { producer in
            "\(producer.producerID): \(producer.epoch) \(producer.lastSequence) \(producer.lastOffset) "
                + "\(producer.currentTransactionFirstOffset)"
        }
    }

    /// A consumer of committed records sees the committed ones and no others.
    private func checkCommittedReads(_ log: UnifiedLog, _ work: Work, _ hint: String) throws {
        log.updateHighWatermark(log.logEndOffset)
        let shown = try log.committedValues()
        let expected = try committed(log, work).filter { !$0.contains(":!") }.compactMap { entry -> String? in
            let offset = Int64(entry.prefix { $0 != ":" })!
            guard let record = work.model.written[offset] ?? nil else { return nil }
            return record.firstIndex(of: "=").map { String(record[record.index(after: $0)...]) } ?? "null"
        }
        #expect(shown == expected, "\(hint)")
    }
}
