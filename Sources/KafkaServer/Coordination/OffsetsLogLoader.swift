// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
internal import KafkaRecords
internal import KafkaStorage
internal import Synchronization

/// Why a partition of the offsets topic could not be loaded.
struct OffsetsLogFailure: Error, CustomStringConvertible {
    /// Where in the log.
    let offset: Int64
    let reason: String
    /// Whether the log itself is damaged, so that another attempt would come to the same.
    let isDamage: Bool

    var description: String { "offset \(offset): \(reason)" }
}

/// Rebuilds the state of groups from their partition of the offsets topic, from its start to its end.
///
/// Blocks, and so runs in the background. Holds `bufferBytes` of the log at a time, or one batch where that is larger.
/// Records that are not understood, those of a newer broker for example, are passed over; a damaged batch ends the load.
struct OffsetsLogLoader {
    /// What a record that is not understood came to: it is passed over.
    typealias Skipped = (_ offset: Int64, _ reason: String) -> Void

    struct Loaded: Sendable {
        /// Behind the last record.
        let endOffset: Int64
        let records: Int
    }

    let log: UnifiedLog
    let bufferBytes: Int
    /// Set where nobody waits for the result any more.
    let isCancelled: LoadCancellation

    init(log: UnifiedLog, bufferBytes: Int, isCancelled: LoadCancellation) {
        self.log = log
        self.bufferBytes = bufferBytes
        self.isCancelled = isCancelled
    }

    /// Replays everything.
    func load(
        into shard: inout GroupCoordinatorShard, skipped: Skipped
    ) throws(OffsetsLogFailure) -> Loaded {
        var next = log.logStartOffset
        let end = log.logEndOffset
        var records = 0
        while next < end, !isCancelled.isSet {
            let bytes = try read(from: &next)
            guard !bytes.isEmpty else { break }
            let before = next
            var failure: OffsetsLogFailure?
            bytes.withUnsafeBytes { bytes in
                do throws(OffsetsLogFailure) {
                    records += try replay(bytes, from: &next, into: &shard, skipped: skipped)
                } catch { failure = error }
            }
            if let failure { throw failure }
            guard next > before else {
                throw OffsetsLogFailure(offset: next, reason: "the log ends inside a batch", isDamage: true)
            }
        }
        return Loaded(endOffset: end, records: records)
    }

    private func read(from next: inout Int64) throws(OffsetsLogFailure) -> [UInt8] {
        while true {
            do throws(StorageError) {
                return try log.read(from: next, maxBytes: bufferBytes, isolation: .logEnd, atLeastOne: true).readBytes()
            } catch {
                // The log's start may have moved on meanwhile.
                let start = log.logStartOffset
                guard case .offsetOutOfRange = error, start > next else {
                    throw OffsetsLogFailure(
                        offset: next, reason: "\(error)", isDamage: error.errorCode == .corruptMessage)
                }
                next = start
            }
        }
    }

    private func replay(
        _ bytes: UnsafeRawBufferPointer, from next: inout Int64, into shard: inout GroupCoordinatorShard,
        skipped: Skipped
    ) throws(OffsetsLogFailure) -> Int {
        var count = 0
        do throws(RecordError) {
            var cursor = BatchCursor(bytes)
            while let entry = try cursor.next() {
                let batch = try RecordBatch(bytes: entry.bytes)
                // Reading starts at the batch that holds the offset.
                guard batch.header.nextOffset > next else { continue }
                try batch.verifyCRC()
                count += try replay(batch, into: &shard, skipped: skipped)
                next = batch.header.nextOffset
            }
        } catch {
            throw OffsetsLogFailure(offset: next, reason: "\(error)", isDamage: true)
        }
        return count
    }

    private func replay(
        _ batch: RecordBatch, into shard: inout GroupCoordinatorShard, skipped: Skipped
    ) throws(RecordError) -> Int {
        if batch.header.attributes.isControl { return try endTransaction(batch, in: &shard) }
        let producer = batch.header.attributes.isTransactional ? batch.header.producerID : nil
        var count = 0
        var reader = try batch.makeReader()
        while let view = try reader.next() {
            count += 1
            guard let key = view.key else {
                skipped(view.offset, "it has no key")
                continue
            }
            do throws(WireError) {
                switch try GroupCoordinatorRecord.decode(key: key, value: view.value) {
                case .record(let record): shard.replay(record, offset: view.offset, producerID: producer)
                case .skipped(let type): skipped(view.offset, "it is of type \(type)")
                }
            } catch {
                skipped(view.offset, "\(error)")
            }
        }
        return count
    }

    /// A marker ends the transaction of its producer.
    private func endTransaction(
        _ batch: RecordBatch, in shard: inout GroupCoordinatorShard
    ) throws(RecordError) -> Int {
        var reader = try batch.makeReader()
        while let view = try reader.next() {
            guard let marker = try EndTransactionMarker(key: view.key, value: view.value) else { continue }
            shard.replayTransactionEnd(
                producerID: batch.header.producerID, marker.result == .commit ? .commit : .abort)
        }
        return 0
    }
}

/// Tells a load in the background that its result is not wanted any more.
final class LoadCancellation: Sendable {
    private let flag = Atomic<Bool>(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    func set() { flag.store(true, ordering: .releasing) }
}
