// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Synchronization
import Testing

@testable import KafkaStorage

@Suite struct UnifiedLogTests {
    @Test func `appends get dense offsets and are read back`() throws {
        let world = TestWorld()
        let log = try world.open()
        let first = try log.append(TestBatches.batch(["a", "b"]))
        #expect(first.firstOffset == 0)
        #expect(first.lastOffset == 1)
        let second = try log.append(TestBatches.batch(["c"]))
        #expect(second.firstOffset == 2)
        #expect(log.logEndOffset == 3)
        #expect(try log.records() == ["0=a", "1=b", "2=c"])
        #expect(try log.records(from: 1) == ["1=b", "2=c"])
    }

    @Test func `readers see no more than their isolation allows`() throws {
        let world = TestWorld()
        let log = try world.open()
        for value in ["a", "b", "c"] { try log.append(TestBatches.batch([value])) }
        #expect(try log.records(isolation: .highWatermark) == [])
        log.updateHighWatermark(2)
        #expect(try log.records(isolation: .highWatermark) == ["0=a", "1=b"])
        #expect(try log.records(isolation: .lastStable) == ["0=a", "1=b"])
        #expect(try log.records(isolation: .logEnd) == ["0=a", "1=b", "2=c"])
        #expect(log.updateHighWatermark(99) == 3)
    }

    @Test func `reads outside of the log are refused`() throws {
        let world = TestWorld()
        let log = try world.open()
        try log.append(TestBatches.batch(["a", "b"]))
        log.updateHighWatermark(2)
        try log.incrementLogStartOffset(to: 1)
        #expect(throws: StorageError.self) {
            _ = try log.read(from: 0, maxBytes: 10, isolation: .logEnd, atLeastOne: true)
        }
        #expect(throws: StorageError.self) {
            _ = try log.read(from: 3, maxBytes: 10, isolation: .logEnd, atLeastOne: true)
        }
        #expect(try log.read(from: 2, maxBytes: 10, isolation: .logEnd, atLeastOne: true).count == 0)
    }

    @Test func `one sync covers all that was appended before it`() throws {
        let world = TestWorld()
        let log = try world.open()
        for value in ["a", "b", "c"] { try log.append(TestBatches.batch([value])) }
        let syncs = Mutex(0)
        world.files.setFault { _, operation, _ in
            if operation == .sync { syncs.withLock { $0 += 1 } }
            return nil
        }
        #expect(try log.flush(upTo: 1) == 3)
        let first = syncs.withLock { $0 }
        #expect(first > 0)
        #expect(try log.flush(upTo: 3) == 3)
        #expect(syncs.withLock { $0 } == first)
        try log.append(TestBatches.batch(["d"]))
        #expect(try log.flush(upTo: 3) == 3)
        #expect(syncs.withLock { $0 } == first, "nobody asked for the last one")
        #expect(try log.flush(upTo: 4) == 4)
        #expect(syncs.withLock { $0 } == first + 1)
    }

    @Test func `the indexes of a rolled segment are synced though its batches were before`() throws {
        let world = TestWorld()
        let log = try world.open()
        try log.append(TestBatches.batch(["a"]))
        try log.flush()
        try log.roll()
        let synced = Mutex<[String]>([])
        world.files.setFault { _, operation, path in
            if operation == .sync { synced.withLock { $0.append(path) } }
            return nil
        }
        world.run()
        #expect(synced.withLock { $0 }.contains { $0.hasSuffix("0.index") })
    }

    @Test func `survives a clean close`() throws {
        let world = TestWorld()
        let log = try world.open()
        for value in ["a", "b", "c"] { try log.append(TestBatches.batch([value])) }
        try log.close()
        let again = try world.open(clean: true)
        #expect(again.logEndOffset == 3)
        #expect(try again.records() == ["0=a", "1=b", "2=c"])
        try again.append(TestBatches.batch(["d"]))
        #expect(try again.records(from: 2) == ["2=c", "3=d"])
    }

    @Test func `rolls when the segment is full and reads across segments`() throws {
        let world = TestWorld()
        var configuration = LogConfiguration()
        configuration.segmentBytes = 1000
        let log = try world.open("/data/t-0", configuration)
        for _ in 0..<10 { try log.append(TestBatches.sized(300)) }
        #expect(log.segmentCount == 4)
        #expect(try log.records().count == 10)
        world.run()
        #expect(log.recoveryPoint == 9)
        try log.close()
        let again = try world.open("/data/t-0", configuration, clean: true)
        #expect(try again.records().count == 10)
        #expect(again.segmentCount == 4)
    }
}

extension UnifiedLogTests {
    @Test func `few segments keep their files open, however many are read`() throws {
        let world = TestWorld()
        var configuration = LogConfiguration()
        configuration.segmentBytes = 300
        let log = try world.open("/data/t-0", configuration)
        for _ in 0..<40 { try log.append(TestBatches.sized(150)) }
        #expect(log.segmentCount == 20)
        for offset in Int64(0)..<40 { #expect(try log.records(from: offset).count == Int(40 - offset)) }
        #expect(try log.offset(forTimestamp: 0)?.offset == 0)
        let open = log.state.withLock { $0.segments.filter(\.isOpen).count }
        #expect(open <= 5)
        try log.truncate(to: 20)
        for offset in Int64(0)..<20 { #expect(try log.records(from: offset).count == Int(20 - offset)) }
        try log.append(TestBatches.sized(150))
        #expect(try log.records().count == 21)
    }
}
