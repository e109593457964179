// SPDX-License-Identifier: Apache-2.0
import CLoad
import Foundation

/// The broker on a directory of its own, which goes with it.
final class BrokerProcess {
    let port: UInt16
    /// Where it serves its metrics.
    let metricsPort: UInt16
    private let process = Process()
    private let directory: URL

    init(_ executable: String) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "swiftkafka-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        port = load_free_port()
        metricsPort = load_free_port()
        let configuration = directory.appending(path: "server.properties")
        try """
        listeners=PLAINTEXT://127.0.0.1:\(port)
        log.dirs=\(directory.appending(path: "data").path)
        group.initial.rebalance.delay.ms=500
        metrics.listener=http://127.0.0.1:\(metricsPort)
        metrics.group.offsets.max=1000000

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

    var cpuSeconds: Double { ProcessFigures.cpuSeconds(process.processIdentifier) }
    var anonymousBytes: Double { ProcessFigures.anonymousBytes(process.processIdentifier) }

    /// The bytes of the records in which groups are kept.
    var groupLogBytes: Int {
        let data = directory.appending(path: "data")
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: data.path)) ?? []
        return folders.filter { $0.hasPrefix("__consumer_offsets-") }.reduce(0) { sum, folder in
            let path = data.appending(path: folder).appending(path: "00000000000000000000.log").path
            let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int
            return sum + (size ?? 0)
        }
    }
}
