// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords

/// Reads one partition's batches and examines them.
struct PartitionReader {
    /// Findings are kept up to here: the first ones tell the story.
    private static let findingsMax = 20

    let partition: TopicPartition
    /// The next offset to fetch.
    private(set) var position: Int64 = 0
    /// The numbers of the records, in the order of their offsets.
    private(set) var numbers: [Int64] = []
    private(set) var findings: [String] = []
    private var highWatermark: Int64 = 0

    init(partition: TopicPartition) { self.partition = partition }

    var count: Int64 { Int64(numbers.count) }

    /// Takes what a fetch from `position` returned: whole batches, perhaps with a partial one behind.
    mutating func take(_ bytes: UnsafeRawBufferPointer, highWatermark reported: Int64) {
        highWatermark = reported
        do throws(RecordError) {
            var cursor = BatchCursor(bytes)
            while let (_, batch) = try cursor.next() { try takeBatch(RecordBatch(bytes: batch)) }
        } catch {
            find("what was fetched at \(position) is malformed: \(error)")
        }
    }

    mutating func refused(_ code: ErrorCode?) {
        guard code?.isRetriable != true else { return }
        find("fetching at \(position) failed with \(code?.name ?? "an unknown code")")
    }

    private mutating func takeBatch(_ batch: RecordBatch) throws(RecordError) {
        try batch.verifyCRC()
        var reader = try batch.makeReader()
        while let record = try reader.next() {
            // A fetch returns the whole batch that holds the asked offset.
            if record.offset < position { continue }
            if record.offset != position { find("offset \(record.offset) follows \(position - 1)") }
            position = record.offset + 1
            if !batch.header.attributes.isControl { takeRecord(record) }
        }
        position = max(position, batch.header.nextOffset)
        if batch.header.nextOffset > highWatermark {
            find("offset \(batch.header.lastOffset) was given out above the high watermark \(highWatermark)")
        }
    }

    private mutating func takeRecord(_ record: borrowing RecordView) {
        guard let value = record.value, let number = WorkloadRecord.number(of: value) else {
            return find("the value at offset \(record.offset) has no number")
        }
        let expected = WorkloadRecord.value(number: number, partition: partition, size: value.count)
        if !expected.elementsEqual(value) { find("the value at offset \(record.offset) is altered") }
        let key = WorkloadRecord.key(number: number, partition: partition)
        if let found = record.key, key.elementsEqual(found) {
        } else {
            find("the key at offset \(record.offset) is altered")
        }
        numbers.append(number)
    }

    private mutating func find(_ what: String) {
        if findings.count < Self.findingsMax { findings.append("\(partition): \(what)") }
    }
}
