// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaStorage
import Synchronization

/// Compaction with the default buffer for keys, of logs in which each key was written ten times.
enum CleanerBenchmark {
    static func run(_ options: Options) throws {
        let rows = [
            ("cleaner, 250,000 records of 1 KiB, 25,000 keys", 250_000, 25_000, 1_000, 16, 3),
            ("cleaner, 10 million records of 100 bytes, 1 million keys", 10_000_000, 1_000_000, 85, 150, 1),
        ]
        for (name, records, keys, valueSize, perBatch, runs) in rows where options.wants(name) {
            var (ours, limits): ([Double], [Double]) = ([], [])
            for _ in 0..<min(runs, options.runs) {
                let scratch = try Scratch(options)
                let logs = try load(scratch.path)
                let log = try fill(logs, records: records, keys: keys, valueSize: valueSize, perBatch: perBatch)
                let size = Double(log.size)
                let read = try Machine.checksum(SampleLog.file(scratch.path))
                let cleaner = LogCleaner(
                    configuration: LogCleanerConfiguration(), logs: logs, runtime: SampleLog.runtime)
                let begin = now()
                guard let statistics = try cleaner.clean(log) else { throw BenchmarkError("nothing was cleaned") }
                ours.append(size / (now() - begin) / 1e6)
                guard statistics.keys == keys, statistics.recordsRetained == keys else {
                    throw BenchmarkError("the cleaner kept \(statistics.recordsRetained) of \(keys) keys")
                }
                let write = try Machine.write(
                    [UInt8](repeating: 0, count: 512 << 10), in: scratch.path, seconds: 10,
                    limit: Int(statistics.bytesWritten))
                limits.append(size / (2 * size / read + Double(statistics.bytesWritten) / write))
                logs.abandon()
            }
            Table.row(
                name, unit: "MB/s", median(ours), limit: median(limits),
                "pread and CRC-32C twice, pwrite of what stays")
        }
    }

    private static func load(_ path: String) throws -> LogManager {
        let logs = LogManager(
            configuration: LogManagerConfiguration(directories: [path]), runtime: SampleLog.runtime)
        try logs.openDirectories()
        let finished = DispatchSemaphore(value: 0)
        logs.loadLogs(topicConfiguration: { _ in LogConfiguration() }) { _ in finished.signal() }
        finished.wait()
        return logs
    }

    private static func fill(
        _ logs: LogManager, records: Int, keys: Int, valueSize: Int, perBatch: Int
    ) throws -> UnifiedLog {
        var configuration = LogConfiguration()
        configuration.cleanupPolicy = .compact
        configuration.segmentBytes = .max
        let log = try logs.createLog(for: SampleLog.partition, configuration: configuration)
        let value = [UInt8](repeating: 0x78, count: valueSize)
        let now = SampleLog.wallMilliseconds
        var next = 0
        while next < records {
            var builder = RecordBatchBuilder(capacity: perBatch * (valueSize + 32))
            for number in next..<min(next + perBatch, records) {
                // Neighbours in the log are not neighbours among the keys.
                var key = UInt64(number % keys) &* 0x9E37_79B9_7F4A_7C15
                try value.withUnsafeBytes { value in
                    try withUnsafeBytes(of: &key) { key in
                        try builder.append(timestamp: now, key: key, value: value)
                    }
                }
            }
            var batch = try builder.finish()
            _ = try log.appendAsLeader(&batch, leaderEpoch: 0, now: now)
            next += perBatch
        }
        log.updateHighWatermark(log.logEndOffset)
        try log.roll()
        return log
    }
}
