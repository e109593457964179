// SPDX-License-Identifier: Apache-2.0
import Dispatch
import DispatchRuntime
import Foundation
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Synchronization
import Testing

@testable import KafkaStorage

/// Many threads at one log, on the operating system's files.
@Suite struct ConcurrencyTests {
    @Test func `appends, reads, syncs and lookups at once see one log`() throws {
        let directory = NSTemporaryDirectory() + "swiftkafka-threads-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let world = TestWorld()
        let runtime = Runtime(
            clock: world.clock, queues: DispatchRuntime.makeQueues(blockingThreads: 2),
            files: DispatchRuntime.makeFileSystem(), network: NoNetwork(), random: world.random)
        var configuration = LogConfiguration()
        configuration.segmentBytes = 20_000
        configuration.indexIntervalBytes = 500
        let log = try UnifiedLog.open(
            directory: directory, topicPartition: TestWorld.partition, configuration: configuration, runtime: runtime)
        let writers = 3
        let perWriter = 2000
        let failures = Mutex<[String]>([])
        let written = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 6) { worker in
            do {
                if worker < writers {
                    try write(log, worker, perWriter, written)
                } else {
                    try look(log, worker, until: { written.load(ordering: .relaxed) == writers })
                }
            } catch {
                failures.withLock { $0.append("worker \(worker): \(error)") }
                if worker < writers { written.add(1, ordering: .relaxed) }
            }
        }
        #expect(failures.withLock { $0 } == [])
        let records = try log.records()
        #expect(records.count == writers * perWriter)
        for worker in 0..<writers {
            let mine = records.compactMap { record -> String? in
                let value = record.split(separator: "=")[1]
                return value.hasPrefix("\(worker).") ? String(value) : nil
            }
            #expect(mine == (0..<perWriter).map { "\(worker).\($0)" })
        }
        try log.close()
        let again = try UnifiedLog.open(
            directory: directory, topicPartition: TestWorld.partition, configuration: configuration, runtime: runtime)
        #expect(try again.records() == records)
    }

    /// Appends numbered batches of an idempotent producer, in groups of three.
    private func write(_ log: UnifiedLog, _ worker: Int, _ count: Int, _ done: borrowing Atomic<Int>) throws {
        let group = WriteGroup()
        for number in 0..<count {
            var batch = try TestBatches.batch(
                ["\(worker).\(number)"], producer: (Int64(worker), 0, Int32(number)))
            let info = try batch.withUnsafeMutableBytes {
                try log.appendAsLeader($0, leaderEpoch: 1, now: TestBatches.time, group: group)
            }
            if number % 3 == 2 || number == count - 1 {
                if let failure = group.commit().first { throw failure.error }
                log.updateHighWatermark(info.lastOffset + 1)
            }
        }
        done.add(1, ordering: .relaxed)
    }

    /// Reads from random places, looks up timestamps, syncs and rolls.
    private func look(_ log: UnifiedLog, _ worker: Int, until isDone: () -> Bool) throws {
        let random = SeededRandom(seed: UInt64(worker))
        while !isDone() {
            let end = log.highWatermark
            if end > 0 {
                let offset = random.below(end)
                let records = try log.records(from: offset, maxBytes: 2000, isolation: .highWatermark)
                guard records.first?.hasPrefix("\(offset)=") == true else {
                    throw StorageError.kafka(.unknownServerError, "read \(records.first ?? "nothing") at \(offset)")
                }
            }
            switch random.below(8) {
            case 0: try log.flush()
            case 1: _ = try log.offset(forTimestamp: TestBatches.time)
            case 2: try log.roll()
            default: break
            }
        }
    }
}
