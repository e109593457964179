// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import Foundation
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

private let hasPython = ["/usr/bin/python3", "/usr/local/bin/python3", "/opt/homebrew/bin/python3"].contains {
    FileManager.default.isExecutableFile(atPath: $0)
}

/// Directories that a Python script made or checks, which knows the formats but none of this code
/// (`Tests/Support/log_directory.py`), on the operating system's files.
@Suite(.enabled(if: hasPython, "needs python3"))
struct GoldenDirectoryTests {
    /// What the script says about a directory.
    private struct Summary: Decodable {
        var segments: [Int64]
        var offsets: Int64
        var epochs: [[Int64]]
        var snapshots: [Int64]
        var producers: [String: [Int64]]
        var topicID: String?
        var records: [Record]

        struct Record: Decodable, Equatable {
            var offset: Int64
            var value: String?

            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                offset = try list.decode(Int64.self)
                value = try list.decodeNil() ? nil : list.decode(String.self)
            }
        }

        /// As the tests' `records()` writes them.
        var lines: [String] { records.map { "\($0.offset)=\($0.value ?? "null")" } }
    }

    private final class Directory {
        let path = NSTemporaryDirectory() + "swiftkafka-golden-" + UUID().uuidString
        var log: String { path + "/t-0" }

        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private func script(_ arguments: String...) throws -> Summary {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Support/log_directory.py").standardized.path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", script] + arguments
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(complaint)")
        return try JSONDecoder().decode(Summary.self, from: bytes)
    }

    private func runtime(_ world: TestWorld) -> Runtime {
        Runtime(
            clock: world.clock, queues: world.queues, files: DispatchRuntime.makeFileSystem(), network: NoNetwork(),
            random: world.random)
    }

    private func open(
        _ directory: Directory, _ world: TestWorld, clean: Bool, _ configuration: LogConfiguration = small,
        recoveryPoint: Int64 = 0
    ) throws -> UnifiedLog {
        var options = LogOpenOptions()
        options.wasCleanShutdown = clean
        options.recoveryPoint = recoveryPoint
        return try UnifiedLog.open(
            directory: directory.log, topicPartition: TestWorld.partition, configuration: configuration,
            runtime: runtime(world), options: options)
    }

    private static let small: LogConfiguration = {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 3200
        configuration.indexIntervalBytes = 512
        return configuration
    }()

    // MARK: Theirs

    @Test(arguments: [true, false])
    func `a directory written by others opens and reads`(clean: Bool) throws {
        let directory = try Directory()
        let expected = try script("make", directory.log, "--interval", "512")
        #expect(expected.segments.count == 5)
        let log = try open(directory, TestWorld(), clean: clean)
        #expect(log.logEndOffset == expected.offsets)
        #expect(try log.records() == expected.lines)
        #expect(log.topicID?.description == expected.topicID)
        #expect(log.epochEntries.map { [Int64($0.epoch), $0.startOffset] } == expected.epochs)
        #expect(log.segmentCount == expected.segments.count)
        let producer = try #require(log.activeProducers().first)
        #expect(
            [Int64(producer.epoch), Int64(producer.lastSequence), producer.lastOffset]
                == expected.producers["\(producer.producerID)"])
        for offset in stride(from: Int64(0), to: expected.offsets, by: 7) {
            #expect(
                try log.records(from: offset) == expected.lines.filter { Int64($0.split(separator: "=")[0])! >= offset }
            )
        }
    }

    @Test(arguments: [true, false])
    func `opening and closing leaves it as the script demands`(clean: Bool) throws {
        let directory = try Directory()
        let before = try script("make", directory.log, "--interval", "512")
        try open(directory, TestWorld(), clean: clean).close()
        let after = try script("check", directory.log, "--interval", "512")
        #expect(after.lines == before.lines)
        #expect(after.snapshots == before.snapshots)
    }

    @Test func `appending to it goes on where it ended`() throws {
        let directory = try Directory()
        let before = try script("make", directory.log, "--interval", "512")
        let world = TestWorld()
        let log = try open(directory, world, clean: true)
        let sequence = try #require(log.activeProducers().first?.lastSequence)
        let info = try log.append(
            TestBatches.batch(["more"], producer: (4711, 2, sequence + 1)), epoch: 9)
        #expect(info.firstOffset == before.offsets)
        world.run()
        try log.close()
        let after = try script("check", directory.log)
        #expect(after.offsets == before.offsets + 1)
        #expect(after.epochs.last == [9, before.offsets])
        #expect(after.lines.last == "\(before.offsets)=more")
        #expect(after.snapshots.last == after.offsets)
    }

    // MARK: Ours

    @Test(arguments: [CompressionType.none, .gzip], [Int32(0), 200, 4096])
    func `what the log writes passes the script`(codec: CompressionType, interval: Int32) throws {
        let directory = try Directory()
        var configuration = Self.small
        configuration.indexIntervalBytes = interval
        let world = TestWorld()
        let log = try open(directory, world, clean: true, configuration)
        try log.setTopicID(KafkaUUID("tNJ3b6_xSD2HAy5MhZAmQw")!)
        for step in 0..<60 {
            let values = (0...(step % 4)).map { "v\(step)-\($0)-" + String(repeating: "y", count: step * 13 % 170) }
            let producer: (Int64, Int16, Int32)? = step % 3 == 0 ? (Int64(step % 2), 0, 0) : nil
            let batch = try TestBatches.batch(
                values, timestamp: TestBatches.time + Int64(step * 10 - step % 5 * 30), compression: codec,
                producer: producer.map { (100 + Int64(step), $0.1, $0.2) })
            try log.append(batch, epoch: Int32(step / 25))
        }
        let expected = try log.records()
        world.run()
        try log.close()
        let summary = try script("check", directory.log, "--interval", "\(interval)")
        #expect(summary.lines == expected)
        #expect(summary.segments.count > 2)
        #expect(summary.topicID == "tNJ3b6_xSD2HAy5MhZAmQw")
    }

    @Test func `what a recovery leaves passes the script`() throws {
        let directory = try Directory()
        let before = try script("make", directory.log, "--interval", "512")
        let last = directory.log + "/" + LogFileNames.digits(before.segments.last!) + ".log"
        let handle = try #require(FileHandle(forUpdatingAtPath: last))
        let size = try handle.seekToEnd()
        try handle.truncate(atOffset: size - 5)
        try handle.close()
        for name in try FileManager.default.contentsOfDirectory(atPath: directory.log) where name.hasSuffix("index") {
            try FileManager.default.removeItem(atPath: directory.log + "/" + name)
        }
        let world = TestWorld()
        let log = try open(directory, world, clean: false)
        world.run()
        try log.close()
        let after = try script("check", directory.log, "--interval", "512")
        #expect(after.lines == Array(before.lines.prefix(after.lines.count)))
        #expect(after.offsets < before.offsets)
        #expect(after.offsets >= before.offsets - 3)
    }
}
