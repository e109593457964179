// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

/// Bits that flip in log files.
@Suite struct CorruptionTests {
    private static let directory = "/data/t-0"
    private static let count = 12

    private static let configuration: LogConfiguration = {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 300
        configuration.indexIntervalBytes = 60
        return configuration
    }()

    private static let verifying: LogSettings = {
        var settings = LogSettings()
        settings.verifiesReads = true
        return settings
    }()

    /// Twelve records, two a batch, in two segments.
    private static func filled() throws -> TestWorld {
        let world = TestWorld(durability: .immediate)
        let log = try world.open(directory, configuration)
        for batch in 0..<(count / 2) {
            try log.append(
                TestBatches.batch(
                    ["v\(2 * batch)", "v\(2 * batch + 1)"], compression: batch == 2 ? .gzip : .none,
                    producer: (7, 0, Int32(2 * batch))))
        }
        world.run()
        #expect(log.segmentCount == 2)
        try log.close()
        return world
    }

    /// What a reader gets from `offset` on: records, and whether it ended with an error.
    private static func read(_ log: UnifiedLog, from offset: Int64) -> (records: [String], error: StorageError?) {
        var records: [String] = []
        var next = offset
        for _ in 0..<100 {
            do throws(StorageError) {
                let range = try log.read(from: next, maxBytes: 200, isolation: .logEnd, atLeastOne: true)
                guard let file = range.file else { return (records, nil) }
                let bytes = try storing { () throws(FileError) in
                    try file.readBytes(at: range.position, count: range.count)
                }
                let before = next
                let parsed: Void? = try? bytes.withUnsafeBytes { bytes in
                    var cursor = BatchCursor(bytes)
                    while let entry = try cursor.next() {
                        let batch = try RecordBatch(bytes: entry.bytes)
                        try batch.forEachRecord { record in
                            guard record.offset >= before else { return }
                            records.append("\(record.offset)=" + String(decoding: record.value!, as: UTF8.self))
                        }
                        next = batch.header.nextOffset
                    }
                }
                if parsed == nil || next <= before {
                    return (records, .corrupt(path: "", position: 0, reason: "client"))
                }
            } catch {
                return (records, error)
            }
        }
        Issue.record("reading does not end")
        return (records, nil)
    }

    private static func due(from offset: Int64) -> [String] { (Int(offset)..<count).map { "\($0)=v\($0)" } }

    /// Where the batches of a segment begin.
    private static func positions(_ bytes: [UInt8]) throws -> [Int] {
        try bytes.withUnsafeBytes { bytes in
            var cursor = BatchCursor(bytes)
            var positions: [Int] = []
            while let entry = try cursor.next() { positions.append(cursor.position - entry.bytes.count) }
            return positions
        }
    }

    @Test(arguments: [true, false], [0, 1])
    func `with verification no flipped bit shows a reader anything wrong`(isClean: Bool, segment: Int) throws {
        let world = try Self.filled()
        let names = try world.files.list(Self.directory)
        let saved = try names.map { ($0, try world.bytes("\(Self.directory)/\($0)")) }
        let logs = names.filter { $0.hasSuffix(".log") }
        try #require(logs.count == 2)
        let path = "\(Self.directory)/\(logs[segment])"
        let good = try world.bytes(path)
        let positions = try Self.positions(good)
        var found = 0
        for bit in stride(from: isClean ? 0 : 2, to: good.count * 8, by: 5) {
            for name in try world.files.list(Self.directory) { try world.files.remove("\(Self.directory)/\(name)") }
            for (name, bytes) in saved { try world.files.replaceFile("\(Self.directory)/\(name)", with: bytes) }
            var bytes = good
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            try world.files.replaceFile(path, with: bytes)
            let start = try #require(positions.last { $0 <= bit / 8 })
            let field = bit / 8 - start
            // The epoch is checked against the log's own list, which a recovery makes from the batches; and nothing
            // says where the last batch of all ends but itself.
            if (12..<16).contains(field), !isClean { continue }
            if field < 8, segment == 1, start == positions.last { continue }
            let log = try world.open(
                Self.directory, Self.configuration, clean: isClean, settings: Self.verifying)
            for offset in 0..<min(log.logEndOffset, Int64(Self.count)) {
                let (records, error) = Self.read(log, from: offset)
                let due = Self.due(from: offset)
                #expect(records == Array(due.prefix(records.count)), "bit \(bit) from \(offset)")
                #expect(error != nil || offset + Int64(records.count) == log.logEndOffset, "bit \(bit) from \(offset)")
                if error != nil { found += 1 }
            }
            world.run()
        }
        #expect(!isClean || found > 100)
    }

    @Test(arguments: [true, false])
    func `without verification flipped bits give errors or other bytes, never a crash`(isClean: Bool) throws {
        let world = try Self.filled()
        let names = try world.files.list(Self.directory)
        let saved = try names.map { ($0, try world.bytes("\(Self.directory)/\($0)")) }
        for log in names.filter({ $0.hasSuffix(".log") }) {
            let path = "\(Self.directory)/\(log)"
            let good = try world.bytes(path)
            for bit in stride(from: 1, to: good.count * 8, by: 11) {
                for name in try world.files.list(Self.directory) { try world.files.remove("\(Self.directory)/\(name)") }
                for (name, bytes) in saved { try world.files.replaceFile("\(Self.directory)/\(name)", with: bytes) }
                var bytes = good
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                try world.files.replaceFile(path, with: bytes)
                let log = try world.open(Self.directory, Self.configuration, clean: isClean)
                for offset in stride(from: 0, to: log.logEndOffset, by: 3).prefix(8) {
                    _ = Self.read(log, from: offset)
                }
                _ = try? log.offset(forTimestamp: TestBatches.time + 1)
                _ = try? log.offsetOfMaxTimestamp()
                _ = try? log.append(TestBatches.batch(["more"]))
                world.run()
                try? log.close()
            }
        }
    }

    @Test func `what is good before the damage is given, the damage is named`() throws {
        let world = try Self.filled()
        let log = try world.open(Self.directory, Self.configuration, clean: true, settings: Self.verifying)
        let path = "\(Self.directory)/\(LogFileNames.digits(0)).log"
        let positions = try Self.positions(try world.bytes(path))
        let file = try world.files.open(path, .readWrite)
        try file.write([0xFF], at: Int64(positions[2] + 70))
        let range = try log.read(from: 0, maxBytes: 10_000, isolation: .logEnd, atLeastOne: true)
        #expect(range.count == positions[2])
        do throws(StorageError) {
            _ = try log.read(from: 4, maxBytes: 10_000, isolation: .logEnd, atLeastOne: true)
            Issue.record("no error")
        } catch {
            #expect(error.errorCode == .corruptMessage)
            guard case .corrupt(let named, let position, _) = error else { throw error }
            #expect(named == path)
            #expect(position == Int64(positions[2]))
        }
        #expect(try log.read(from: 6, maxBytes: 10_000, isolation: .logEnd, atLeastOne: true).count > 0)
    }

    @Test func `good batches pass whatever the limits of the read`() throws {
        let world = try Self.filled()
        let log = try world.open(Self.directory, Self.configuration, clean: true, settings: Self.verifying)
        let plain = try world.open(Self.directory, Self.configuration, clean: true)
        for offset in 0..<Int64(Self.count) {
            for maxBytes in [1, 60, 100, 200, 400, 10_000] {
                for atLeastOne in [true, false] {
                    let checked = try log.read(
                        from: offset, maxBytes: maxBytes, isolation: .logEnd, atLeastOne: atLeastOne)
                    let found = try plain.read(
                        from: offset, maxBytes: maxBytes, isolation: .logEnd, atLeastOne: atLeastOne)
                    #expect(checked.position == found.position)
                    #expect(checked.count <= found.count && checked.count > 0)
                    #expect(checked.isFirstEntryIncomplete == found.isFirstEntryIncomplete)
                }
            }
        }
    }
}
