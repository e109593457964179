// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

extension LogState {
    /// Where the batches from `offset` on lie; see `UnifiedLog.read`.
    mutating func read(
        from offset: Int64, maxBytes: Int, isolation: ReadIsolation, atLeastOne: Bool
    ) throws(StorageError) -> FetchedRange {
        try requireWritten()
        isInUse = true
        guard offset >= logStartOffset, offset <= nextOffset else {
            throw .offsetOutOfRange(requested: offset, start: logStartOffset, end: nextOffset)
        }
        let limit = try limit(isolation)
        if offset >= limit.offset {
            return .empty(at: offset == limit.offset ? limit : LogOffsetMetadata(offset: offset))
        }
        guard let found = try locate(offset) else { return .empty(at: endMetadata) }
        let segment = found.segment
        let start = LogOffsetMetadata(
            offset: offset, segmentBaseOffset: segment.baseOffset, position: found.position)
        let end = segment.baseOffset == limit.segmentBaseOffset ? limit.position : segment.size
        let wanted = atLeastOne ? max(maxBytes, found.size) : maxBytes
        let count = min(wanted, Int(end - found.position))
        guard count > 0 else { return .empty(at: start) }
        let file = try storing { () throws(FileError) in try segment.openFile() }
        var range = FetchedRange(
            file: file, position: found.position, count: count, start: start,
            isFirstEntryIncomplete: count < found.size)
        if isolation == .lastStable, mayHaveAborted(from: offset) {
            let bound = try upperBound(of: found.position + Int64(count), in: segment, limit: limit)
            range.abortedTransactions = try abortedTransactions(from: offset, upTo: bound)
        }
        touched(segment)
        return range
    }

    var consumerMarks: ConsumerMarks {
        ConsumerMarks(
            highWatermark: highWatermark.offset, lastStableOffset: lastStableOffset, logStartOffset: logStartOffset)
    }

    /// See `UnifiedLog.marksAtEnd`.
    mutating func marksAtEnd(_ offset: Int64, isolation: ReadIsolation) -> ConsumerMarks? {
        let marks = consumerMarks
        let end = isolation == .highWatermark ? marks.highWatermark : marks.lastStableOffset
        guard offset == end, isolation != .logEnd, failure == nil, !isClosed else { return nil }
        isInUse = true
        return marks
    }

    /// `read`, with what is needed to check the batches.
    mutating func readToCheck(
        from offset: Int64, maxBytes: Int, isolation: ReadIsolation, atLeastOne: Bool
    ) throws(StorageError) -> (range: FetchedRange, check: RangeCheck?) {
        let range = try read(from: offset, maxBytes: maxBytes, isolation: isolation, atLeastOne: atLeastOne)
        guard range.count > 0, let index = segmentIndex(for: range.start.segmentBaseOffset) else { return (range, nil) }
        let segment = segments[index]
        let end = index + 1 < segments.count ? segments[index + 1].baseOffset : nextOffset
        var check = RangeCheck(
            path: segment.logPath, segmentBase: segment.baseOffset, segmentSize: segment.size, endOffset: end,
            knownBase: recent.find(offset)?.baseOffset, epochs: epochs.entries, truncationCount: truncationCount)
        if check.knownBase == nil, let first = segmentIndex(for: offset), segments[first].passedPosition >= 0 {
            let passed = segments[first]
            let file = try storing { () throws(FileError) in try passed.openFile() }
            check.passed = RangeCheck.Passed(
                file: file, segmentBase: passed.baseOffset, segmentSize: passed.size, position: passed.passedPosition)
        }
        return (range, check)
    }

    /// Where a reader must stop, with its place in the files.
    private mutating func limit(_ isolation: ReadIsolation) throws(StorageError) -> LogOffsetMetadata {
        switch isolation {
        case .logEnd:
            return endMetadata
        case .highWatermark:
            if highWatermark.isOffsetOnly { highWatermark = try resolve(highWatermark.offset) }
            return highWatermark
        case .lastStable:
            let stable = lastStableOffset
            return stable == highWatermark.offset ? try limit(.highWatermark) : try resolve(stable)
        }
    }

    /// The place of the batch that holds `offset`, of the first behind it, or of the log's end.
    mutating func resolve(_ offset: Int64) throws(StorageError) -> LogOffsetMetadata {
        guard offset < nextOffset, let found = try locate(offset) else {
            return LogOffsetMetadata(
                offset: offset, segmentBaseOffset: active.baseOffset, position: active.size)
        }
        return LogOffsetMetadata(
            offset: offset, segmentBaseOffset: found.segment.baseOffset, position: found.position)
    }

    /// The batch that holds `offset`, or the first one behind it; nil at the log's end.
    mutating func locate(
        _ offset: Int64
    ) throws(StorageError) -> (segment: LogSegment, position: Int64, size: Int)? {
        if let entry = recent.find(offset) { return (active, entry.position, entry.size) }
        guard var index = segmentIndex(for: offset) else { return nil }
        while index < segments.count {
            // Compaction may have taken everything from `offset` to the segment's end.
            let segment = segments[index]
            defer { touched(segment) }
            if let entry = try segment.entry(holding: offset) { return (segment, entry.position, entry.size) }
            index += 1
        }
        return nil
    }
}
