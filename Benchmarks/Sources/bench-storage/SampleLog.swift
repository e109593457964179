// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import Foundation
import KafkaStorage

/// Logs and batches to measure with.
enum SampleLog {
    static let runtime = DispatchRuntime.makeStorageRuntime()
    static let partition = TopicPartition(topic: "bench", partition: 0)

    static var wallMilliseconds: Int64 { runtime.clock.wallMilliseconds }

    /// An uncompressed batch of about `size` bytes, with a record for each KiB.
    static func batch(_ size: Int) throws -> [UInt8] {
        var builder = RecordBatchBuilder(capacity: size)
        let records = max(1, size / 1024)
        let value = [UInt8](repeating: 0x78, count: (size - 61) / records - 16)
        for _ in 0..<records {
            try builder.append(timestamp: wallMilliseconds, key: Array("key".utf8), value: value)
        }
        return try builder.finish()
    }

    static func open(
        _ directory: String, clean: Bool = true, _ configuration: LogConfiguration = LogConfiguration()
    ) throws -> UnifiedLog {
        var options = LogOpenOptions()
        options.wasCleanShutdown = clean
        return try UnifiedLog.open(
            directory: directory + "/bench-0", topicPartition: partition, configuration: configuration,
            runtime: runtime, options: options)
    }

    /// Appends `batch`, whose offsets are written into it each time.
    static func append(_ batch: inout [UInt8], to log: UnifiedLog, now: Int64) throws -> AppendInfo {
        try log.appendAsLeader(&batch, leaderEpoch: 0, now: now)
    }

    /// A log of `bytes` in batches of `batchSize`.
    static func filled(_ directory: String, bytes: Int, batchSize: Int) throws -> UnifiedLog {
        let log = try open(directory)
        var batch = try batch(batchSize)
        let now = wallMilliseconds
        for _ in 0..<(bytes / batch.count) { _ = try append(&batch, to: log, now: now) }
        return log
    }

    static func file(_ directory: String) -> String { directory + "/bench-0/00000000000000000000.log" }
}
