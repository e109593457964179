// SPDX-License-Identifier: Apache-2.0
import Foundation

// Measures the library KafkaStorage in this process, each figure beside what the machine does for the same bytes without
// it, in the same run: plain pwrite, pread, fdatasync, a checksum over a file, a walk through a directory.
//
//   bench-storage [--seconds 0.3] [--runs 5] [--only <part of a row's name>] [--directory <where to write>]

struct BenchmarkError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

struct Options: Sendable {
    /// Of each run of a pair.
    var seconds = 0.3
    var runs = 5
    var only: String?
    var directory = NSTemporaryDirectory()
    /// Set in the process that opens a directory, so that its memory is its own.
    var openDirectory: String?

    init(_ arguments: [String]) throws {
        var rest = arguments.dropFirst()
        while let name = rest.popFirst() {
            guard let value = rest.popFirst() else { throw BenchmarkError("\(name) needs a value") }
            switch name {
            case "--seconds": seconds = Double(value) ?? seconds
            case "--runs": runs = max(1, Int(value) ?? runs)
            case "--only": only = value
            case "--directory": directory = value
            case "--open": openDirectory = value
            // Given by Benchmarks/run to all parts.
            case "--broker": break
            default: throw BenchmarkError("unknown option \(name)")
            }
        }
    }

    func wants(_ name: String) -> Bool { only.map { name.contains($0) } ?? true }
}

do {
    let options = try Options(CommandLine.arguments)
    if let directory = options.openDirectory {
        try OpenBenchmark.openInThisProcess(directory)
    } else {
        Table.heading("Storage (library, one process)")
        try AppendBenchmark.run(options)
        try SyncBenchmark.run(options)
        try ReadBenchmark.run(options)
        try RecoveryBenchmark.run(options)
        try CleanerBenchmark.run(options)
        try OpenBenchmark.run(options)
    }
} catch {
    FileHandle.standardError.write(Data("bench-storage: \(error)\n".utf8))
    exit(1)
}
