// SPDX-License-Identifier: Apache-2.0
import CLoad
import Foundation

/// One row of the table: a load, and how long it runs.
struct Workload {
    enum Kind {
        case produce(batch: Int)
        /// From a log of 64 KiB batches.
        case fetch(bytes: Int)
        /// Fetch requests at the log's end, answered at once with nothing.
        case fetchNothing
    }

    static let logBatch = 64 << 10
    static let logBatches: Int64 = 4_096
    /// Written in one run, so that the dirty pages do not come to matter.
    static let bytesMax = 128 << 20

    let name: String
    let kind: Kind
    let connections: Int
    let depth: Int
    var reactors = 1
    /// All connections write to one partition.
    var sharesPartition = false
    /// One small request at a time, of which the time matters.
    var isRoundTrip = false

    /// One partition for each connection when writing; one for all when reading.
    var partitions: Int {
        if case .produce = kind { return sharesPartition ? 1 : min(connections, 16) }
        return 1
    }

    var writes: Bool {
        if case .produce = kind { return true }
        return false
    }

    var needsLog: Bool { !writes }

    func run(port: UInt16, seconds: Double, bytesMax: Int = Self.bytesMax) throws -> load_result {
        var config = load_config()
        config.port = port
        config.partitions = Int32(partitions)
        config.connections = Int32(connections)
        config.depth = Int32(depth)
        config.seconds = seconds
        config.requests_max = .max
        switch kind {
        case .produce(let batch):
            config.kind = Int32(LOAD_PRODUCE.rawValue)
            config.batch_bytes = Int32(batch)
            config.requests_max = Int64(bytesMax / batch)
        case .fetch(let bytes):
            config.kind = Int32(LOAD_FETCH.rawValue)
            config.batch_bytes = Int32(Self.logBatch)
            config.fetch_bytes = Int32(bytes)
            config.log_batches = Self.logBatches
        case .fetchNothing:
            config.kind = Int32(LOAD_FETCH.rawValue)
            config.batch_bytes = Int32(Self.logBatch)
            config.log_batches = Self.logBatches
        }
        return try Self.run(config)
    }

    /// Writes the log that is read afterwards, or tries each partition once.
    func prepare(port: UInt16) throws {
        var config = load_config()
        config.port = port
        config.kind = Int32(LOAD_PRODUCE.rawValue)
        config.partitions = Int32(partitions)
        config.connections = Int32(partitions)
        config.depth = 1
        config.batch_bytes = needsLog ? Int32(Self.logBatch) : 100
        config.seconds = 60
        config.requests_max = needsLog ? Self.logBatches : Int64(partitions)
        _ = try Self.run(config)
    }

    static let topic = "bench"

    private static func run(_ config: load_config) throws -> load_result {
        var config = config
        var result = load_result()
        var message = [CChar](repeating: 0, count: 256)
        let status = topic.withCString { name in
            config.topic = name
            return load_run(&config, &result, &message, message.count)
        }
        guard status == 0 else {
            let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw BenchmarkError(String(decoding: text, as: UTF8.self))
        }
        return result
    }
}

/// What several runs of a workload against one server gave. CPU and latencies are those of the median run: where a virtual
/// machine is given memory by its host page by page, some runs pay for that.
struct Measurement {
    private var runs: [load_result] = []
    /// CPU seconds of each run.
    private var cpu: [Double] = []

    mutating func add(_ workload: Workload, _ server: ServerProcess, seconds: Double) throws {
        let cpuBefore = server.cpuSeconds
        let result = try workload.run(port: server.port, seconds: seconds)
        cpu.append(server.cpuSeconds - cpuBefore)
        runs.append(result)
    }

    var bytes: Double { runs.reduce(0) { $0 + Double($1.bytes) } }
    private var seconds: Double { runs.reduce(0) { $0 + $1.seconds } }

    var megabytesPerSecond: Double { bytes / seconds / 1e6 }
    var requestsPerSecond: Double { runs.reduce(0) { $0 + Double($1.requests) } / seconds }
    var cpuMicroseconds: Double { median(eachCPUMicroseconds) }
    var cpuSecondsPerGigabyte: Double {
        bytes == 0 ? 0 : median(zip(cpu, runs).map { $0 / Double($1.bytes) * 1e9 })
    }
    var p50: Double { median(runs.map(\.p50)) }
    var p99: Double { median(runs.map(\.p99)) }
    var p999: Double { median(runs.map(\.p999)) }

    private var eachCPUMicroseconds: [Double] { zip(cpu, runs).map { $0 / Double($1.requests) * 1e6 } }

    /// How often the other's CPU a request took: the median of the runs, each held against the other's that was made next
    /// to it, because the machine does not stay the same.
    func cpuRatio(to other: Measurement) -> Double {
        median(zip(eachCPUMicroseconds, other.eachCPUMicroseconds).map { $0 / $1 })
    }
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
