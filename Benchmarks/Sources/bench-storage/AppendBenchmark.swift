// SPDX-License-Identifier: Apache-2.0
import KafkaStorage

/// Appends without a sync: everything a produced batch goes through in the log, beside a bare `pwrite` of it.
enum AppendBenchmark {
    /// Little enough that the kernel does not begin to write back in the middle of a run.
    private static let bytesMax = 192 << 20

    static func run(_ options: Options) throws {
        for size in [1, 16, 128] {
            let name = "append, batches of \(size) KiB, no sync"
            guard options.wants(name) else { continue }
            let batch = try SampleLog.batch(size << 10)
            let result = try paired(options.runs) {
                let scratch = try Scratch(options)
                let log = try SampleLog.open(scratch.path)
                var bytes = batch
                let now = SampleLog.wallMilliseconds
                var failure: (any Error)?
                let rate = Machine.measure(options.seconds, bytesMax / batch.count) { _ in
                    do { return try SampleLog.append(&bytes, to: log, now: now).byteCount } catch { failure = error }
                    return 0
                }
                if let failure { throw failure }
                return rate
            } _: {
                let scratch = try Scratch(options)
                return try Machine.write(batch, in: scratch.path, seconds: options.seconds, limit: bytesMax)
            }
            Table.row(name, unit: "MB/s", result.storage, limit: result.machine, "pwrite")
        }
    }
}
