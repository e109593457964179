// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The broker on a directory of its own, which goes with it.
final class BrokerProcess {
    let port: UInt16
    private let process = Process()
    private let directory: URL

    init(_ executable: String) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "swiftkafka-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        port = UInt16.random(in: 20_000..<30_000)
        let configuration = directory.appending(path: "server.properties")
        try """
        listeners=PLAINTEXT://127.0.0.1:\(port)
        log.dirs=\(directory.appending(path: "data").path)
        group.initial.rebalance.delay.ms=0

        """.write(to: configuration, atomically: false, encoding: .utf8)
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = [configuration.path]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        for _ in 0..<5_000 {
            if (try? Client(port: port)) != nil { return }
            guard process.isRunning else { break }
            usleep(2_000)
        }
        throw BenchmarkError("the broker does not answer")
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: directory)
    }

    /// CPU time used so far, in seconds.
    var cpuSeconds: Double {
        guard
            let text = try? String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return 0 }
        let fields = text[end...].split(separator: " ")
        return (Double(fields[12]) ?? 0) / 100 + (Double(fields[13]) ?? 0) / 100
    }

    /// Resident memory in MB.
    var residentMegabytes: Double {
        let text =
            (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) } ?? 0) / 1_024
    }
}
