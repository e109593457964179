// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime

/// The segments that a group of segments is cleaned into, while they are written: files with the suffix `.cleaned`.
///
/// One segment nearly always; a further one is begun where recompressed batches have grown beyond what positions or
/// offsets can say. Nothing of the log refers to these files until `UnifiedLog.replaceSegments` puts them in place;
/// after a crash the next start removes them. Confined to the cleaning that made it.
struct CleanedOutput: ~Copyable {
    private let directory: String
    private let parameters: LogSegment.Parameters
    private let bufferBytes: Int
    private let segmentBytesMax: Int64
    private let files: any FileSystem
    /// Ascending; all but the last are complete.
    private(set) var segments: [LogSegment] = []
    private var buffer: ByteWriter
    /// The batches in `buffer`.
    private var pending: [RetainedBatch] = []

    /// Begins with an empty segment at `baseOffset`, the first of the group's.
    ///
    /// - Parameter segmentBytesMax: where a further segment is begun; positions go up to 2³¹−1.
    init(
        directory: String, baseOffset: Int64, bufferBytes: Int, segmentBytesMax: Int64,
        _ parameters: LogSegment.Parameters, _ files: any FileSystem
    ) throws(StorageError) {
        self.directory = directory
        self.parameters = parameters
        self.bufferBytes = bufferBytes
        self.segmentBytesMax = segmentBytesMax
        self.files = files
        buffer = ByteWriter(capacity: bufferBytes)
        try begin(at: baseOffset)
    }

    /// Has `fill` write a batch behind the last one, and returns the bytes it took.
    mutating func append(
        _ fill: (inout ByteWriter) throws(RecordError) -> RetainedBatch?
    ) throws(RecordError) -> Int {
        guard let batch = try fill(&buffer) else { return 0 }
        pending.append(batch)
        return batch.byteCount
    }

    /// Writes what waits, where that is enough to be worth it.
    mutating func writeIfFull() throws(StorageError) {
        if buffer.count >= bufferBytes { try write() }
    }

    private mutating func write() throws(StorageError) {
        var start = 0
        var first = 0
        while first < pending.count {
            var end = first
            var size = 0
            while end < pending.count, fits(size, pending[end]) {
                size += pending[end].byteCount
                end += 1
            }
            if end == first {
                try complete()
                try begin(at: pending[first].baseOffset)
                continue
            }
            let piece = UnsafeRawBufferPointer(rebasing: buffer.bytes[start..<(start + size)])
            try write(piece, pending[first..<end])
            start += size
            first = end
        }
        pending.removeAll(keepingCapacity: true)
        buffer.removeAll(keeping: 2 * bufferBytes)
    }

    /// Whether a batch may stand behind `waiting` bytes in the segment that is written.
    private func fits(_ waiting: Int, _ batch: RetainedBatch) -> Bool {
        guard let segment = segments.last else { return false }
        let end = segment.size + Int64(waiting + batch.byteCount)
        // The first of a segment always does: it begins there.
        return end == Int64(batch.byteCount)
            || end <= segmentBytesMax && batch.lastOffset - segment.baseOffset <= Int64(Int32.max)
    }

    private func write(
        _ bytes: UnsafeRawBufferPointer, _ batches: ArraySlice<RetainedBatch>
    ) throws(StorageError) {
        guard let segment = segments.last else { return }
        try storing { () throws(FileError) in try segment.write(bytes) }
        for batch in batches {
            try segment.prepareAppend()
            segment.added(lastOffset: batch.lastOffset, maxTimestamp: batch.maxTimestamp, byteCount: batch.byteCount)
        }
    }

    /// Notes aborted transactions whose markers are in what was written.
    mutating func append(_ aborted: [AbortedTransaction]) throws(StorageError) {
        guard !aborted.isEmpty else { return }
        try write()
        guard let segment = segments.last else { return }
        try storing { () throws(FileError) in try segment.appendAborted(aborted) }
    }

    /// Writes the rest, makes all of it durable, and gives the files the time of the group's last.
    mutating func finish(modifiedMilliseconds: Int64) throws(StorageError) {
        try write()
        try complete()
        try storing { () throws(FileError) in
            for segment in segments { try files.setModified(segment.logPath, milliseconds: modifiedMilliseconds) }
        }
    }

    private mutating func begin(at baseOffset: Int64) throws(StorageError) {
        do throws(FileError) {
            segments.append(
                try LogSegment.create(
                    baseOffset: baseOffset, directory: directory, suffix: LogFileNames.cleanedSuffix, parameters, files)
            )
        } catch {
            let name = "\(directory)/\(LogFileNames.digits(baseOffset))"
            for kind in [LogFileNames.logSuffix, LogFileNames.indexSuffix, LogFileNames.timeIndexSuffix] {
                try? files.remove(name + kind + LogFileNames.cleanedSuffix)
            }
            throw .io(error)
        }
        guard let segment = segments.last else { return }
        // What an earlier attempt left must not be taken for this segment's.
        do throws(FileError) { try files.remove(segment.transactionIndexPath) } catch {
            if error.kind != .notFound { throw .io(error) }
        }
    }

    private func complete() throws(StorageError) {
        guard let segment = segments.last else { return }
        let file = try storing { () throws(FileError) in try segment.openFile() }
        try segment.finish()
        try storing { () throws(FileError) in try file.sync() }
        segment.syncedSize = segment.size
        segment.release()
    }

    /// Removes the files of all segments, as far as it can; the next start removes the rest.
    func discard() {
        for segment in segments {
            segment.release()
            for path in segment.allPaths { try? files.remove(path) }
        }
    }
}
