// SPDX-License-Identifier: Apache-2.0
private import KafkaBase
private import KafkaRecords

extension RaftBatch {
    /// A batch of records with these values and without keys, as the controller's records stand in the log.
    ///
    /// - Parameter timestamp: of every record, milliseconds since 1970.
    package static func data(
        _ values: ArraySlice<[UInt8]>, at baseOffset: Int64, epoch: Int32, timestamp: Int64
    ) throws(RaftError) -> RaftBatch {
        try build(at: baseOffset, epoch: epoch, isControl: false, size: values.reduce(0) { $0 + recordSize($1) }) {
            (builder) throws(RecordError) in
            for value in values {
                try builder.append(timestamp: timestamp, key: nil as [UInt8]?, value: value)
            }
        }
    }

    /// A control batch.
    package static func control(
        _ records: [KRaftControlRecord], at baseOffset: Int64, epoch: Int32, timestamp: Int64
    ) throws(RaftError) -> RaftBatch {
        var encoded: [(key: [UInt8], value: [UInt8])] = []
        do throws(WireError) {
            for record in records { encoded.append((record.key, try record.encodedValue())) }
        } catch {
            throw .corruptLog(offset: baseOffset, reason: "a control record cannot be written: \(error)")
        }
        return try build(at: baseOffset, epoch: epoch, isControl: true, size: 256) { (builder) throws(RecordError) in
            for record in encoded {
                try builder.append(timestamp: timestamp, key: record.key, value: record.value)
            }
        }
    }

    private static func build(
        at baseOffset: Int64, epoch: Int32, isControl: Bool, size: Int,
        _ fill: (inout RecordBatchBuilder) throws(RecordError) -> Void
    ) throws(RaftError) -> RaftBatch {
        var options = RecordBatchBuilder.Options()
        options.baseOffset = baseOffset
        options.partitionLeaderEpoch = epoch
        options.isControl = isControl
        do throws(RecordError) {
            var builder = RecordBatchBuilder(options, capacity: size)
            try fill(&builder)
            let lastOffset = baseOffset + Int64(builder.count) - 1
            return RaftBatch(
                bytes: try builder.finish(), baseOffset: baseOffset, lastOffset: lastOffset, epoch: epoch)
        } catch {
            throw .batchTooLarge(bytes: size, limit: Int(Int32.max))
        }
    }

    private static func recordSize(_ value: [UInt8]) -> Int {
        RecordBatchBuilder.recordSizeMax(keySize: 0, valueSize: value.count)
    }

    /// Cuts `values` into runs whose batches stay within `limit` bytes. A value that is larger stands alone.
    static func groups(of values: [[UInt8]], limit: Int) -> [ArraySlice<[UInt8]>] {
        var groups: [ArraySlice<[UInt8]>] = []
        var start = 0
        var size = RecordBatchHeader.size
        for (index, value) in values.enumerated() {
            let added = recordSize(value)
            if index > start, size + added > limit {
                groups.append(values[start..<index])
                start = index
                size = RecordBatchHeader.size
            }
            size += added
        }
        groups.append(values[start...])
        return groups
    }
}
