// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

@Suite struct AppendTests {
    private func code(
        _ log: UnifiedLog, _ batch: [UInt8], origin: AppendOrigin = .client, now: Int64 = TestBatches.time
    )
        -> ErrorCode?
    {
        do {
            try log.append(batch, origin: origin, now: now)
            return nil
        } catch let error as StorageError {
            return error.errorCode
        } catch {
            return .unknownServerError
        }
    }

    private func log(_ change: (inout LogConfiguration) -> Void = { _ in }) throws -> UnifiedLog {
        var configuration = LogConfiguration()
        change(&configuration)
        return try TestWorld().open("/data/t-0", configuration)
    }

    @Test func `only offset and epoch of the produced bytes are changed`() throws {
        let log = try log()
        try log.append(TestBatches.batch(["first"]))
        let batch = try TestBatches.batch(["a", "b"], producer: (7, 1, 0))
        try log.append(batch, epoch: 5)
        let range = try log.read(from: 1, maxBytes: 1 << 20, isolation: .logEnd, atLeastOne: true)
        let stored = try range.file!.readBytes(at: range.position, count: range.count)
        #expect(stored.count == batch.count)
        #expect(Array(stored[..<16]) == [0, 0, 0, 0, 0, 0, 0, 1] + batch[8..<12] + [0, 0, 0, 5])
        #expect(Array(stored[16...]) == Array(batch[16...]))
    }

    @Test func `nothing is appended successfully as nothing`() throws {
        let log = try log()
        try log.append(TestBatches.batch(["a"]))
        let info = try log.append([])
        #expect(info.byteCount == 0)
        #expect(info.firstOffset == 1)
        #expect(info.lastOffset == 0)
    }

    @Test func `a wrong checksum is refused`() throws {
        let log = try log()
        var batch = try TestBatches.batch(["a"])
        batch[batch.count - 1] ^= 1
        #expect(code(log, batch) == .corruptMessage)
        #expect(log.logEndOffset == 0)
    }

    @Test func `every cut of a batch is refused`() throws {
        let log = try log()
        let batch = try TestBatches.batch(["value"])
        for length in 1..<batch.count { #expect(code(log, Array(batch[..<length])) != nil, "\(length)") }
        #expect(log.logEndOffset == 0)
    }

    @Test func `two batches of a client are refused`() throws {
        let log = try log()
        #expect(code(log, try TestBatches.batch(["a"]) + TestBatches.batch(["b"])) == .invalidRecord)
    }

    @Test func `the topic's limits hold`() throws {
        let log = try log {
            $0.maxMessageBytes = 300
            $0.segmentBytes = 250
        }
        #expect(code(log, try TestBatches.sized(301)) == .messageTooLarge)
        #expect(code(log, try TestBatches.sized(300)) == .recordListTooLarge)
        #expect(code(log, try TestBatches.sized(250)) == nil)
    }

    @Test func `control batches come from the broker only`() throws {
        let log = try log()
        let marker = EndTransactionMarker(.abort, coordinatorEpoch: 0).batch(
            producerID: 1, producerEpoch: 0, timestamp: 1)
        #expect(code(log, marker) == .invalidRecord)
        #expect(code(log, marker, origin: .coordinator) == nil)
    }

    @Test func `records of compacted topics need a key`() throws {
        let log = try log { $0.cleanupPolicy = [.compact, .delete] }
        var builder = RecordBatchBuilder()
        try builder.append(timestamp: 1, key: [1], value: [])
        try builder.append(timestamp: 1, key: nil, value: [])
        let batch = try builder.finish()
        do {
            try log.append(batch)
            Issue.record("taken")
        } catch StorageError.invalidRecords(let code, _, let records) {
            #expect(code == .invalidRecord)
            #expect(records == [InvalidRecord(index: 1, defect: .missingKey)])
        }
    }

    @Test func `timestamps too far off are refused`() throws {
        let log = try log {
            $0.messageTimestampAfterMaxMs = 1000
            $0.messageTimestampBeforeMaxMs = 5000
        }
        let now = TestBatches.time
        #expect(code(log, try TestBatches.batch(["a"], timestamp: now + 1001)) == .invalidTimestamp)
        #expect(code(log, try TestBatches.batch(["a"], timestamp: now - 5001)) == .invalidTimestamp)
        #expect(code(log, try TestBatches.batch(["a"], timestamp: now + 1000)) == nil)
        #expect(code(log, try TestBatches.batch(["a"], timestamp: now - 5000)) == nil)
    }

    @Test func `the append time replaces timestamps where the topic says so`() throws {
        let log = try log { $0.messageTimestampType = .logAppendTime }
        let info = try log.append(TestBatches.batch(["a", "b"], timestamp: 5), now: 777)
        #expect(info.logAppendTime == 777)
        #expect(info.maxTimestamp == 777)
        let range = try log.read(from: 0, maxBytes: 1 << 20, isolation: .logEnd, atLeastOne: true)
        try range.file!.readBytes(at: 0, count: range.count).withUnsafeBytes { bytes in
            let batch = try RecordBatch(bytes: bytes)
            try batch.verifyCRC()
            #expect(batch.header.attributes.timestampType == .logAppendTime)
            #expect(batch.header.maxTimestamp == 777)
        }
    }

    @Test func `a wrong largest timestamp in the header is set right`() throws {
        let log = try log()
        var batch = try TestBatches.batch(["a", "b"])
        batch.withUnsafeMutableBytes { BatchPatch.setMaxTimestamp($0, type: .createTime, maxTimestamp: 3) }
        let info = try log.append(batch)
        #expect(info.maxTimestamp == TestBatches.time + 1)
        #expect(try log.records().count == 2)
    }

    @Test(arguments: [CompressionType.none, .gzip, .snappy, .lz4, .zstd])
    func `batches are stored with the topic's codec`(codec: CompressionType) throws {
        let log = try log { $0.compression = .codec(codec) }
        let values = (0..<50).map { "value number \($0)" }
        try log.append(TestBatches.batch(values, compression: .lz4, producer: (3, 0, 0)))
        #expect(try log.append(TestBatches.batch(values, compression: .lz4, producer: (3, 0, 0))).isDuplicate)
        #expect(try log.records() == values.enumerated().map { "\($0.offset)=\($0.element)" })
        let range = try log.read(from: 0, maxBytes: 1 << 20, isolation: .logEnd, atLeastOne: true)
        try range.file!.readBytes(at: 0, count: range.count).withUnsafeBytes { bytes in
            let header = try RecordBatch(bytes: bytes).header
            #expect(header.attributes.compression == codec)
        }
    }

    @Test(arguments: [Int8(0), 1], [CompressionType.none, .gzip])
    func `old message sets become one batch`(magic: Int8, codec: CompressionType) throws {
        let log = try log()
        try log.append(TestBatches.batch(["before"]))
        let info = try log.append(TestBatches.oldMessages(["m0", "m1", "m2"], magic: magic, compression: codec))
        #expect(info.firstOffset == 1)
        #expect(info.lastOffset == 3)
        #expect(try log.records(from: 1) == ["1=m0", "2=m1", "3=m2"])
    }

    @Test func `a coordinator's batches follow each other in one append`() throws {
        let log = try log()
        let two = try TestBatches.batch(["a", "b"]) + TestBatches.batch(["c"])
        let info = try log.append(two, origin: .coordinator)
        #expect(info.firstOffset == 0)
        #expect(info.lastOffset == 2)
        #expect(try log.records() == ["0=a", "1=b", "2=c"])
    }

    @Test func `random bytes are refused and never stop the program`() throws {
        let log = try log()
        let random = SeededRandom(seed: 99)
        let good = try TestBatches.batch(["some", "values"], producer: (1, 0, 0))
        for round in 0..<3000 {
            var bytes: [UInt8]
            if round % 2 == 0 {
                bytes = (0..<random.below(200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                if bytes.count > 16 { bytes[16] = UInt8(random.below(4)) }
            } else {
                bytes = good
                for _ in 0...random.below(3) { bytes[Int(random.below(Int64(bytes.count)))] = UInt8(random.below(256)) }
                if round % 4 == 1 { bytes.withUnsafeMutableBytes { BatchPatch.recomputeChecksum($0) } }
            }
            _ = code(log, bytes, origin: round % 3 == 0 ? .coordinator : .client)
            _ = try? log.appendFollower(bytes)
        }
        // Whatever was taken can be read.
        _ = try log.read(from: 0, maxBytes: 1 << 20, isolation: .logEnd, atLeastOne: true)
    }
}

@Suite struct FollowerAppendTests {
    private func fetched(_ offset: Int64, _ values: [String], epoch: Int32 = 1) throws -> [UInt8] {
        try TestBatches.batch(values, baseOffset: offset, epoch: epoch)
    }

    @Test func `offsets and epochs are kept, gaps allowed, cut batches left out`() throws {
        let log = try TestWorld().open()
        var bytes = try fetched(0, ["a", "b"]) + fetched(5, ["f"], epoch: 2)
        bytes += try fetched(6, ["g"])[..<40]
        let info = try log.appendFollower(bytes)
        #expect(info.firstOffset == 0)
        #expect(info.lastOffset == 5)
        #expect(log.logEndOffset == 6)
        #expect(try log.records() == ["0=a", "1=b", "5=f"])
        #expect(log.epochEntries == [EpochEntry(epoch: 1, startOffset: 0), EpochEntry(epoch: 2, startOffset: 5)])
        #expect(try log.read(from: 3, maxBytes: 100, isolation: .logEnd, atLeastOne: true).start.offset == 3)
        #expect(try log.records(from: 3) == ["5=f"])
    }

    @Test func `batches that do not follow, or are damaged, are refused whole`() throws {
        let log = try TestWorld().open()
        try log.appendFollower(fetched(0, ["a", "b"]))
        #expect(throws: StorageError.self) { try log.appendFollower(fetched(1, ["x"])) }
        #expect(throws: StorageError.self) { try log.appendFollower(fetched(5, ["x"]) + fetched(4, ["y"])) }
        var damaged = try fetched(2, ["c"])
        damaged[damaged.count - 1] ^= 1
        #expect(throws: StorageError.self) { try log.appendFollower(fetched(2, ["c"]) + damaged) }
        #expect(log.logEndOffset == 2)
        #expect(try log.appendFollower([]).byteCount == 0)
    }

    @Test func `an offset too far from the segment's base begins a new segment`() throws {
        let log = try TestWorld().open()
        try log.appendFollower(fetched(0, ["a"]))
        let far = Int64(Int32.max) + 10
        try log.appendFollower(fetched(far, ["z"]))
        #expect(log.segmentCount == 2)
        #expect(try log.records() == ["0=a", "\(far)=z"])
        #expect(try log.records(from: 5) == ["\(far)=z"])
    }
}
