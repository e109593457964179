// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaStorage
import Synchronization

/// Opening a directory of many partitions, and of much data, in a process of its own each time.
enum OpenBenchmark {
    /// What the process that opens prints, in its order.
    private struct Figures: Codable {
        var seconds: Double
        /// The time for listing the directories and asking each file's status.
        var walkSeconds: Double
        var residentMegabytes: Double
        var anonymousMegabytes: Double
        var descriptors: Int
    }

    static func run(_ options: Options) throws {
        for count in [1_000, 10_000] where options.wants("open \(count) partitions") {
            let scratch = try Scratch(options)
            try makePartitions(count, in: scratch.path)
            for isClean in [true, false] {
                let name = "open \(count) partitions, \(isClean ? "clean" : "unclean")"
                try measure(name, scratch.path, isClean: isClean, goal: count == 1_000 ? "≤ 200 ms" : "")
            }
        }
        for megabytes in [10, 1_000] where options.wants("open \(megabytes) MB") {
            let scratch = try Scratch(options)
            try SampleLog.filled(scratch.path, bytes: megabytes << 20, batchSize: 128 << 10).close()
            try leave(scratch.path, ["bench 0 0"])
            try measure("open \(megabytes) MB in one partition, clean", scratch.path, isClean: true)
        }
    }

    private static func measure(_ name: String, _ path: String, isClean: Bool, goal: String = "") throws {
        let marker = path + "/.kafka_cleanshutdown"
        var found: [Figures] = []
        for _ in 0..<3 {
            // Loading removes it; without it the logs are checked.
            if isClean {
                try #"{"version":0,"brokerEpoch":1}"#.write(toFile: marker, atomically: false, encoding: .utf8)
            } else {
                try? FileManager.default.removeItem(atPath: marker)
            }
            found.append(try openInChild(path))
        }
        let figures = found.sorted { $0.seconds < $1.seconds }[1]
        Table.row(
            name, unit: "ms", figures.seconds * 1e3, limit: figures.walkSeconds * 1e3, "list and stat of every file",
            goal: goal)
        Table.row(name + ": anonymous memory", unit: "MB", figures.anonymousMegabytes, limit: nil)
        Table.row(name + ": open descriptors", unit: "", Double(figures.descriptors), limit: nil)
    }

    // MARK: Directories

    /// Partitions with one small batch each, copied from one that the library closed.
    private static func makePartitions(_ count: Int, in path: String) throws {
        let first = path + "/bench-0"
        try SampleLog.filled(path, bytes: 1 << 10, batchSize: 1 << 10).close()
        let files = try FileManager.default.contentsOfDirectory(atPath: first)
        let contents = try files.map { try Data(contentsOf: URL(fileURLWithPath: first + "/" + $0)) }
        for number in 1..<count {
            let directory = path + "/bench-\(number)"
            mkdir(directory, 0o755)
            for (name, content) in zip(files, contents) {
                let descriptor = open(directory + "/" + name, O_WRONLY | O_CREAT, 0o644)
                content.withUnsafeBytes { _ = write(descriptor, $0.baseAddress, $0.count) }
                close(descriptor)
            }
        }
        try leave(path, (0..<count).map { "bench \($0) 0" })
    }

    private static func leave(_ path: String, _ recoveryPoints: [String]) throws {
        try "0\n\(recoveryPoints.count)\n\(recoveryPoints.joined(separator: "\n"))\n".write(
            toFile: path + "/recovery-point-offset-checkpoint", atomically: false, encoding: .utf8)
    }

    // MARK: The process that opens

    private static func openInChild(_ path: String) throws -> Figures {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
        process.arguments = ["--open", path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw BenchmarkError("opening \(path) failed") }
        return try JSONDecoder().decode(Figures.self, from: bytes)
    }

    static func openInThisProcess(_ path: String) throws {
        let walkSeconds = walk(path)
        let before = Process.megabytes("RssAnon")
        let begin = now()
        let logs = LogManager(
            configuration: LogManagerConfiguration(directories: [path]), runtime: SampleLog.runtime)
        try logs.openDirectories()
        let finished = DispatchSemaphore(value: 0)
        let failures = Mutex<[String]>([])
        logs.loadLogs(topicConfiguration: { _ in LogConfiguration() }) { report in
            failures.withLock { $0 = report.failedLogs.map { "\($0)" } + report.failedDirectories.map { "\($0)" } }
            finished.signal()
        }
        finished.wait()
        let seconds = now() - begin
        if let first = failures.withLock({ $0.first }) { throw BenchmarkError(first) }
        let figures = Figures(
            seconds: seconds, walkSeconds: walkSeconds, residentMegabytes: Process.megabytes("VmRSS"),
            anonymousMegabytes: Process.megabytes("RssAnon") - before,
            descriptors: (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0)
        FileHandle.standardOutput.write(try JSONEncoder().encode(figures))
        logs.abandon()
    }

    /// How long listing the partitions and asking each file's status takes.
    private static func walk(_ path: String) -> Double {
        let begin = now()
        var status = stat()
        for partition in names(path) where partition.hasPrefix("bench-") {
            let directory = path + "/" + partition
            for file in names(directory) { lstat(directory + "/" + file, &status) }
        }
        return now() - begin
    }

    private static func names(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            found.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return found
    }
}
