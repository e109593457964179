// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

/// Every file operation fails once, in turn, in the middle of ordinary work.
@Suite struct FaultTests {
    /// What the log must hold: what it has acknowledged, less what was taken back.
    private struct Model {
        var acknowledged: [String] = []
        /// Values that were refused; the last of them may be in a log that went out of service.
        var refused: Set<String> = []
        /// A truncation that failed leaves it open whether what is behind here is gone.
        var isSureBelow = Int64.max
        var recoveryPoint: Int64 = 0
        var logStartOffset: Int64 = 0
    }

    private static let configuration: LogConfiguration = {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 700
        configuration.indexIntervalBytes = 100
        configuration.segmentIndexBytes = 4096
        return configuration
    }()

    private static let settings: LogSettings = {
        var settings = LogSettings()
        settings.writePieceBytes = 64
        settings.paddingBytes = 48
        return settings
    }()

    /// Appends, rolls, reads, flushes, truncates, deletes records and closes; carries on after every failure.
    private func work(_ world: TestWorld, _ model: inout Model) {
        guard
            let log = try? world.open("/data/t-0", Self.configuration, settings: Self.settings)
        else { return }
        try? log.setTopicID(KafkaUUID(high: 7, low: 9))
        for step in 0..<16 {
            append("v\(step)", epoch: Int32(step / 5), log, &model)
            switch step {
            case 4, 9: if let point = try? log.flush() { model.recoveryPoint = point }
            case 6: try? log.roll()
            case 7: world.run()
            case 11:
                let end = log.logEndOffset - 2
                do {
                    if try log.truncate(to: end) { model.acknowledged.removeLast(2) }
                } catch {
                    model.isSureBelow = end
                }
                model.recoveryPoint = min(model.recoveryPoint, log.recoveryPoint)
            case 13:
                log.updateHighWatermark(log.logEndOffset)
                if (try? log.incrementLogStartOffset(to: 3)) == true { model.logStartOffset = 3 }
            default: break
            }
            _ = try? log.records()
        }
        world.run()
        model.recoveryPoint = max(model.recoveryPoint, log.recoveryPoint)
        try? log.close()
    }

    private func append(_ value: String, epoch: Int32, _ log: UnifiedLog, _ model: inout Model) {
        do {
            let info = try log.append(try TestBatches.batch([value]), epoch: epoch)
            #expect(info.firstOffset == Int64(model.acknowledged.count))
            model.acknowledged.append(value)
        } catch {
            model.refused.insert(value)
        }
    }

    private func check(_ log: UnifiedLog, _ given: Model, _ hint: String) throws {
        let all = try log.records()
        var model = given
        if model.isSureBelow < Int64.max, log.logEndOffset >= model.isSureBelow {
            model.acknowledged.removeLast(max(0, model.acknowledged.count - Int(log.logEndOffset)))
        }
        let expected = model.acknowledged.enumerated().map { "\($0.offset)=\($0.element)" }
            .dropFirst(Int(model.logStartOffset))
        #expect(Array(all.prefix(expected.count)) == Array(expected), "\(hint)")
        // A log that went out of service may hold the append that it could not take back, and no other.
        let more = all.dropFirst(expected.count)
        #expect(more.count <= 1, "\(hint) \(more)")
        for record in more {
            #expect(model.refused.contains(String(record.split(separator: "=")[1])), "\(hint) \(record)")
        }
        #expect(log.logEndOffset == Int64(model.acknowledged.count + more.count), "\(hint)")
        for offset in log.logStartOffset..<log.logEndOffset {
            let found = try log.records(from: offset)
            #expect(found.count == Int(log.logEndOffset - offset), "\(hint) from \(offset): \(found)")
        }
    }

    /// Calls in a run without faults.
    private func calls() -> Int {
        let world = TestWorld()
        var model = Model()
        work(world, &model)
        return world.files.callCount
    }

    @Test(arguments: [FileError.Kind.noSpace, .inputOutput])
    func `a failure at any call loses nothing that was acknowledged`(kind: FileError.Kind) throws {
        let total = calls()
        #expect(total > 150)
        for number in 0..<total {
            let world = TestWorld()
            var model = Model()
            world.files.failCall(after: number, with: kind)
            work(world, &model)
            world.files.setFault(nil)
            // The process dies; the machine does not.
            world.crash(.everything)
            let log = try world.open(
                "/data/t-0", Self.configuration, recoveryPoint: model.recoveryPoint,
                logStartOffset: model.logStartOffset)
            try check(log, model, "call \(number) \(kind)")
            try log.append(TestBatches.batch(["after"]), epoch: 9)
            #expect(try log.records().last == "\(log.logEndOffset - 1)=after")
        }
    }

    @Test func `a disk that stays broken from any call on loses nothing that was acknowledged`() throws {
        for number in stride(from: 0, to: calls(), by: 1) {
            let world = TestWorld()
            var model = Model()
            world.files.failAllCalls(after: number, with: .inputOutput)
            work(world, &model)
            world.files.setFault(nil)
            world.crash(.everything)
            let log = try world.open(
                "/data/t-0", Self.configuration, recoveryPoint: model.recoveryPoint,
                logStartOffset: model.logStartOffset)
            try check(log, model, "from call \(number)")
        }
    }

    @Test func `a failure at any call of a recovery is made good by the next`() throws {
        let world = TestWorld()
        var model = Model()
        work(world, &model)
        world.crash(.everything)
        var number = 0
        while true {
            world.files.failCall(after: number, with: .inputOutput)
            let before = world.files.faultCount
            let log = try? world.open("/data/t-0", Self.configuration, logStartOffset: model.logStartOffset)
            world.run()
            world.files.setFault(nil)
            if world.files.faultCount == before { break }
            if let log, log.failure == nil { try check(log, model, "open despite call \(number)") }
            world.crash(.everything)
            let again = try world.open("/data/t-0", Self.configuration, logStartOffset: model.logStartOffset)
            try check(again, model, "after call \(number)")
            world.crash(.everything)
            number += 1
        }
        #expect(number > 30)
    }

    @Test func `a full disk keeps nobody from recovering and reading a log`() throws {
        let world = TestWorld()
        var configuration = LogConfiguration()
        configuration.indexIntervalBytes = 0
        let log = try world.open("/data/t-0", configuration)
        // More entries than are kept in memory while there is space.
        for value in 0..<600 {
            try log.append(TestBatches.batch(["\(value)"], timestamp: TestBatches.time + Int64(value)))
            if value == 299 { try log.roll() }
        }
        world.run()
        world.crash(.everything)
        for name in try world.files.list("/data/t-0") where name.hasSuffix("index") {
            try world.files.remove("/data/t-0/\(name)")
        }
        world.files.setCapacity(0)
        let again = try world.open("/data/t-0", configuration)
        #expect(again.logEndOffset == 600)
        #expect(try again.records().count == 600)
        #expect(throws: StorageError.self) { try again.append(TestBatches.sized(20_000)) }
        #expect(throws: StorageError.self) { try again.flush() }
        #expect(again.failure == nil)
        world.files.setCapacity(nil)
        try again.append(TestBatches.batch(["600"]))
        #expect(try again.flush() == 601)
        // The closed segment's indexes are complete and of their size.
        #expect(try world.bytes("/data/t-0/\(LogFileNames.digits(0)).index").count == 299 * 8)
        #expect(try world.bytes("/data/t-0/\(LogFileNames.digits(0)).timeindex").count == 299 * 12)
        try again.close()
        let clean = try world.open("/data/t-0", configuration, clean: true)
        #expect(try clean.records().count == 601)
        #expect(clean.recoveryPoint == 601)
    }

    @Test func `a full disk refuses appends until there is space again`() throws {
        let world = TestWorld()
        let log = try world.open()
        try log.append(TestBatches.batch(["a"]))
        world.files.setCapacity(0)
        let big = try TestBatches.sized(20_000)
        #expect(throws: StorageError.self) { try log.append(big) }
        #expect(try log.records() == ["0=a"])
        #expect(log.failure == nil)
        world.files.setCapacity(nil)
        #expect(try log.append(TestBatches.batch(["b"])).firstOffset == 1)
        #expect(try log.records() == ["0=a", "1=b"])
    }
}
