// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

/// What a start makes of each kind of file that an interrupted cleaning or deletion left.
@Suite struct SwapLoaderTests {
    /// Three segments of two offsets each, as `keyed` shows them: 0…1, 2…3, and the active one 4.
    private func prepare(_ world: TestWorld) throws {
        let log = try world.open("/data/t-0", Compaction.configuration)
        for base in [0, 2] {
            try log.append(Compaction.batch(["a=\(base)", "b=\(base)"]))
            try log.rollForCleaning()
        }
        try log.append(Compaction.batch(["c=4"]))
        world.run()
        try log.close()
    }

    private static let whole = ["0:a=0", "1:b=0", "2:a=2", "3:b=2", "4:c=4"]
    private static let cleaned = ["2:a=2", "3:b=2", "4:c=4"]

    private func name(_ base: Int64, _ suffix: String) -> String { "/data/t-0/\(LogFileNames.digits(base))\(suffix)" }

    private func write(_ world: TestWorld, _ path: String, _ bytes: [UInt8]) throws {
        let file = try world.files.open(path, .readWriteCreate)
        try file.truncate(to: 0)
        try file.write(bytes, at: 0)
    }

    /// The log file of a segment at 0 that was made of the first two.
    private func cleanedBytes(_ world: TestWorld) throws -> [UInt8] { try world.bytes(name(2, ".log")) }

    private func reopen(_ world: TestWorld) throws -> [String] {
        let log = try world.open("/data/t-0", Compaction.configuration, clean: true)
        let left = try world.files.list("/data/t-0").filter { name in
            [".cleaned", ".swap", ".deleted"].contains { name.hasSuffix($0) }
        }
        #expect(left == [])
        return try log.keyed()
    }

    /// Names without their 20 digits; whether the log then holds what the cleaning made.
    @Test(
        arguments: [
            ("0.log.cleaned", false), ("0.index.cleaned", false),
            ("0.log.cleaned 0.index.cleaned 0.timeindex.cleaned 0.txnindex.cleaned", false),
            ("0.log.swap", true), ("0.log.swap 0.index.swap 0.timeindex.swap", true),
            // As long as one file is not renamed, none of the others counts.
            ("0.log.swap 0.index.swap 0.timeindex.cleaned", false), ("0.log.cleaned 0.index.swap", false),
            // The swap lies above what was not finished: it is void.
            ("0.log.cleaned 2.log.swap", false),
            // It lies below: it was finished, and the other is of a later cleaning.
            ("0.log.swap 2.log.cleaned", true),
            ("0.log.deleted 2.snapshot.deleted 9.index.deleted", false),
            ("0.log.swap 0.log.deleted 2.log.deleted", true),
            ("0.log.tmp", false),
        ] as [(String, Bool)])
    func `files are finished or removed`(files: String, isCleaned: Bool) throws {
        let world = TestWorld()
        try prepare(world)
        let bytes = try cleanedBytes(world)
        for file in files.split(separator: " ") {
            let dot = file.firstIndex(of: ".")!
            let suffix = String(file[dot...])
            // An empty index is one that is not there yet, but for its name.
            try write(world, name(Int64(file[..<dot])!, suffix), suffix.hasPrefix(".log") ? bytes : [])
        }
        #expect(try reopen(world) == (isCleaned ? Self.cleaned : Self.whole))
    }

    @Test func `a swap is finished when the old segments are gone already`() throws {
        for gone in [[Int64(0)], [0, 2]] {
            let world = TestWorld()
            try prepare(world)
            try write(world, name(0, ".log.swap"), try cleanedBytes(world))
            for base in gone {
                for suffix in [".log", ".index", ".timeindex"] {
                    try world.files.rename(name(base, suffix), to: name(base, suffix + ".deleted"))
                }
            }
            #expect(try reopen(world) == Self.cleaned)
        }
    }

    @Test func `a swap that is damaged stops the log and nothing is thrown away`() throws {
        let world = TestWorld()
        try prepare(world)
        var bytes = try cleanedBytes(world)
        bytes[70] ^= 1
        try write(world, name(0, ".log.swap"), bytes)
        try write(world, name(5, ".log.deleted"), bytes)
        let before = try world.files.list("/data/t-0")
        let error = #expect(throws: StorageError.self) { try reopen(world) }
        guard case .corrupt(let path, let position, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(path == name(0, ".log.swap") && position == 0)
        #expect(try world.files.list("/data/t-0") == before)
    }

    @Test func `an index of transactions that may be either's is made again`() throws {
        let world = TestWorld()
        try prepare(world)
        try write(world, name(0, ".log.swap"), try cleanedBytes(world))
        try write(world, name(0, ".index.swap"), [])
        let stale = AbortedTransaction(producerID: 1, firstOffset: 0, lastOffset: 3, lastStableOffset: 4)
        var writer = ByteWriter()
        stale.write(to: &writer)
        try write(world, name(0, ".txnindex"), writer.toArray())
        let log = try world.open("/data/t-0", Compaction.configuration, clean: true)
        #expect(try log.keyed() == Self.cleaned)
        #expect(try log.abortedTransactions(from: 0, upTo: 5) == [])
    }

    @Test func `a gap below what was cleaned is no loss even where the topic is not compacted any more`() throws {
        let world = TestWorld()
        let log = try world.open("/data/t-0", Compaction.configuration)
        for round in 0..<4 {
            try log.append(Compaction.batch(["a=\(round)", "b=\(round)", "c=\(round)"]))
            if round != 1 { try log.rollForCleaning() }
        }
        var configuration = Compaction.configuration
        configuration.segmentBytes = 100
        log.update(configuration)
        try log.cleanNow()
        let kept = try log.keyed()
        world.run()
        world.crash(.everything)
        var options = LogOpenOptions()
        options.cleanedUpTo = log.cleanedUpTo
        let again = try UnifiedLog.open(
            directory: "/data/t-0", topicPartition: TestWorld.partition, configuration: LogConfiguration(),
            runtime: world.runtime, options: options)
        #expect(try again.keyed() == kept)
        #expect(again.logEndOffset == 12)
    }
}
