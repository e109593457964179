// SPDX-License-Identifier: Apache-2.0
import KafkaStorage

/// Opening a log that was not closed, all of whose batches must be checked.
enum RecoveryBenchmark {
    private static let logBytes = 512 << 20

    static func run(_ options: Options) throws {
        for size in [1, 16, 128] {
            let name = "recovery, batches of \(size) KiB"
            guard options.wants(name) else { continue }
            let scratch = try Scratch(options)
            try SampleLog.filled(scratch.path, bytes: logBytes, batchSize: size << 10).close()
            let result = try paired(min(options.runs, 3)) {
                let begin = now()
                let log = try SampleLog.open(scratch.path, clean: false)
                let seconds = now() - begin
                defer { try? log.close() }
                return Double(log.size) / seconds / 1e6
            } _: {
                try Machine.checksum(SampleLog.file(scratch.path))
            }
            Table.row(name, unit: "MB/s", result.storage, limit: result.machine, "pread and CRC-32C of the file")
        }
    }
}
