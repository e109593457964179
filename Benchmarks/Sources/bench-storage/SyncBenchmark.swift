// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaStorage
import Synchronization

/// Producers that wait until their batch is on disk before they send the next (`flush.messages=1`), each a thread.
enum SyncBenchmark {
    static func run(_ options: Options) throws {
        for producers in [1, 16, 128] {
            let name = "append and sync, 1 KiB, \(producers) producer\(producers > 1 ? "s" : "")"
            guard options.wants(name) else { continue }
            let batch = try SampleLog.batch(1 << 10)
            let result = try paired(options.runs) {
                let scratch = try Scratch(options)
                return try rate(producers, batch, SampleLog.open(scratch.path), seconds: options.seconds * 2)
            } _: {
                let scratch = try Scratch(options)
                return try Machine.sync(batch, in: scratch.path, seconds: options.seconds * 2)
            }
            Table.row(
                name, unit: "batches/s", result.storage, limit: result.machine, "pwrite and fdatasync, one at a time",
                goal: producers == 128 ? "ratio ≥ 20" : "")
        }
    }

    private static func rate(
        _ producers: Int, _ batch: [UInt8], _ log: UnifiedLog, seconds: Double
    ) throws -> Double {
        let total = Mutex(0)
        let failure = Mutex<String?>(nil)
        let finished = DispatchSemaphore(value: 0)
        let begin = now()
        for _ in 0..<producers {
            let thread = Thread {
                var bytes = batch
                var count = 0
                let group = WriteGroup()
                do {
                    while now() - begin < seconds {
                        _ = try log.appendAsLeader(
                            &bytes, leaderEpoch: 0, now: SampleLog.wallMilliseconds, group: group)
                        if let failure = group.flush().first { throw failure.error }
                        count += 1
                    }
                } catch {
                    failure.withLock { $0 = "\(error)" }
                }
                total.withLock { $0 += count }
                finished.signal()
            }
            thread.stackSize = 256 << 10
            thread.start()
        }
        for _ in 0..<producers { finished.wait() }
        if let failure = failure.withLock({ $0 }) { throw BenchmarkError(failure) }
        return Double(total.withLock { $0 }) / (now() - begin)
    }
}
