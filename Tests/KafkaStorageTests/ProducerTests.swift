// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

@Suite struct ProducerStateTableTests {
    private func header(
        id: Int64 = 1, epoch: Int16 = 0, sequence: Int32, count: Int32 = 1, offset: Int64, transactional: Bool = false,
        control: Bool = false, timestamp: Int64 = 5
    ) throws -> RecordBatchHeader {
        var options = RecordBatchBuilder.Options()
        options.producerID = id
        options.producerEpoch = epoch
        options.baseSequence = sequence
        options.baseOffset = offset
        options.isTransactional = transactional
        options.isControl = control
        options.lastOffsetDelta = count - 1
        var builder = RecordBatchBuilder(options)
        try builder.append(timestamp: timestamp, key: nil, value: [])
        return try builder.finish().withUnsafeBytes { try RecordBatchHeader(parsing: $0) }
    }

    private func code(_ table: ProducerStateTable, _ header: RecordBatchHeader) -> ErrorCode? {
        do throws(StorageError) {
            _ = try table.check(header)
            return nil
        } catch {
            return error.errorCode
        }
    }

    @Test(arguments: [Int64.min, -1, .max])
    func `any timestamp can be compared`(timestamp: Int64) throws {
        var table = ProducerStateTable()
        let state = ProducerState(producerID: 1, epoch: 0, lastTimestamp: timestamp)
        table.load([state], endOffset: 5, now: 1_700_000_000_000, expirationMs: 86_400_000)
        table.removeExpired(now: 1_700_000_000_000, expirationMs: 86_400_000)
        #expect(table.producers.isEmpty == (timestamp < 0))
    }

    @Test func `an unknown producer may begin with any sequence`() throws {
        let table = ProducerStateTable()
        #expect(try table.check(header(sequence: 17, offset: 0)) == .append)
    }

    @Test func `sequences follow each other`() throws {
        var table = ProducerStateTable()
        table.add(try header(sequence: 0, count: 3, offset: 0), marker: nil)
        #expect(try table.check(header(sequence: 3, offset: 3)) == .append)
        #expect(code(table, try header(sequence: 4, offset: 3)) == .outOfOrderSequenceNumber)
        #expect(code(table, try header(sequence: 1, offset: 3)) == .outOfOrderSequenceNumber)
    }

    @Test func `after the largest sequence comes 0`() throws {
        var table = ProducerStateTable()
        table.add(try header(sequence: .max - 1, count: 2, offset: 0), marker: nil)
        #expect(try table.check(header(sequence: 0, offset: 2)) == .append)
        #expect(code(table, try header(sequence: 1, offset: 2)) == .outOfOrderSequenceNumber)
    }

    @Test func `a batch that wraps is recognised as duplicate`() throws {
        var table = ProducerStateTable()
        let wrapping = try header(sequence: .max - 1, count: 4, offset: 0)
        table.add(wrapping, marker: nil)
        guard case .duplicate(let old) = try table.check(wrapping) else {
            Issue.record("not a duplicate")
            return
        }
        #expect(old.firstOffset == 0)
        #expect(old.lastSequence == 1)
    }

    @Test func `the last five batches are recognised, the sixth is out of order`() throws {
        var table = ProducerStateTable()
        let batches = try (0..<6).map { try header(sequence: Int32($0) * 2, count: 2, offset: Int64($0) * 2) }
        for batch in batches { table.add(batch, marker: nil) }
        for (index, batch) in batches.enumerated().dropFirst() {
            #expect(
                try table.check(batch)
                    == .duplicate(
                        ProducedBatch(
                            lastSequence: Int32(index) * 2 + 1, lastOffset: Int64(index) * 2 + 1, offsetDelta: 1,
                            timestamp: 5)))
        }
        #expect(code(table, batches[0]) == .outOfOrderSequenceNumber)
    }

    @Test func `a new epoch begins with 0 and an old one is refused`() throws {
        var table = ProducerStateTable()
        table.add(try header(epoch: 4, sequence: 9, offset: 0), marker: nil)
        #expect(code(table, try header(epoch: 5, sequence: 10, offset: 1)) == .outOfOrderSequenceNumber)
        #expect(try table.check(header(epoch: 5, sequence: 0, offset: 1)) == .append)
        #expect(code(table, try header(epoch: 3, sequence: 0, offset: 1)) == .invalidProducerEpoch)
        table.add(try header(epoch: 5, sequence: 0, offset: 1), marker: nil)
        #expect(code(table, try header(epoch: 4, sequence: 9, offset: 2)) == .invalidProducerEpoch)
    }

    @Test func `open transactions hold the first unstable offset until the marker is replicated`() throws {
        var table = ProducerStateTable()
        table.add(try header(id: 1, sequence: 0, offset: 10, transactional: true), marker: nil)
        table.add(try header(id: 2, sequence: 0, offset: 11, transactional: true), marker: nil)
        table.add(try header(id: 1, sequence: 1, offset: 12, transactional: true), marker: nil)
        #expect(table.firstUnstableOffset == 10)
        let commit = EndTransactionMarker(.commit, coordinatorEpoch: 1)
        table.add(try header(id: 1, sequence: -1, offset: 13, transactional: true, control: true), marker: commit)
        #expect(table.firstUnstableOffset == 10)
        table.highWatermarkAdvanced(to: 13)
        #expect(table.firstUnstableOffset == 10)
        table.highWatermarkAdvanced(to: 14)
        #expect(table.firstUnstableOffset == 11)
        #expect(table.producers[1]?.currentTransactionFirstOffset == -1)
        #expect(table.producers[1]?.coordinatorEpoch == 1)
    }

    @Test func `a marker of an older coordinator or producer is refused`() throws {
        var table = ProducerStateTable()
        let marker = try header(id: 1, epoch: 2, sequence: -1, offset: 0, transactional: true, control: true)
        table.add(marker, marker: EndTransactionMarker(.abort, coordinatorEpoch: 5))
        try table.checkMarker(marker, EndTransactionMarker(.abort, coordinatorEpoch: 5))
        #expect(throws: StorageError.self) {
            try table.checkMarker(marker, EndTransactionMarker(.abort, coordinatorEpoch: 4))
        }
        let old = try header(id: 1, epoch: 1, sequence: -1, offset: 0, transactional: true, control: true)
        #expect(throws: StorageError.self) {
            try table.checkMarker(old, EndTransactionMarker(.abort, coordinatorEpoch: 5))
        }
    }

    @Test func `plain data inside of a transaction is refused`() throws {
        var table = ProducerStateTable()
        table.add(try header(sequence: 0, offset: 0, transactional: true), marker: nil)
        #expect(code(table, try header(sequence: 1, offset: 1)) == .invalidTxnState)
    }

    @Test func `silent producers expire, unless a transaction is open`() throws {
        var table = ProducerStateTable()
        table.add(try header(id: 1, sequence: 0, offset: 0, timestamp: 100), marker: nil)
        table.add(try header(id: 2, sequence: 0, offset: 1, transactional: true, timestamp: 100), marker: nil)
        table.add(try header(id: 3, sequence: 0, offset: 2, timestamp: 150), marker: nil)
        table.removeExpired(now: 200, expirationMs: 100)
        #expect(table.sortedStates.map(\.producerID) == [2, 3])
    }

    @Test func `a snapshot gives the state back, with the last batch of each producer`() throws {
        var table = ProducerStateTable()
        for sequence in 0..<7 {
            table.add(try header(id: 1, sequence: Int32(sequence), offset: Int64(sequence)), marker: nil)
        }
        table.add(try header(id: 2, sequence: 0, offset: 7, transactional: true), marker: nil)
        let bytes = ProducerSnapshot.encode(table.sortedStates)
        #expect(bytes.count == 10 + 2 * 46)
        var again = ProducerStateTable()
        again.load(try ProducerSnapshot.decode(bytes, path: "s"), endOffset: 8, now: 0, expirationMs: 1000)
        #expect(again.endOffset == 8)
        #expect(again.firstUnstableOffset == 7)
        #expect(try again.check(header(id: 1, sequence: 7, offset: 8)) == .append)
        guard case .duplicate = try again.check(header(id: 1, sequence: 6, offset: 8)) else {
            Issue.record("the last batch is not known any more")
            return
        }
        #expect(code(again, try header(id: 1, sequence: 5, offset: 8)) == .outOfOrderSequenceNumber)
    }
}

@Suite struct ProducerSnapshotTests {
    /// One producer, laid out by hand after the format's description.
    private let golden: [UInt8] = {
        var bytes: [UInt8] = [0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
        bytes += [0, 0, 0, 0, 0, 0, 0x10, 0x01]  // producer 4097
        bytes += [0, 3]  // epoch
        bytes += [0, 0, 0, 9]  // last sequence
        bytes += [0, 0, 0, 0, 0, 0, 0, 99]  // last offset
        bytes += [0, 0, 0, 4]  // offset delta
        bytes += [0, 0, 1, 0x8B, 0xCF, 0xE5, 0x68, 0]  // timestamp
        bytes += [0xFF, 0xFF, 0xFF, 0xFF]  // coordinator epoch
        bytes += [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]  // no transaction
        let crc = CRC32C.checksum(Array(bytes[6...]))
        for index in 0..<4 { bytes[2 + index] = UInt8(truncatingIfNeeded: crc >> UInt32(24 - 8 * index)) }
        return bytes
    }()

    @Test func `the layout is Kafka's`() throws {
        let states = try ProducerSnapshot.decode(golden, path: "s")
        #expect(states.count == 1)
        #expect(states[0].producerID == 4097)
        #expect(states[0].epoch == 3)
        #expect(
            states[0].batches == [
                ProducedBatch(lastSequence: 9, lastOffset: 99, offsetDelta: 4, timestamp: 1_700_000_000_000)
            ])
        #expect(ProducerSnapshot.encode(states) == golden)
    }

    @Test func `a producer without batches is kept`() throws {
        let state = ProducerState(producerID: 5, epoch: 2, coordinatorEpoch: 7, lastTimestamp: 11)
        let again = try ProducerSnapshot.decode(ProducerSnapshot.encode([state]), path: "s")
        #expect(again == [state])
    }

    @Test func `cut or changed snapshots are refused`() {
        for length in 0..<golden.count {
            #expect(throws: StorageError.self) { try ProducerSnapshot.decode(Array(golden[..<length]), path: "s") }
        }
        for position in golden.indices {
            var damaged = golden
            damaged[position] ^= 1
            #expect(throws: StorageError.self) { try ProducerSnapshot.decode(damaged, path: "s") }
        }
        #expect(throws: StorageError.self) { try ProducerSnapshot.decode(golden + [0], path: "s") }
    }
}

@Suite struct IdempotenceTests {
    private func batch(_ sequence: Int32, epoch: Int16 = 0, id: Int64 = 9) throws -> [UInt8] {
        try TestBatches.batch(["s\(sequence)"], producer: (id, epoch, sequence))
    }

    @Test func `a repeated batch is acknowledged with its old offsets and not written`() throws {
        let log = try TestWorld().open()
        for sequence in 0..<4 { try log.append(batch(Int32(sequence))) }
        let again = try log.append(batch(2))
        #expect(again.isDuplicate)
        #expect(again.firstOffset == 2)
        #expect(again.lastOffset == 2)
        #expect(log.logEndOffset == 4)
    }

    @Test func `a gap is refused and changes nothing`() throws {
        let log = try TestWorld().open()
        try log.append(batch(0))
        #expect(throws: StorageError.self) { try log.append(batch(2)) }
        #expect(log.logEndOffset == 1)
        #expect(try log.append(batch(1)).firstOffset == 1)
    }

    @Test(arguments: [true, false])
    func `sequences are known after a restart`(clean: Bool) throws {
        let world = TestWorld()
        let log = try world.open()
        for sequence in 0..<3 { try log.append(batch(Int32(sequence))) }
        if clean { try log.close() } else { try log.flush() }
        if !clean { world.crash(.nothing) }
        let again = try world.open(clean: clean)
        #expect(try again.append(batch(2)).isDuplicate)
        #expect(throws: StorageError.self) { try again.append(batch(5)) }
        #expect(try again.append(batch(3)).firstOffset == 3)
    }

    @Test func `truncation takes sequences back`() throws {
        let world = TestWorld()
        let log = try world.open()
        for sequence in 0..<6 {
            try log.append(batch(Int32(sequence)))
            if sequence == 2 { try log.roll() }
        }
        world.run()
        try log.truncate(to: 4)
        #expect(try log.append(batch(3)).isDuplicate)
        #expect(try log.append(batch(4)).firstOffset == 4)
    }

    @Test func `a follower takes what its leader took`() throws {
        let log = try TestWorld().open()
        try log.appendFollower(TestBatches.batch(["x"], producer: (1, 0, 5), baseOffset: 0, epoch: 1))
        try log.appendFollower(TestBatches.batch(["y"], producer: (1, 0, 99), baseOffset: 1, epoch: 1))
        #expect(log.activeProducers().first?.lastSequence == 99)
    }

    @Test func `the last stable offset stops at open transactions`() throws {
        let world = TestWorld()
        let log = try world.open()
        try log.append(TestBatches.batch(["a"]))
        try log.append(TestBatches.batch(["t"], producer: (1, 0, 0), isTransactional: true))
        try log.append(TestBatches.batch(["b"]))
        log.updateHighWatermark(3)
        #expect(log.lastStableOffset == 1)
        #expect(try log.records(isolation: .lastStable) == ["0=a"])
        let marker = EndTransactionMarker(.commit, coordinatorEpoch: 0).batch(
            producerID: 1, producerEpoch: 0, timestamp: TestBatches.time)
        try log.append(marker, origin: .coordinator)
        #expect(log.lastStableOffset == 1)
        log.updateHighWatermark(4)
        #expect(log.lastStableOffset == 4)
        try log.append(TestBatches.batch(["u"], producer: (1, 0, 1), isTransactional: true))
        log.updateHighWatermark(5)
        try log.close()
        let again = try world.open(clean: true, highWatermark: 5)
        #expect(again.lastStableOffset == 4)
    }
}
