// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

/// A cleaning that fails, or that the machine does not survive, at any file call.
@Suite struct CompactionCrashTests {
    private static let configuration: LogConfiguration = {
        var configuration = Compaction.configuration
        configuration.segmentBytes = 600
        return configuration
    }()

    /// A log of several segments with idempotent and aborted records, all of it on disk.
    private func prepare(_ world: TestWorld) throws -> (UnifiedLog, CompactionModel) {
        let log = try world.open("/data/t-0", Self.configuration)
        var model = CompactionModel()
        var sequence: Int32 = 0
        for round in 0..<9 {
            let records = ["a=\(round)", "b\(round % 3)=\(round)", round == 5 ? "a" : "c\(round)=1"]
            let info: AppendInfo
            if round == 3 {
                info = try log.append(Compaction.batch(records, producer: (5, 0, 0), isTransactional: true))
                try TestTransactions().end(.abort, by: 5, in: log)
                model.ignore(info.firstOffset...(info.firstOffset + 3))
            } else {
                info = try log.append(Compaction.batch(records, producer: (1, 0, sequence)))
                sequence += 3
                model.wrote(records, at: info.firstOffset)
            }
        }
        try log.rollForCleaning()
        let last = try log.append(Compaction.batch(["active=1"]))
        model.wrote(["active=1"], at: last.firstOffset)
        log.updateHighWatermark(log.logEndOffset)
        world.run()
        try log.flush()
        return (log, model)
    }

    /// The last segment that is cleaned was not synced when the cleaning began, and the power is lost between its swap
    /// and that of the one before.
    @Test func `no record goes for one that a loss of power can take`() throws {
        let filler = String(repeating: "x", count: 400)
        /// Returns how many calls the cleaning made.
        func run(failingAfter number: Int?) throws -> Int {
            let world = TestWorld()
            let log = try world.open("/data/t-0", Self.configuration)
            try log.append(Compaction.batch(["a=1", "b=\(filler)"]))
            try log.rollForCleaning()
            world.run()
            try log.flush()
            try log.append(Compaction.batch(["a=2", "c=\(filler)"]))
            try log.rollForCleaning()
            try log.append(Compaction.batch(["d=1"]))
            log.updateHighWatermark(log.logEndOffset)
            let recoveryPoint = log.recoveryPoint
            #expect(recoveryPoint == 2)
            let before = world.files.callCount
            if let number { world.files.failAllCalls(after: number, with: .inputOutput) }
            do { _ = try log.cleanNow() } catch {}
            let calls = world.files.callCount - before
            world.files.setFault(nil)
            world.crash(.nothing)
            let found = try reopen(world, recoveryPoint: recoveryPoint).keyed()
            #expect(
                found.contains("0:a=1") || found.contains("2:a=2"),
                "call \(number ?? -1): \(found.map { $0.prefix(8) })")
            if number == nil { #expect(!found.contains("0:a=1")) }
            return calls
        }
        for number in 0..<(try run(failingAfter: nil)) { _ = try run(failingAfter: number) }
    }

    private func reopen(_ world: TestWorld, recoveryPoint: Int64) throws -> UnifiedLog {
        let log = try world.open(
            "/data/t-0", Self.configuration, recoveryPoint: recoveryPoint, highWatermark: .max)
        return log
    }

    private func check(_ world: TestWorld, _ log: UnifiedLog, _ model: CompactionModel, _ hint: String) throws {
        model.check(try log.keyed(), hint)
        #expect(log.logEndOffset == 29, "\(hint)")
        for offset in stride(from: log.logStartOffset, to: log.logEndOffset, by: 4) {
            _ = try log.read(from: offset, maxBytes: 1 << 20, isolation: .logEnd, atLeastOne: true)
        }
        #expect(try log.committedValues().sorted() == (try expectedCommitted(log, model)), "\(hint)")
        #expect(log.activeProducers().first { $0.producerID == 1 }?.lastSequence == 23, "\(hint)")
        let names = try world.files.list("/data/t-0")
        let left = names.filter { $0.hasSuffix(".swap") || $0.hasSuffix(".cleaned") }
        #expect(left.isEmpty, "\(hint): \(left)")
    }

    /// What is in the log, less what was aborted.
    private func expectedCommitted(_ log: UnifiedLog, _ model: CompactionModel) throws -> [String] {
        try log.keyed().compactMap { entry -> String? in
            let parts = entry.split(separator: ":", maxSplits: 1)
            guard let record = model.written[Int64(parts[0])!], let record else { return nil }
            let sign = record.firstIndex(of: "=")
            return sign.map { String(record[record.index(after: $0)...]) } ?? "null"
        }.sorted()
    }

    /// Cleans so that a group becomes one segment, or several.
    private func clean(_ log: UnifiedLog, splits: Bool) throws {
        _ = try log.cleanNow(bufferBytes: 4096, segmentBytesMax: splits ? 180 : Int64(Int32.max))
    }

    private func calls(splits: Bool) throws -> Int {
        let world = TestWorld()
        let (log, model) = try prepare(world)
        let before = world.files.callCount
        try clean(log, splits: splits)
        let calls = world.files.callCount - before
        try check(world, log, model, "no failure")
        #expect(log.segmentCount == (splits ? 6 : 3))
        return calls
    }

    @Test(arguments: [FileError.Kind.noSpace, .inputOutput], [false, true])
    func `a failure at any call loses nothing`(kind: FileError.Kind, splits: Bool) throws {
        let total = try calls(splits: splits)
        #expect(total > 60)
        var survivors = 0
        for number in 0..<total {
            let world = TestWorld()
            let (log, model) = try prepare(world)
            world.files.failCall(after: number, with: kind)
            do { try clean(log, splits: splits) } catch {}
            world.files.setFault(nil)
            if log.failure == nil {
                // It serves on, and can be cleaned again.
                survivors += 1
                model.check(try log.keyed(), "call \(number), in service")
                if number % 3 == 0 {
                    _ = try log.cleanNow()
                    try check(world, log, model, "call \(number), cleaned again")
                }
            }
            let recoveryPoint = log.recoveryPoint
            world.crash(.everything)
            let again = try reopen(world, recoveryPoint: number % 2 == 0 ? 0 : recoveryPoint)
            try check(world, again, model, "call \(number), next start")
        }
        #expect(survivors > total / 2)
    }

    @Test(arguments: 0..<4, [false, true])
    func `a crash at any call leaves the old segments or the new ones`(how: Int, splits: Bool) throws {
        let total = try calls(splits: splits)
        for number in 0...total {
            let world = TestWorld(seed: UInt64(number + 1000 * how))
            let (log, model) = try prepare(world)
            let recoveryPoint = log.recoveryPoint
            world.files.failAllCalls(after: number, with: .inputOutput)
            do { try clean(log, splits: splits) } catch {}
            world.files.setFault(nil)
            switch how {
            case 0: world.crash(.nothing)
            case 1: world.crash(.everything)
            default: world.crash(.some(random: world.random))
            }
            let again = try reopen(world, recoveryPoint: number % 2 == 0 ? 0 : recoveryPoint)
            try check(world, again, model, "call \(number)")
            _ = try again.cleanNow()
            try check(world, again, model, "call \(number), cleaned again")
        }
    }

    @Test func `a failure at any call of a start that finishes a swap is made good by the next`() throws {
        // Where the new segments stand ready and the old ones are still there.
        func interrupted() throws -> (TestWorld, CompactionModel) {
            let world = TestWorld()
            let (log, model) = try prepare(world)
            world.files.setFault { _, operation, path in
                operation == .rename && path.hasSuffix(".log") ? .inputOutput : nil
            }
            #expect(throws: StorageError.self) { try clean(log, splits: true) }
            #expect(log.failure != nil)
            world.crash(.everything)
            let names = try world.files.list("/data/t-0")
            #expect(names.contains { $0.hasSuffix(".log.swap") })
            return (world, model)
        }
        var number = 0
        while true {
            let (world, model) = try interrupted()
            world.files.failCall(after: number, with: .inputOutput)
            let log = try? reopen(world, recoveryPoint: 0)
            world.files.setFault(nil)
            if world.files.faultCount == 1 { break }
            if let log, log.failure == nil { model.check(try log.keyed(), "despite call \(number)") }
            world.crash(.everything)
            let again = try reopen(world, recoveryPoint: 0)
            try check(world, again, model, "after call \(number)")
            number += 1
        }
        #expect(number > 30)
    }
}
