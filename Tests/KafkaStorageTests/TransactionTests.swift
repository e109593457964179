// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

@Suite struct TransactionTests {
    private let configuration: LogConfiguration = {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 1500
        configuration.indexIntervalBytes = 200
        return configuration
    }()

    private func files(_ world: TestWorld) throws -> [String] {
        try world.files.list("/data/t-0").filter { $0.hasSuffix(".txnindex") }
    }

    @Test func `the last stable offset waits for the oldest transaction and for the watermark behind its marker`()
        throws
    {
        let world = TestWorld()
        let log = try world.open()
        var producers = TestTransactions()
        try producers.write(["plain"], by: 9, to: log, isTransactional: false)
        try producers.write(["a"], by: 1, to: log)
        try producers.write(["b"], by: 2, to: log)
        log.updateHighWatermark(3)
        #expect(log.lastStableOffset == 1)
        #expect(try producers.end(.abort, by: 2, in: log).firstOffset == 3)
        log.updateHighWatermark(4)
        #expect(log.lastStableOffset == 1)
        try producers.end(.commit, by: 1, in: log)
        #expect(log.lastStableOffset == 1)
        log.updateHighWatermark(5)
        #expect(log.lastStableOffset == 5)
        #expect(log.latestOffset(.lastStable).offset == 5)
        #expect(
            try log.abortedTransactions(from: 0, upTo: 5) == [
                AbortedTransaction(producerID: 2, firstOffset: 2, lastOffset: 3, lastStableOffset: 1)
            ])
        #expect(try log.committedValues() == ["plain", "a"])
        #expect(
            try log.read(from: 0, maxBytes: 999, isolation: .highWatermark, atLeastOne: true)
                .abortedTransactions.isEmpty)
    }

    @Test func `a marker for a producer that wrote nothing leaves no trace`() throws {
        let world = TestWorld()
        let log = try world.open()
        let producers = TestTransactions()
        try producers.end(.abort, by: 7, in: log)
        try producers.end(.commit, by: 8, in: log)
        log.updateHighWatermark(2)
        #expect(log.lastStableOffset == 2)
        #expect(try files(world) == [])
        #expect(log.activeProducers().map(\.producerID) == [7, 8])
    }

    @Test func `the log's start may move into an open transaction`() throws {
        let world = TestWorld()
        let log = try world.open()
        var producers = TestTransactions()
        for value in ["a", "b", "c"] { try producers.write([value], by: 1, to: log) }
        log.updateHighWatermark(3)
        try log.incrementLogStartOffset(to: 2)
        #expect(log.lastStableOffset == 2)
    }

    @Test func `an index that cannot be written takes the marker back`() throws {
        let world = TestWorld()
        let log = try world.open()
        var producers = TestTransactions()
        try producers.write(["a"], by: 1, to: log)
        world.files.setFault { _, _, path in path.hasSuffix(".txnindex") ? .noSpace : nil }
        #expect(throws: StorageError.self) { try producers.end(.abort, by: 1, in: log) }
        world.files.setFault(nil)
        #expect(log.failure == nil)
        #expect(log.logEndOffset == 1)
        log.updateHighWatermark(1)
        #expect(log.lastStableOffset == 0)
        #expect(try producers.end(.abort, by: 1, in: log).firstOffset == 1)
        log.updateHighWatermark(2)
        #expect(try log.abortedTransactions(from: 0, upTo: 2).count == 1)
        #expect(try log.committedValues() == [])
    }

    @Test func `followers note what the leader's markers aborted`() throws {
        let world = TestWorld()
        let leader = try world.open()
        let follower = try world.open("/data/f-0")
        var producers = TestTransactions()
        try producers.write(["a"], by: 1, to: leader)
        try producers.write(["b"], by: 2, to: leader)
        try producers.end(.abort, by: 1, in: leader)
        try producers.end(.commit, by: 2, in: leader)
        let range = try leader.read(from: 0, maxBytes: 9999, isolation: .logEnd, atLeastOne: true)
        try follower.appendFollower(try #require(range.file).readBytes(at: range.position, count: range.count))
        for log in [leader, follower] { log.updateHighWatermark(4) }
        #expect(try follower.abortedTransactions(from: 0, upTo: 4) == leader.abortedTransactions(from: 0, upTo: 4))
        #expect(try follower.committedValues() == ["b"])
    }

    // MARK: Against a model

    /// What several producers wrote at random, and what of it was committed.
    private struct Model {
        var written: [(offset: Int64, producer: Int64, value: String)] = []
        /// Of each producer, where its open transaction begins.
        var open: [Int64: Int64] = [:]
        /// The offsets of ended ones, up to their markers.
        var ended: [(producer: Int64, offsets: Range<Int64>, isAborted: Bool)] = []

        var aborted: [(producer: Int64, offsets: Range<Int64>, isAborted: Bool)] { ended.filter(\.isAborted) }

        func values(from offset: Int64, below end: Int64) -> [String] {
            let aborted = aborted
            return written.filter { record in
                record.offset >= offset && record.offset < end
                    && !aborted.contains { $0.producer == record.producer && $0.offsets.contains(record.offset) }
            }.map(\.value)
        }

        /// Forgets what lies at and above `offset`.
        mutating func truncate(to offset: Int64) {
            written.removeAll { $0.offset >= offset }
            for (producer, first) in open where first >= offset { open[producer] = nil }
            for taken in ended where taken.offsets.upperBound >= offset && taken.offsets.lowerBound < offset {
                open[taken.producer] = taken.offsets.lowerBound
            }
            ended.removeAll { $0.offsets.upperBound >= offset }
        }
    }

    private static func fill(
        _ log: UnifiedLog, _ producers: inout TestTransactions, _ model: inout Model, steps: Int, _ random: SeededRandom
    ) throws {
        for step in 0..<steps {
            let producer = 1 + random.below(4)
            if model.open[producer] != nil, random.below(3) == 0 {
                let isAbort = random.below(2) == 0
                let info = try producers.end(isAbort ? .abort : .commit, by: producer, in: log)
                let first = model.open[producer] ?? -1
                model.open[producer] = nil
                model.ended.append((producer, first..<info.firstOffset, isAbort))
            } else {
                let values = (0...random.below(3)).map { "\(producer)/\(step)/\($0)" }
                let info = try producers.write(values, by: producer, to: log)
                if model.open[producer] == nil { model.open[producer] = info.firstOffset }
                for (index, value) in values.enumerated() {
                    model.written.append((info.firstOffset + Int64(index), producer, value))
                }
            }
        }
    }

    private func check(_ log: UnifiedLog, _ model: Model, _ name: String) throws {
        log.updateHighWatermark(log.logEndOffset)
        let stable = model.open.values.min() ?? log.logEndOffset
        #expect(log.lastStableOffset == stable, "\(name)")
        for maxBytes in [1, 300, 2000, 100_000] {
            #expect(
                try log.committedValues(maxBytes: maxBytes) == model.values(from: 0, below: stable),
                "\(name) \(maxBytes)")
        }
        for from in stride(from: Int64(0), to: log.logEndOffset, by: 7) {
            let found = try log.abortedTransactions(from: from, upTo: stable)
            let due = model.aborted.filter { $0.offsets.upperBound >= from && $0.offsets.lowerBound < stable }
            #expect(found.map(\.firstOffset).sorted() == due.map(\.offsets.lowerBound).sorted(), "\(name) \(from)")
        }
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `readers of committed records see exactly those, whatever happens to the log`(seed: UInt64) throws {
        let world = TestWorld(seed: seed)
        var log = try world.open("/data/t-0", configuration)
        var producers = TestTransactions()
        var model = Model()
        let random = world.random
        try Self.fill(log, &producers, &model, steps: 120, random)
        world.run()
        try check(log, model, "written")
        #expect(log.segmentCount > 3)

        try log.close()
        log = try world.open("/data/t-0", configuration, clean: true)
        try check(log, model, "after a clean stop")
        try Self.fill(log, &producers, &model, steps: 20, random)
        try check(log, model, "written on")

        // The process dies, and the last index with it.
        try log.flush()
        for name in try files(world).suffix(1) { try world.files.remove("/data/t-0/\(name)") }
        world.queues.dropAll()
        log = try world.open("/data/t-0", configuration, recoveryPoint: 0)
        try check(log, model, "after a recovery of everything")
        let end = log.logEndOffset
        log = try world.open("/data/t-0", configuration, recoveryPoint: end)
        try check(log, model, "after a recovery of the end")

        let damages: [(String, ([UInt8]) -> [UInt8])] = [
            ("cut", { Array($0.dropLast(3)) }), ("zeros", { [UInt8](repeating: 0, count: $0.count) }),
            ("longer", { $0 + [UInt8](repeating: 0, count: 340) }), ("ones", { $0.map { _ in 0xFF } }),
            ("one entry twice", { $0 + $0.suffix(34) }),
        ]
        for (name, damage) in damages {
            try log.close()
            for file in try files(world) {
                try world.files.replaceFile("/data/t-0/\(file)", with: damage(try world.bytes("/data/t-0/\(file)")))
            }
            log = try world.open("/data/t-0", configuration, clean: true)
            try check(log, model, "with indexes: \(name)")
        }
        for file in try files(world) { try world.files.remove("/data/t-0/\(file)") }
        try check(log, model, "with indexes that vanished")

        let target = model.written[model.written.count * 2 / 3].offset
        try log.truncate(to: target)
        model.truncate(to: log.logEndOffset)
        try check(log, model, "truncated")
        try log.close()
        log = try world.open("/data/t-0", configuration, clean: true)
        try check(log, model, "truncated and opened again")
        #expect(try files(world).count <= log.segmentCount)
    }
}
