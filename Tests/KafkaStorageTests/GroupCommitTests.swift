// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Foundation
import KafkaRuntime
import Synchronization
import Testing

@testable import KafkaStorage

/// Many threads that wait for syncs of one log.
@Suite struct GroupCommitTests {
    /// A log whose syncs the test holds up, and the threads that wait for them.
    private final class Scene: Sendable {
        let world = TestWorld()
        let syncs: SlowSyncs
        let log: UnifiedLog
        private let threads = DispatchGroup()
        private let outcomes = Mutex<[Result<Int64, StorageError>]>([])

        init() throws {
            syncs = SlowSyncs(world.files)
            let runtime = Runtime(
                clock: world.clock, queues: world.queues, files: syncs, network: NoNetwork(), random: world.random)
            log = try UnifiedLog.open(
                directory: "/data/t-0", topicPartition: TestWorld.partition, configuration: LogConfiguration(),
                runtime: runtime)
        }

        @discardableResult
        func append(_ count: Int = 1) throws -> Int64 {
            for _ in 0..<count { _ = try appendOne() }
            return log.logEndOffset
        }

        /// The end of a batch of this thread.
        func appendOne(_ group: WriteGroup? = nil) throws -> Int64 {
            var batch = try TestBatches.batch(["a"])
            return try log.appendAsLeader(&batch, leaderEpoch: 0, now: TestBatches.time, group: group).lastOffset + 1
        }

        /// On a thread of its own.
        func begin(_ body: @escaping @Sendable (UnifiedLog) throws(StorageError) -> Int64) {
            let thread = DispatchQueue(label: "waiter")
            thread.async(group: threads) {
                let result = Result { () throws(StorageError) in try body(self.log) }
                self.outcomes.withLock { $0.append(result) }
            }
        }

        func flush(upTo offset: Int64, threads count: Int = 1) {
            for _ in 0..<count { begin { (log) throws(StorageError) in try log.flush(upTo: offset) } }
        }

        /// Starts a sync and returns while it is under way.
        func beginHeldSync() throws {
            syncs.hold()
            flush(upTo: try append())
            until("a sync is under way") { syncs.isHolding }
        }

        func untilWaiting(_ count: Int) { until("\(count) wait") { log.syncTurn.waitingCount == count } }

        func until(_ what: String, _ holds: () -> Bool) {
            for _ in 0..<10_000 where !holds() { usleep(1_000) }
            #expect(holds(), "never: \(what)")
        }

        /// Lets the syncs go on; what each thread got.
        func finish() -> [Result<Int64, StorageError>] {
            syncs.release()
            #expect(threads.wait(timeout: .now() + 20) == .success, "somebody waits for ever")
            return outcomes.withLock { $0 }
        }
    }

    /// - Parameter isGrouped: each thread appends through a group of its own, which it flushes.
    @Test(arguments: [false, true])
    func `whoever returns has seen a sync that began after its append`(isGrouped: Bool) throws {
        let scene = try Scene()
        let (threads, rounds) = (24, 60)
        let batchBytes = Int64(try TestBatches.batch(["a"]).count)
        let violations = Mutex<[String]>([])
        for _ in 0..<threads {
            scene.begin { (log) throws(StorageError) in
                let group = isGrouped ? WriteGroup() : nil
                for _ in 0..<rounds {
                    guard let end = try? scene.appendOne(group) else { return -1 }
                    if let failure = group?.flush().first { throw failure.error }
                    let point = isGrouped ? log.recoveryPoint : try log.flush(upTo: end)
                    let covered = scene.syncs.covered
                    if point < end || covered < end * batchBytes {
                        violations.withLock { $0.append("\(point) and \(covered) bytes for \(end)") }
                    }
                }
                return 0
            }
        }
        #expect(try scene.finish().map { try $0.get() } == Array(repeating: 0, count: threads))
        #expect(violations.withLock { $0 } == [])
        #expect(scene.log.recoveryPoint == Int64(threads * rounds))
    }

    @Test func `all who come during a sync share the next`() throws {
        let scene = try Scene()
        try scene.beginHeldSync()
        let end = try scene.append(30)
        for offset in 2...end { scene.flush(upTo: offset) }
        scene.untilWaiting(30)
        let outcomes = scene.finish()
        #expect(scene.syncs.begunCount == 2)
        #expect(try outcomes.map { try $0.get() }.sorted() == [1] + Array(repeating: 31, count: 30))
    }

    @Test func `a failed sync is told to everybody it was for, and nobody tries again`() throws {
        let scene = try Scene()
        try scene.beginHeldSync()
        scene.flush(upTo: try scene.append(), threads: 12)
        scene.untilWaiting(12)
        scene.syncs.fail(2)
        let outcomes = scene.finish()
        let failures = outcomes.compactMap { outcome -> StorageError? in
            if case .failure(let error) = outcome { error } else { nil }
        }
        #expect(failures.count == 12 && outcomes.count == 13)
        #expect(failures.allSatisfy { if case .io = $0 { true } else { false } })
        #expect(scene.log.failure != nil && scene.log.recoveryPoint == 1)
        #expect(throws: StorageError.self) { try scene.log.flush() }
        #expect(scene.syncs.begunCount == 2)
    }

    @Test func `those who wait behind a failed sync are told that the log is out of service`() throws {
        let scene = try Scene()
        scene.syncs.fail(1)
        try scene.beginHeldSync()
        scene.flush(upTo: try scene.append(), threads: 4)
        scene.untilWaiting(4)
        let outcomes = scene.finish()
        let kinds = outcomes.map { outcome in
            switch outcome {
            case .failure(.io): "io"
            case .failure(.offline): "offline"
            default: "\(outcome)"
            }
        }
        #expect(kinds.sorted() == ["io"] + Array(repeating: "offline", count: 4))
        #expect(scene.syncs.begunCount == 1 && scene.log.recoveryPoint == 0)
    }

    @Test func `what is cut off while it waits is not vouched for`() throws {
        let scene = try Scene()
        try scene.append(5)
        try scene.log.flush()
        try scene.beginHeldSync()
        let end = try scene.append(4)
        scene.flush(upTo: end, threads: 5)
        scene.untilWaiting(5)
        try scene.log.truncate(to: 3)
        let outcomes = scene.finish()
        #expect(try outcomes.map { try $0.get() } == Array(repeating: 3, count: 6))
        #expect(scene.log.recoveryPoint == 3)
        #expect(try scene.append() == 4)
        #expect(scene.log.recoveryPoint == 3)
    }

    @Test func `a log that is closed while many wait is synced for all of them`() throws {
        let scene = try Scene()
        try scene.beginHeldSync()
        let end = try scene.append(7)
        scene.flush(upTo: end, threads: 6)
        scene.untilWaiting(6)
        scene.begin { (log) throws(StorageError) in
            try log.close()
            return log.recoveryPoint
        }
        scene.untilWaiting(7)
        let outcomes = scene.finish()
        #expect(try outcomes.map { try $0.get() }.sorted() == [1] + Array(repeating: end, count: 7))
        #expect(throws: StorageError.self) { try scene.log.flush() }
        scene.world.crash()
        #expect(try scene.world.open().records().count == Int(end))
    }

    @Test func `an offset beyond the end asks for what there is`() throws {
        let scene = try Scene()
        try scene.append(3)
        #expect(try scene.log.flush(upTo: 100) == 3)
        try scene.beginHeldSync()
        scene.flush(upTo: 1_000, threads: 3)
        scene.flush(upTo: .max)
        scene.untilWaiting(4)
        #expect(try scene.finish().map { try $0.get() } == Array(repeating: 4, count: 5))
    }

    @Test func `an offset that is durable waits for nobody`() throws {
        let scene = try Scene()
        try scene.append(3)
        try scene.log.flush()
        try scene.beginHeldSync()
        let returned = DispatchSemaphore(value: 0)
        scene.begin { (log) throws(StorageError) in
            defer { returned.signal() }
            return try log.flush(upTo: 3)
        }
        #expect(returned.wait(timeout: .now() + 10) == .success)
        #expect(scene.syncs.isHolding)
        #expect(try scene.finish().map { try $0.get() }.sorted() == [3, 4])
    }

    @Test func `batches that wait to be written go with the sync`() throws {
        let scene = try Scene()
        try scene.beginHeldSync()
        let group = WriteGroup()
        var batch = try TestBatches.batch(["b"])
        _ = try scene.log.appendAsLeader(&batch, leaderEpoch: 0, now: TestBatches.time, group: group)
        scene.flush(upTo: 2)
        scene.untilWaiting(1)
        #expect(try scene.finish().map { try $0.get() }.sorted() == [1, 2])
        #expect(group.commit().isEmpty)
        scene.world.crash()
        #expect(try scene.world.open().records() == ["0=a", "1=b"])
    }

    @Test func `nobody syncs while the turn is held for something else`() throws {
        let scene = try Scene()
        let end = try scene.append()
        let held = DispatchSemaphore(value: 0)
        let goOn = DispatchSemaphore(value: 0)
        scene.begin { (log) throws(StorageError) in
            try log.syncTurn.hold { () throws(StorageError) in
                held.signal()
                goOn.wait()
            }
            return 0
        }
        held.wait()
        scene.flush(upTo: end, threads: 3)
        scene.untilWaiting(3)
        #expect(scene.syncs.begunCount == 0)
        goOn.signal()
        #expect(try scene.finish().map { try $0.get() }.sorted() == [0, 1, 1, 1])
        #expect(scene.syncs.begunCount == 1)
    }

    @Test func `a write that fails is told to all whose batches it took back, and to nobody else`() throws {
        let scene = try Scene()
        try scene.beginHeldSync()
        for _ in 0..<6 {
            scene.begin { (_) throws(StorageError) in
                let group = WriteGroup()
                guard let end = try? scene.appendOne(group) else { return -1 }
                if let failure = group.flush().first { throw failure.error }
                return end
            }
        }
        scene.untilWaiting(6)
        scene.world.files.setFault { _, operation, path in
            operation == .write && path.hasSuffix(".log") ? .noSpace : nil
        }
        let outcomes = scene.finish()
        scene.world.files.setFault(nil)
        #expect(outcomes.compactMap { try? $0.get() } == [1])
        #expect(outcomes.count == 7 && scene.log.failure == nil && scene.log.logEndOffset == 1)
        #expect(try scene.append() == 2)
        #expect(try scene.log.flush() == 2)
    }

    @Test func `a thread serves a few rounds of others, then passes the turn on`() throws {
        let scene = try Scene()
        try scene.beginHeldSync()
        // While one round is synced the next one comes, more often than one thread serves.
        for round in 1...8 {
            scene.flush(upTo: try scene.append(), threads: 2)
            scene.untilWaiting(2)
            scene.syncs.letOneGo()
            scene.until("sync \(round + 1) is under way") { scene.syncs.begunCount == round + 1 }
        }
        #expect(try scene.finish().map { try $0.get() }.sorted() == [1] + (2...9).flatMap { [$0, $0] })
        let threads = scene.syncs.threads
        #expect(threads.count == 9)
        // The first serves three rounds besides its own; then it is one of the others.
        #expect(Set(threads[0...3]).count == 1)
        #expect(threads[4] != threads[0])
        #expect(Set(threads[4...7]).count == 1)
        #expect(threads[8] != threads[4])
    }
}
