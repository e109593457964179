// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

/// Zeros behind the last batch of a busy log (decision 0026).
@Suite struct PaddingTests {
    private static let unit = 256
    private static let first = "/data/t-0/00000000000000000000.log"

    private static let settings: LogSettings = {
        var settings = LogSettings()
        settings.paddingBytes = unit
        return settings
    }()

    private func open(
        _ world: TestWorld, segmentBytes: Int32 = 1 << 20, clean: Bool = false, recoveryPoint: Int64 = 0
    ) throws -> UnifiedLog {
        var configuration = LogConfiguration()
        configuration.segmentBytes = segmentBytes
        return try world.open(
            "/data/t-0", configuration, clean: clean, recoveryPoint: recoveryPoint, settings: Self.settings)
    }

    private func fill(_ log: UnifiedLog, _ count: Int = 20, size: Int = 100) throws {
        for _ in 0..<count { try log.append(TestBatches.sized(size)) }
    }

    /// The size of the first segment's file, and of the part of it that is batches: a batch ends in one zero, the number of
    /// headers.
    private func sizes(_ world: TestWorld) throws -> (file: Int, batches: Int) {
        let bytes = try world.bytes(Self.first)
        return (bytes.count, (bytes.lastIndex { $0 != 0 } ?? -2) + 2)
    }

    @Test func `the file of a busy log ends in zeros at a multiple of the unit`() throws {
        let world = TestWorld()
        let log = try open(world)
        try fill(log, 10)
        // As long as little waits for a sync there are none.
        #expect(try sizes(world) == (1_000, 1_000))
        try fill(log, 10)
        #expect(try sizes(world) == (2_048, 2_000))
        try fill(log, 1)
        #expect(try sizes(world) == (2_304, 2_100))
        // One that is written in several pieces: the last of them brings the zeros.
        try fill(log, 1, size: 200_000)
        #expect(try sizes(world) == (202_240, 202_100))
        #expect(try log.records().count == 22)
    }

    @Test func `batches of a group are followed by zeros`() throws {
        let world = TestWorld()
        let log = try open(world)
        let group = WriteGroup()
        for _ in 0..<30 {
            var batch = try TestBatches.sized(100)
            _ = try log.appendAsLeader(&batch, leaderEpoch: 0, now: TestBatches.time, group: group)
        }
        #expect(group.commit().isEmpty)
        for _ in 0..<2 { _ = try log.append(TestBatches.sized(100)) }
        #expect(try sizes(world) == (3_328, 3_200))
        #expect(try log.records().count == 32)
    }

    @Test func `a log that is synced all the time gets none`() throws {
        let world = TestWorld()
        let log = try open(world)
        for _ in 0..<5 {
            try fill(log, 9)
            try log.flush()
        }
        #expect(try sizes(world) == (4_500, 4_500))
    }

    @Test func `a sync, a roll and a close cut the file to its batches`() throws {
        let world = TestWorld()
        let log = try open(world)
        try fill(log)
        try log.flush()
        #expect(try sizes(world) == (2_000, 2_000))
        try fill(log)
        #expect(try sizes(world).file == 4_096)
        try log.roll()
        #expect(try sizes(world) == (4_000, 4_000))
        try fill(log)
        try log.close()
        #expect(try world.bytes("/data/t-0/00000000000000000040.log").count == 2_000)
        world.crash(.nothing)
        let again = try open(world, clean: true)
        #expect(try again.records().count == 60)
    }

    /// The new segment's name is there, and with it the recovery point passes the old one, which nobody checks then.
    @Test func `a roll behind a sync needs none to leave a file without zeros`() throws {
        let world = TestWorld()
        let log = try open(world)
        try fill(log)
        let point = try log.flush()
        try log.roll()
        try world.files.syncDirectory("/data/t-0")
        world.crash(.nothing)
        let again = try open(world, recoveryPoint: point)
        #expect(try again.records().count == 20)
        #expect(try again.append(TestBatches.sized(100)).firstOffset == 20)
        #expect(try again.records().count == 21)
        #expect(try sizes(world) == (2_000, 2_000))
    }

    @Test func `a log that nobody writes to is cut to its batches`() throws {
        let world = TestWorld()
        var configuration = LogManagerConfiguration(directories: ["/data"])
        configuration.settings = Self.settings
        let manager = LogManager(configuration: configuration, runtime: world.runtime)
        try manager.openDirectories()
        manager.loadLogs(topicConfiguration: { _ in LogConfiguration() }) { _ in }
        world.run()
        let log = try manager.createLog(for: TestWorld.partition, configuration: LogConfiguration())
        try fill(log)
        manager.releaseIdleLogs()
        #expect(try sizes(world).file == 2_048)
        #expect(try log.records().count == 20)
        manager.releaseIdleLogs()
        #expect(try sizes(world) == (2_000, 2_000))
        try fill(log, 1)
        #expect(try log.records().count == 21)
    }

    @Test func `a cut that fails is made by the next sync`() throws {
        let world = TestWorld()
        let log = try open(world)
        try fill(log)
        world.files.setFault { _, operation, _ in operation == .truncate ? .inputOutput : nil }
        try log.trimPaddingIfQuiet()
        #expect(throws: StorageError.self) { try log.trimPaddingIfQuiet() }
        world.files.setFault(nil)
        #expect(try sizes(world).file == 2_048)
        try log.flush()
        #expect(try sizes(world) == (2_000, 2_000))
    }

    /// Searches would end in an empty segment over offsets that the one before holds.
    @Test func `the remains of a failed roll go where zeros follow`() throws {
        let world = TestWorld()
        let log = try open(world)
        try fill(log)
        let point = try log.flush()
        try fill(log)
        #expect(try sizes(world) == (4_096, 4_000))
        _ = try world.files.open("/data/t-0/00000000000000000010.log", .createNew)
        world.crash(.everything)
        let again = try open(world, recoveryPoint: point)
        #expect(again.segmentCount == 1)
        #expect(try again.records().count == 40)
    }

    @Test func `a segment that was reserved as a whole gets none`() throws {
        let world = TestWorld()
        var configuration = LogConfiguration()
        configuration.preallocate = true
        configuration.segmentBytes = 1 << 20
        let log = try world.open("/data/t-0", configuration, settings: Self.settings)
        try fill(log)
        #expect(try sizes(world) == (2_000, 2_000))
    }

    @Test func `the zeros that a killed process leaves are cut off`() throws {
        let world = TestWorld()
        try fill(try open(world))
        world.crash(.everything)
        let log = try open(world)
        #expect(try log.records().count == 20)
        #expect(try sizes(world) == (2_000, 2_000))
        #expect(world.events.all.contains { $0.contains("cutZeros") }, "\(world.events.all)")
        #expect(!world.events.all.contains { $0.contains("truncatedTail") }, "\(world.events.all)")
    }

    /// A loss of power may keep the longer size of a segment that was rolled, and the segment behind it; but where batches
    /// are missing, or there are not only zeros, it took more.
    @Test(arguments: [
        (position: 2_000, byte: UInt8(0), left: 40), (position: 2_000, byte: 1, left: 20),
        (position: 1_900, byte: 0, left: 19),
    ])
    func `only zeros right behind the last batch keep what follows`(position: Int, byte: UInt8, left: Int) throws {
        let world = TestWorld()
        let log = try open(world)
        try fill(log)
        try log.roll()
        try fill(log)
        let file = try world.files.open(Self.first, .readWrite)
        try file.write([UInt8](repeating: 0, count: 147) + [byte], at: Int64(position))
        world.crash(.everything)
        #expect(try open(world).records().count == left)
        #expect(try sizes(world).file == position)
    }

    @Test func `where there is no space for zeros the batches are written alone`() throws {
        let world = TestWorld()
        var settings = LogSettings()
        settings.paddingBytes = 64 << 10
        settings.reserveAheadBytes = 0
        let log = try world.open(settings: settings)
        for _ in 0..<6 { try log.append(TestBatches.sized(60_000)) }
        #expect(try sizes(world) == (393_216, 360_000))
        // Five pages are left, the zeros would take more.
        try fill(log, 1, size: 33_000)
        world.files.setCapacity(world.files.usedBytes + 5 * 4_096)
        try fill(log, 1, size: 4_000)
        #expect(try sizes(world) == (397_000, 397_000))
        world.files.setCapacity(nil)
        // Up to where zeros were tried.
        try fill(log, 1, size: 60_000)
        #expect(try sizes(world) == (457_000, 457_000))
        try fill(log, 1, size: 10_000)
        #expect(try sizes(world) == (524_288, 467_000))
        #expect(try log.records().count == 10)
    }

    @Test func `a file does not grow beyond what Apache Kafka opens`() {
        let parameters = LogSegment.Parameters(
            indexBytes: 4_096, indexIntervalBytes: 4_096, rollJitterMs: 0, preallocatedBytes: 0, now: 0,
            settings: Self.settings)
        let segment = LogSegment(
            baseOffset: 0, directory: "/data", size: 0, parameters, InMemoryFileSystem())
        let limit = Int64(Int32.max)
        #expect(segment.paddingBytes(from: 4_000, to: 4_001) == 95)
        #expect(segment.paddingBytes(from: 4_000, to: limit - 10) == 10)
        #expect(segment.paddingBytes(from: 4_000, to: limit) == 0)
    }
}
