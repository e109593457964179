// SPDX-License-Identifier: Apache-2.0
import CLoad
import Foundation

/// What a client sees of the disk: answers that wait for a sync, and a restart after much was written.
enum StorageMeasurement {
    private static let batchBytes = 1 << 10

    static func run(_ options: Options, _ broker: String) throws {
        Report.heading("Storage (through the broker, over loopback)")
        Report.line(
            "| what | unit | broker | machine | broker / machine | p50 µs | p99 µs | what the machine did | goal |")
        Report.line("|---|---|--:|--:|--:|--:|--:|---|---|")
        for connections in [1, 16, 128] {
            let name = "produce 1 KiB, flush.messages=1, \(connections) connection\(connections > 1 ? "s" : "")"
            if options.only.map({ name.contains($0) }) ?? true { try measureSync(name, connections, options, broker) }
        }
        // What the requests themselves cost, which is what the rows above end at however cheap a sync is.
        let unsynced = "produce 1 KiB, no sync, 128 connections"
        if options.only.map({ unsynced.contains($0) }) ?? true {
            try measureSync(unsynced, 128, syncs: false, options, broker)
        }
        for megabytes in [10, 1_000] {
            let name = "restart after a clean stop, \(megabytes) MB"
            if options.only.map({ name.contains($0) }) ?? true { try measureRestart(name, megabytes, broker) }
        }
    }

    // MARK: Syncs

    private static func measureSync(
        _ name: String, _ connections: Int, syncs: Bool = true, _ options: Options, _ broker: String
    ) throws {
        let workload = Workload(
            name: name, kind: .produce(batch: batchBytes), connections: connections, depth: 1, reactors: 2,
            sharesPartition: true)
        let server = try ServerProcess.broker(
            broker, reactors: workload.reactors, properties: syncs ? ["log.flush.interval.messages=1"] : []
        ).server
        try KafkaCall.createTopic(Workload.topic, partitions: 1, port: server.port)
        try retry { try workload.prepare(port: server.port) }
        var ofBroker = Measurement()
        var ofMachine: [Double] = []
        for run in 0..<options.runs {
            if run % 2 == 0 { ofMachine.append(try syncsPerSecond(server.directory, options.seconds)) }
            try ofBroker.add(workload, server, seconds: options.seconds)
            if run % 2 == 1 { ofMachine.append(try syncsPerSecond(server.directory, options.seconds)) }
        }
        let limit = ofMachine.sorted()[ofMachine.count / 2]
        let cells = [
            name, "batches/s", Report.text(ofBroker.requestsPerSecond, 0), Report.text(limit, 0),
            Report.text(ofBroker.requestsPerSecond / limit, 1), Report.text(ofBroker.p50, 0),
            Report.text(ofBroker.p99, 0), "pwrite and fdatasync, one at a time",
            syncs && connections == 128 ? "ratio ≥ 20" : "",
        ]
        Report.line("| " + cells.joined(separator: " | ") + " |")
    }

    /// Writes and syncs as many bytes as a batch has, again and again.
    private static func syncsPerSecond(_ directory: URL, _ seconds: Double) throws -> Double {
        let path = directory.appending(path: "raw").path
        let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o644)
        guard descriptor >= 0 else { throw BenchmarkError("cannot create \(path)") }
        defer {
            close(descriptor)
            unlink(path)
        }
        let bytes = [UInt8](repeating: 0x78, count: batchBytes)
        let begin = load_now()
        var count = 0
        while Double(load_now() - begin) < seconds * 1e9 {
            guard pwrite(descriptor, bytes, bytes.count, off_t(count * bytes.count)) == bytes.count,
                fdatasync(descriptor) == 0
            else { throw BenchmarkError("cannot write \(path)") }
            count += 1
        }
        return Double(count) / (Double(load_now() - begin) / 1e9)
    }

    // MARK: Restart

    private static func measureRestart(_ name: String, _ megabytes: Int, _ broker: String) throws {
        let directory = try ServerProcess.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        var server = try ServerProcess.broker(broker, reactors: 2, directory: directory).server
        try KafkaCall.createTopic(Workload.topic, partitions: 1, port: server.port)
        let fill = Workload(name: name, kind: .produce(batch: 100 << 10), connections: 1, depth: 5)
        try retry { try fill.prepare(port: server.port) }
        for _ in 0..<max(1, megabytes / 256) {
            _ = try fill.run(port: server.port, seconds: 30, bytesMax: min(megabytes, 256) << 20)
        }
        var starts: [Double] = []
        for _ in 0..<5 {
            server.stop()
            let (next, milliseconds) = try ServerProcess.broker(broker, reactors: 2, directory: directory)
            server = next
            starts.append(milliseconds)
        }
        server.stop()
        let cells = [name, "ms", Report.text(starts.sorted()[2], 1), "", "", "", "", "", "does not grow with the data"]
        Report.line("| " + cells.joined(separator: " | ") + " |")
    }
}
