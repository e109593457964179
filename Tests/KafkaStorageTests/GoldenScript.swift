// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import Foundation
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Synchronization
import Testing

@testable import KafkaStorage

/// `Tests/Support/log_directory.py`, which knows Kafka's files but none of this code.
enum GoldenScript {
    static let isAvailable = ["/usr/bin/python3", "/usr/local/bin/python3", "/opt/homebrew/bin/python3"].contains {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// The names of the golden directories.
    static let cases: [String] = isAvailable ? (try? run("cases")) ?? [] : []

    /// One interpreter for all tests: starting one takes longer than what it is asked for. It ends with this process.
    private final class Interpreter: Sendable {
        private struct Pipes {
            let input: FileHandle
            let output: FileHandle
        }

        private let pipes: Mutex<Pipes?>

        init() {
            let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("../Support/log_directory.py").standardized.path
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["python3", "-B", script, "serve"]
            let (input, output) = (Pipe(), Pipe())
            process.standardInput = input
            process.standardOutput = output
            let started = (try? process.run()) != nil
            pipes = Mutex(
                started ? Pipes(input: input.fileHandleForWriting, output: output.fileHandleForReading) : nil)
        }

        /// The line that answers; nil where the interpreter is gone.
        func answer(_ arguments: [String]) throws -> Data? {
            let question = try JSONEncoder().encode(arguments) + Data("\n".utf8)
            return try pipes.withLock { pipes in
                guard let pipes else { return nil }
                try pipes.input.write(contentsOf: question)
                var line = Data()
                while line.last != UInt8(ascii: "\n") {
                    let more = pipes.output.availableData
                    if more.isEmpty { return nil }
                    line += more
                }
                return line
            }
        }
    }

    private static let interpreter = Interpreter()

    private struct Answer<Result: Decodable>: Decodable {
        var result: Result?
        var fault: String?
    }

    /// Runs a command of the script and decodes its answer. Fails with the script's complaint where it has one.
    static func run<Result: Decodable>(_ arguments: String...) throws -> Result {
        let line = try #require(try interpreter.answer(arguments), "the script ended")
        let answer = try JSONDecoder().decode(Answer<Result>.self, from: line)
        return try #require(answer.result, "\(answer.fault ?? "")")
    }

    /// Offset, timestamp, key and value of a record.
    struct Record: Decodable, Equatable, CustomStringConvertible {
        var offset: Int64
        var timestamp: Int64
        var key: String?
        var value: String?

        init(offset: Int64, timestamp: Int64, key: String?, value: String?) {
            (self.offset, self.timestamp, self.key, self.value) = (offset, timestamp, key, value)
        }

        init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            offset = try list.decode(Int64.self)
            timestamp = try list.decode(Int64.self)
            key = try list.decodeNil() ? nil : list.decode(String.self)
            value = try list.decodeNil() ? nil : list.decode(String.self)
        }

        var description: String { "\(offset) \(timestamp) \(key ?? "-")=\(value ?? "-")" }
    }

    /// What a golden directory must be found to hold.
    struct Expectation: Decodable {
        /// `index.interval.bytes` that the indexes were written with.
        var interval: Int32
        var segments: [Int64]
        var logStart: Int64
        var logEnd: Int64
        var highWatermark: Int64
        var epochs: [[Int64]]
        var records: [Record]
        /// As in a snapshot: id, epoch, last sequence, last offset, delta, timestamp, coordinator epoch, first offset.
        var producers: [[Int64]]
        /// Producer, first offset, last offset, last stable offset.
        var aborted: [[Int64]]
        var firstUnstable: Int64?
        var topicID: String
        var clean: Bool
        var policy: String
        /// `compacted` where offsets may be missing once the log is closed.
        var tidy: String?
    }

    /// What the script says about a partition's directory.
    struct Summary: Decodable {
        var segments: [Int64]
        var logEnd: Int64
        var epochs: [[Int64]]
        var snapshots: [Int64]
        var records: [Record]
        var producers: [[Int64]]
        var topicID: String?

        /// As the tests' `records()` writes them.
        var lines: [String] { records.map { "\($0.offset)=\($0.value ?? "null")" } }
    }

    /// What the script says about a log directory.
    struct RootSummary: Decodable {
        var partitions: [String: Summary]
        var checkpoints: [String: [String: Int64]]
        var marker: Int64?
    }
}

/// A directory on the operating system's files that goes with the test.
final class GoldenRoot {
    let path = NSTemporaryDirectory() + "swiftkafka-golden-" + UUID().uuidString
    var log: String { path + "/t-0" }

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The tests' clock, queues and randomness over the operating system's files.
    static func runtime(_ world: TestWorld) -> Runtime {
        Runtime(
            clock: world.clock, queues: world.queues, files: DispatchRuntime.makeFileSystem(), network: NoNetwork(),
            random: world.random)
    }

    /// Opens the only log without what a log manager knows.
    func open(
        _ world: TestWorld, clean: Bool, _ configuration: LogConfiguration, recoveryPoint: Int64 = 0
    ) throws -> UnifiedLog {
        var options = LogOpenOptions()
        options.wasCleanShutdown = clean
        options.recoveryPoint = recoveryPoint
        return try UnifiedLog.open(
            directory: log, topicPartition: TestWorld.partition, configuration: configuration,
            runtime: Self.runtime(world), options: options)
    }

    /// Opens everything as a broker does.
    func load(_ world: TestWorld, _ configuration: LogConfiguration) throws -> (LogManager, LogManager.Loaded) {
        let manager = LogManager(
            configuration: LogManagerConfiguration(directories: [path]), runtime: Self.runtime(world),
            observer: world.events)
        try manager.openDirectories()
        let loaded = LogManager.Loaded()
        manager.loadLogs(topicConfiguration: { _ in configuration }) { report in loaded.report = report }
        world.run()
        return (manager, loaded)
    }
}

extension LogManager {
    /// Holds what loading and shutdown reported; written and read on the test's thread.
    final class Loaded: @unchecked Sendable {
        var report: LoadReport?
        var isShutDown = false
    }
}

extension UnifiedLog {
    /// All records of all formats from `offset` on, without control records.
    func goldenRecords(from offset: Int64? = nil) throws -> [GoldenScript.Record] {
        var found: [GoldenScript.Record] = []
        var next = offset ?? logStartOffset
        let start = next
        func add(_ offset: Int64, _ timestamp: Int64, _ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?)
        {
            guard offset >= start else { return }
            found.append(
                GoldenScript.Record(
                    offset: offset, timestamp: timestamp, key: key.map { String(decoding: $0, as: UTF8.self) },
                    value: value.map { String(decoding: $0, as: UTF8.self) }))
        }
        while next < logEndOffset {
            let range = try read(from: next, maxBytes: 1 << 20, isolation: .logEnd, atLeastOne: true)
            guard let file = range.file else { return found }
            let before = next
            try file.readBytes(at: range.position, count: range.count).withUnsafeBytes { bytes in
                var cursor = BatchCursor(bytes)
                while let entry = try cursor.next() {
                    if entry.header.magic < 2 {
                        try LegacyMessageSet.forEachMessage(entry.bytes) {
                            add($0.offset, $0.timestamp, $0.key, $0.value)
                            next = $0.offset + 1
                        }
                        continue
                    }
                    let batch = try RecordBatch(bytes: entry.bytes)
                    try batch.verifyCRC()
                    next = batch.header.nextOffset
                    if batch.header.attributes.isControl { continue }
                    try batch.forEachRecord { add($0.offset, $0.timestamp, $0.key, $0.value) }
                }
            }
            if next == before { return found }
        }
        return found
    }
}
