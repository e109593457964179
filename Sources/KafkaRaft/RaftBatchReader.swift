// SPDX-License-Identifier: Apache-2.0
package import KafkaRecords

/// Walks whole batches of the metadata log or of a snapshot that lie one after the other in memory.
///
/// Every batch is checked: magic 2, checksum, offsets that ascend without overlap. Bytes of a batch that is not whole are
/// left over: `position` tells where it begins, so that the caller can come again with more.
package struct RaftBatchReader {
    /// One batch, borrowed from the reader's bytes.
    package struct Batch {
        package let header: RecordBatchHeader
        package let batch: RecordBatch

        package var isControl: Bool { header.attributes.isControl }
        package var epoch: Int32 { header.partitionLeaderEpoch }
        /// The append time in milliseconds.
        package var timestamp: Int64 { header.maxTimestamp }

        /// The control records of a control batch, without those of unknown types.
        package func controlRecords() throws(RaftError) -> [KRaftControlRecord] {
            var records: [KRaftControlRecord] = []
            try forEachRecord { (record) throws(RaftError) in
                do {
                    if let control = try KRaftControlRecord(key: record.key, value: record.value) {
                        records.append(control)
                    }
                } catch {
                    throw RaftError.corruptLog(offset: record.offset, reason: "control record: \(error)")
                }
            }
            return records
        }

        /// Calls `body` with the value of each record of a data batch, and its offset.
        package func forEachValue(
            _ body: (UnsafeRawBufferPointer, Int64) throws(RaftError) -> Void
        ) throws(RaftError) {
            try forEachRecord { (record) throws(RaftError) in
                guard let value = record.value else {
                    throw RaftError.corruptLog(offset: record.offset, reason: "a metadata record has no value")
                }
                try body(value, record.offset)
            }
        }

        private func forEachRecord(
            _ body: (borrowing RecordView) throws(RaftError) -> Void
        ) throws(RaftError) {
            var failure: RaftError?
            do throws(RecordError) {
                var reader = try batch.makeReader(inflateLimit: RaftBatchReader.inflateLimit)
                while failure == nil, let record = try reader.next() {
                    do throws(RaftError) { try body(record) } catch { failure = error }
                }
            } catch {
                throw .corruptLog(offset: header.baseOffset, reason: "\(error)")
            }
            if let failure { throw failure }
        }
    }

    /// What a compressed batch may inflate to; the largest batch that a leader writes has 8 MiB.
    package static let inflateLimit = 64 << 20

    private let bytes: UnsafeRawBufferPointer
    private var cursor: BatchCursor
    private var nextOffset: Int64?

    /// - Parameter bytes: begins at a batch; must outlive the reader and what it returns.
    package init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        cursor = BatchCursor(bytes)
    }

    /// How many bytes were whole batches.
    package var position: Int { cursor.position }

    /// The next whole batch; nil where none is left.
    package mutating func next() throws(RaftError) -> Batch? {
        do throws(RecordError) {
            guard let entry = try cursor.next() else { return nil }
            let batch = try RecordBatch(bytes: entry.bytes)
            try batch.verifyCRC()
            let header = batch.header
            guard header.lastOffsetDelta >= 0, header.baseOffset >= nextOffset ?? 0 else {
                throw RecordError.invalidLength(Int(header.lastOffsetDelta))
            }
            nextOffset = header.nextOffset
            return Batch(header: header, batch: batch)
        } catch {
            throw .corruptLog(offset: nextOffset ?? 0, reason: "batch at byte \(cursor.position): \(error)")
        }
    }
}
