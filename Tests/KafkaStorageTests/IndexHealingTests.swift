// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

/// Whatever happens to index files, answers stay right and the files become good again.
@Suite struct IndexHealingTests {
    /// What was done to a file.
    enum Damage: String, CaseIterable, Sendable {
        case removed, emptied, cutAtEntry, cutInEntry, oneEntryLeft, zeros, zerosAtEnd, zerosInMiddle
        case longerByZeros, longerByNoise, noise, ones, reversed, ofAnotherSegment, largeNumbersAtEnd

        /// Whether it can be noticed: true entries in another order, and ones that are never found, do no harm.
        var misleads: Bool { self != .reversed && self != .largeNumbersAtEnd }

        func apply(to bytes: [UInt8], entrySize: Int, other: [UInt8]) -> [UInt8]? {
            let half = bytes.count / entrySize / 2 * entrySize
            var random = TestNoise(state: 77)
            switch self {
            case .removed: return nil
            case .emptied: return []
            case .cutAtEntry: return Array(bytes[..<half])
            case .cutInEntry: return Array(bytes[..<(half + entrySize / 2)])
            case .oneEntryLeft: return Array(bytes.prefix(entrySize))
            case .zeros: return [UInt8](repeating: 0, count: bytes.count)
            case .zerosAtEnd: return bytes[..<half] + [UInt8](repeating: 0, count: bytes.count - half)
            case .zerosInMiddle:
                let third = bytes.count / entrySize / 3 * entrySize
                return bytes[..<third] + [UInt8](repeating: 0, count: third) + bytes[(2 * third)...]
            case .longerByZeros: return bytes + [UInt8](repeating: 0, count: 100_000)
            case .longerByNoise: return bytes + random.bytes(500)
            case .noise: return random.bytes(bytes.count)
            case .ones: return [UInt8](repeating: 0xFF, count: bytes.count)
            case .reversed:
                return stride(from: bytes.count - entrySize, through: 0, by: -entrySize).flatMap {
                    bytes[$0..<($0 + entrySize)]
                }
            case .ofAnotherSegment: return other
            case .largeNumbersAtEnd:
                return bytes[..<(bytes.count - entrySize)] + [0x7F] + [UInt8](repeating: 0xFF, count: entrySize - 1)
            }
        }
    }

    struct TestNoise {
        var state: UInt64

        mutating func bytes(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: state >> 33)
            }
        }
    }

    private static let directory = "/data/t-0"

    private static let configuration: LogConfiguration = {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 1_700
        configuration.indexIntervalBytes = 100
        configuration.segmentIndexBytes = 4_800
        return configuration
    }()

    /// Times that mostly grow, with runs of equal ones and some far behind.
    private static func time(_ offset: Int) -> Int64 {
        let grown = Int64(offset / 3 * 10)
        return TestBatches.time + (offset % 7 == 5 ? grown / 2 : grown)
    }

    /// Forty records, one a batch, in three segments or more.
    private static func filled() throws -> (world: TestWorld, bases: [Int64]) {
        let world = TestWorld(durability: .immediate)
        let log = try world.open(directory, configuration)
        for offset in 0..<40 { try append(offset, to: log) }
        world.run()
        try log.close()
        let bases = try world.files.list(directory).compactMap { LogFileNames.offset($0, suffix: ".log") }
        #expect(bases.count >= 3)
        return (world, bases)
    }

    private static func append(_ offset: Int, to log: UnifiedLog) throws {
        let value = String(repeating: "x", count: 40 + offset % 5)
        try log.append(TestBatches.batch([value], timestamp: time(offset)), now: TestBatches.time)
    }

    /// Every offset and every time leads to where it should.
    private static func check(_ log: UnifiedLog, count: Int, _ name: String) throws {
        guard log.logEndOffset == Int64(count) else {
            Issue.record("\(name): the log ends at \(log.logEndOffset)")
            return
        }
        for offset in 0..<count {
            let range = try log.read(from: Int64(offset), maxBytes: 1, isolation: .logEnd, atLeastOne: true)
            let bytes = try #require(range.file).readBytes(at: range.position, count: range.count)
            let header = try bytes.withUnsafeBytes { try RecordBatchHeader(parsing: $0) }
            #expect(header.baseOffset == Int64(offset), "\(name)")
        }
        let times = (0..<count).map(time)
        for asked in Set(times.flatMap { [$0 - 1, $0, $0 + 1] }) {
            let due = times.firstIndex { $0 >= asked }
            #expect(try log.offset(forTimestamp: asked)?.offset == due.map(Int64.init), "\(name) time \(asked)")
        }
        let largest = try #require(times.max())
        let found = try log.offsetOfMaxTimestamp()
        #expect(found?.timestamp == largest, "\(name)")
        #expect(found?.offset == times.firstIndex(of: largest).map(Int64.init), "\(name)")
    }

    private static func checkFiles(_ world: TestWorld, _ bases: [Int64], _ name: String) throws {
        for base in bases {
            let prefix = "\(directory)/\(LogFileNames.digits(base))"
            let size = try world.bytes(prefix + ".log").count
            let index = OffsetIndex(path: prefix + ".index", baseOffset: base, maximumBytes: 4_800)
            let times = TimeIndex(path: prefix + ".timeindex", baseOffset: base, maximumBytes: 4_800)
            #expect(throws: Never.self, "\(name) \(base)") {
                try index.check(segmentBytes: Int64(size), world.files)
                try times.check(world.files)
            }
        }
    }

    private static func damage(
        _ world: TestWorld, _ damage: Damage, _ suffix: String, _ base: Int64, other: Int64
    ) throws {
        func path(_ base: Int64) -> String { "\(directory)/\(LogFileNames.digits(base))\(suffix)" }
        let size = suffix == ".index" ? 8 : 12
        let content = damage.apply(
            to: try world.bytes(path(base)), entrySize: size, other: try world.bytes(path(other)))
        if let content {
            try world.files.replaceFile(path(base), with: content)
        } else {
            try world.files.remove(path(base))
        }
    }

    @Test(arguments: Damage.allCases, [".index", ".timeindex"])
    func `a damaged index changes no answer and heals`(kind: Damage, suffix: String) throws {
        for place in 0..<3 {
            for isClean in [true, false] {
                for recoveryPoint in isClean ? [0] : [0, 40] as [Int64] {
                    let (world, bases) = try Self.filled()
                    let name = "\(kind) \(suffix) of segment \(place), clean: \(isClean), from \(recoveryPoint)"
                    let target = place == 2 ? bases[bases.count - 1] : bases[place]
                    try Self.damage(world, kind, suffix, target, other: bases[place == 1 ? 0 : 1])
                    func open(_ isClean: Bool) throws -> UnifiedLog {
                        try world.open(
                            Self.directory, Self.configuration, clean: isClean, recoveryPoint: recoveryPoint)
                    }
                    var log = try open(isClean)
                    try Self.check(log, count: 40, name)
                    for offset in 40..<44 { try Self.append(offset, to: log) }
                    try Self.check(log, count: 44, "\(name), appended to")
                    world.run()
                    try log.close()
                    log = try open(true)
                    try Self.check(log, count: 44, "\(name), opened again")
                    try log.close()
                    if kind.misleads { try Self.checkFiles(world, bases, name) }
                }
            }
        }
    }

    @Test(arguments: Damage.allCases, [".index", ".timeindex"])
    func `an index damaged under a log in use changes no answer`(kind: Damage, suffix: String) throws {
        let (world, bases) = try Self.filled()
        let log = try world.open(Self.directory, Self.configuration, clean: true)
        try Self.check(log, count: 40, "before")
        for base in bases {
            // In place, so that whoever has the file open sees it.
            let path = "\(Self.directory)/\(LogFileNames.digits(base))\(suffix)"
            let content = kind.apply(
                to: try world.bytes(path), entrySize: suffix == ".index" ? 8 : 12, other: try world.bytes(path))
            let file = try world.files.open(path, .readWrite)
            try file.truncate(to: 0)
            try file.write(content ?? [], at: 0)
            if content == nil { try world.files.remove(path) }
        }
        try Self.check(log, count: 40, "\(kind)")
        for offset in 40..<50 { try Self.append(offset, to: log) }
        try Self.check(log, count: 50, "\(kind), appended to")
    }

    @Test func `flipped bits in an index change no answer`() throws {
        for suffix in [".index", ".timeindex"] {
            let (world, bases) = try Self.filled()
            let path = "\(Self.directory)/\(LogFileNames.digits(bases[1]))\(suffix)"
            let good = try world.bytes(path)
            for bit in stride(from: 3, to: good.count * 8, by: 13) {
                var bytes = good
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                try world.files.replaceFile(path, with: bytes)
                let log = try world.open(Self.directory, Self.configuration, clean: true)
                try Self.check(log, count: 40, "bit \(bit) of \(suffix)")
            }
        }
    }

    @Test func `an index with too few entries for a long segment is built anew at its first use`() throws {
        let world = TestWorld(durability: .immediate)
        var configuration = LogConfiguration()
        configuration.segmentBytes = 3 << 20
        var log = try world.open(Self.directory, configuration)
        for _ in 0..<250 { try log.append(TestBatches.sized(12_000)) }
        try log.close()
        let path = "\(Self.directory)/\(LogFileNames.digits(0)).index"
        let good = try world.bytes(path)
        #expect(good.count > 240 * 8)
        try world.files.replaceFile(path, with: Array(good.prefix(16)))
        log = try world.open(Self.directory, configuration, clean: true)
        #expect(world.events.all.allSatisfy { !$0.contains("rebuilt") })
        for offset in [3, 200, 240] as [Int64] {
            #expect(
                try log.read(from: offset, maxBytes: 1, isolation: .logEnd, atLeastOne: true).position == offset
                    * 12_000)
        }
        #expect(world.events.all.filter { $0.contains("rebuiltIndexes") }.count == 1)
        try log.close()
        #expect(try world.bytes(path) == good)
    }
}
