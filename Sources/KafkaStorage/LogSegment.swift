// SPDX-License-Identifier: Apache-2.0
import KafkaRecords
import KafkaRuntime

/// A stretch of a log: batches in a `.log` file, named by the first offset it may hold, with two sparse indexes.
///
/// Files are opened when they are first needed. `size` counts whole batches that were appended; bytes behind it are
/// none of the log's. The log's lock guards everything here (hence unchecked).
final class LogSegment: @unchecked Sendable {
    let baseOffset: Int64
    let files: any FileSystem
    private(set) var directory: String
    /// What stands behind the names of its files: nothing in a log, something while the cleaner makes it.
    private(set) var suffix: String
    var size: Int64
    /// How much of `size` is known to be on disk.
    var syncedSize: Int64
    var offsetIndex: OffsetIndex
    var timeIndex: TimeIndex
    var transactionIndex = TransactionIndex()
    /// Whether the index files are on disk as they are now; asked of segments that are not written any more.
    var indexesAreSynced = false
    /// Whether a full disk has kept entries of the indexes in memory that belong into the files.
    var indexesWait = false
    /// Whether the indexes were built from the batches since the segment was opened, so that nothing better is to be had.
    var indexesAreRebuilt = false
    /// Where the batch begins that the last search passed over last, −1 for none; kept where reads are verified.
    var passedPosition: Int64 = -1
    /// Something the observer is to be told of.
    var healing: LogEvent?
    /// Whether an index file was missing when the log was opened.
    var lacksIndexes = false
    /// Whether it was said that a timestamp lies ahead.
    var isKnownToBeOfTheFuture = false

    private var file: (any File)?
    /// The last batches, where they are counted but not written yet.
    private(set) var deferred = DeferredBytes()
    /// Blocks are reserved up to here; 0 where none were.
    var reservedEnd: Int64 = 0
    /// Zeros may stand in the file up to here, behind `size`; 0 where none do.
    var paddedEnd: Int64 = 0
    var bytesSinceIndexEntry = 0
    let indexIntervalBytes: Int
    let settings: LogSettings
    /// Writes end at multiples of this where that is allowed; 0 where it makes nothing better.
    let growthUnit: Int
    /// The largest timestamp and the last offset of its batch; nil until the time index was asked.
    var largest: TimeIndex.Entry?
    /// The largest timestamp of the first batch, −1 for none; nil until it was read.
    var firstTimestamp: Int64?
    private let createdMilliseconds: Int64
    private let rollJitterMs: Int64

    /// What the making of a segment needs to know besides where and which.
    struct Parameters: Sendable {
        var indexBytes: Int
        var indexIntervalBytes: Int
        var rollJitterMs: Int64
        /// Blocks that a new segment reserves at once.
        var preallocatedBytes: Int64
        var now: Int64
        var settings: LogSettings
    }

    /// Stands for a segment whose log file has `size` bytes. Touches no file.
    init(
        baseOffset: Int64, directory: String, suffix: String = "", size: Int64, _ parameters: Parameters,
        _ files: any FileSystem
    ) {
        self.baseOffset = baseOffset
        self.directory = directory
        self.suffix = suffix
        self.size = size
        self.files = files
        syncedSize = 0
        let name = "\(directory)/\(LogFileNames.digits(baseOffset))"
        offsetIndex = OffsetIndex(
            path: name + LogFileNames.indexSuffix + suffix, baseOffset: baseOffset, maximumBytes: parameters.indexBytes)
        timeIndex = TimeIndex(
            path: name + LogFileNames.timeIndexSuffix + suffix, baseOffset: baseOffset,
            maximumBytes: parameters.indexBytes)
        indexIntervalBytes = parameters.indexIntervalBytes
        settings = parameters.settings
        // What is reserved as a whole is not given back before the segment is full.
        let unit = parameters.preallocatedBytes > 0 ? 0 : settings.paddingBytes ?? files.growthUnit
        growthUnit = min(max(unit, 0), Self.paddingMax)
        createdMilliseconds = parameters.now
        rollJitterMs = parameters.rollJitterMs
    }

    deinit { deferred.end() }

    /// Makes the files of a new, empty segment; leftovers of the same name are emptied.
    static func create(
        baseOffset: Int64, directory: String, suffix: String = "", _ parameters: Parameters, _ files: any FileSystem
    ) throws(FileError) -> LogSegment {
        let segment = LogSegment(
            baseOffset: baseOffset, directory: directory, suffix: suffix, size: 0, parameters, files)
        let file = try files.open(segment.logPath, .readWriteCreate)
        defer { file.close() }
        try file.truncate(to: 0)
        if parameters.preallocatedBytes > 0 {
            file.reserve(offset: 0, length: parameters.preallocatedBytes)
            segment.reservedEnd = parameters.preallocatedBytes
        }
        try segment.offsetIndex.create(files)
        try segment.timeIndex.create(files)
        segment.largest = TimeIndex.Entry(timestamp: -1, offset: baseOffset)
        segment.firstTimestamp = nil
        return segment
    }

    var namePrefix: String { "\(directory)/\(LogFileNames.digits(baseOffset))" }
    var logPath: String { namePrefix + LogFileNames.logSuffix + suffix }
    var isOpen: Bool { file != nil }

    // MARK: Files

    /// The log file, opened where it is not.
    func openFile() throws(FileError) -> any File {
        if let file { return file }
        let opened = try files.open(logPath, .readWrite)
        file = opened
        return opened
    }

    /// The directory was renamed. Open files are not affected.
    func moved(to newDirectory: String) { renamed(to: newDirectory, suffix: suffix) }

    /// The files have other names now.
    func renamed(to newDirectory: String, suffix newSuffix: String) {
        directory = newDirectory
        suffix = newSuffix
        offsetIndex.path = namePrefix + LogFileNames.indexSuffix + suffix
        timeIndex.path = namePrefix + LogFileNames.timeIndexSuffix + suffix
    }

    /// Lets go of the descriptor and the maps; they come back when they are needed. Whoever reads a range of the file
    /// keeps it open on their own.
    func release() {
        file = nil
        offsetIndex.release()
        timeIndex.release()
    }

    /// What must be synced to make everything appended so far durable; used without the lock.
    struct SyncTargets: Sendable {
        var file: any File
        var indexPaths: [String]
        var size: Int64
    }

    func syncTargets(includingIndexes: Bool) throws(FileError) -> SyncTargets {
        try trimPadding()
        if includingIndexes {
            try offsetIndex.writePending(files)
            try timeIndex.writePending(files)
            if indexesWait { try cutIndexes() }
        }
        var paths = includingIndexes ? [offsetIndex.path, timeIndex.path] : []
        if includingIndexes, transactionIndex.mayHaveFile { paths.append(transactionIndexPath) }
        return SyncTargets(file: try openFile(), indexPaths: paths, size: size)
    }

    // MARK: Appending

    /// Loads what an append changes, and makes room in the indexes, so that nothing but the write of the batches
    /// themselves is left to fail.
    func prepareAppend() throws(StorageError) {
        if largest == nil { try loadLargest() }
        if offsetIndex.needsRoom || timeIndex.needsRoom { try storing { () throws(FileError) in try makeRoom() } }
    }

    /// Writes index entries that are only in memory, where there are many.
    func makeRoom() throws(FileError) {
        if offsetIndex.needsRoom { try offsetIndex.writePending(files) }
        if timeIndex.needsRoom { try timeIndex.writePending(files) }
    }

    /// Writes `bytes` behind the last batch. On failure some of them may be in the file; `undoWrite` removes them.
    func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        precondition(deferred.isEmpty, "batches are written in their order")
        let file = try openFile()
        reserveAhead(file, at: size, bytes.count)
        var rest = bytes
        var position = size
        while true {
            let count = min(pieceBytes(at: position), rest.count)
            if count == rest.count { break }
            try file.write(UnsafeRawBufferPointer(rebasing: rest[..<count]), at: position)
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            position += Int64(count)
        }
        try write(last: rest, at: position, file)
    }

    // MARK: Deferred writes

    /// Whether so many bytes may wait to be written together with those that wait already.
    func canDefer(_ count: Int) -> Bool { deferred.hasRoom(for: count, limit: settings.writePieceBytes) }

    /// Keeps `bytes`, to be written later, as if they had been written.
    ///
    /// - Parameter isLent: whether they stay where they are until then; otherwise they are copied.
    func deferWrite(_ bytes: UnsafeRawBufferPointer, isLent: Bool, firstOffset: Int64) {
        deferred.append(bytes, isLent: isLent, firstOffset: firstOffset, limit: settings.writePieceBytes)
    }

    /// Writes what was deferred. On failure it still counts as deferred, and some of it may be in the file.
    func writeDeferred() throws(FileError) {
        let position = size - Int64(deferred.count)
        let file = try openFile()
        reserveAhead(file, at: position, deferred.count)
        try write(gathering: deferred.pieces, deferred.count, at: position, file)
        deferred.end()
    }

    /// Forgets what was deferred, of a log that is out of service: it is neither written nor taken back.
    func forgetDeferred() { deferred.end() }

    /// Gives up what was deferred, which must have been the last that was added; returns its first offset. Cuts the
    /// file and the indexes back.
    func dropDeferred() throws(StorageError) -> Int64 {
        size -= Int64(deferred.count)
        let firstOffset = deferred.firstOffset
        deferred.end()
        try storing { () throws(FileError) in
            // First of all, for entries of what is given up would make a search build the indexes anew, which needs the
            // space that there may not be.
            try offsetIndex.truncate(to: firstOffset, files)
            try timeIndex.truncate(to: firstOffset, files)
            try undoWrite()
        }
        return try truncate(to: firstOffset)
    }

    /// Cuts off whatever a failed write left behind the last batch that is in the file.
    func undoWrite() throws(FileError) {
        try cut(to: size)
    }

    /// Counts a batch that `write` has written, which begins where the last one ended.
    func added(lastOffset: Int64, maxTimestamp: Int64, byteCount: Int) {
        if firstTimestamp == nil, size == 0 { firstTimestamp = maxTimestamp }
        index(lastOffset: lastOffset, maxTimestamp: maxTimestamp, position: size)
        bytesSinceIndexEntry += byteCount
        size += Int64(byteCount)
        indexesAreSynced = false
    }

    /// Adds an index entry where enough bytes have gone by since the last.
    func index(lastOffset: Int64, maxTimestamp: Int64, position: Int64) {
        if maxTimestamp > largest?.timestamp ?? -1 {
            largest = TimeIndex.Entry(timestamp: maxTimestamp, offset: lastOffset)
        }
        guard bytesSinceIndexEntry > indexIntervalBytes, !offsetIndex.isFull else { return }
        offsetIndex.append(offset: lastOffset, position: position)
        if let largest, largest.timestamp >= 0 {
            timeIndex.appendIfGrown(timestamp: largest.timestamp, offset: largest.offset)
        }
        bytesSinceIndexEntry = 0
    }

    // MARK: Rolling and closing

    /// Whether a new segment must be begun before batches of `byteCount` bytes up to `lastOffset` are appended.
    func mustRoll(
        byteCount: Int, lastOffset: Int64, maxTimestamp: Int64, now: Int64, segmentBytes: Int64, segmentMs: Int64
    ) throws(StorageError) -> Bool {
        if size > segmentBytes - Int64(byteCount) { return true }
        if lastOffset - baseOffset > Int64(Int32.max) { return true }
        if offsetIndex.isFull || timeIndex.isFull { return true }
        guard size > 0 else { return false }
        let first = try loadFirstTimestamp()
        let waited = first >= 0 ? maxTimestamp &- first : now &- createdMilliseconds
        return waited > segmentMs &- rollJitterMs
    }

    /// The last index entries, and files cut to what they hold.
    func becomeInactive() throws(StorageError) {
        try trimIndexes()
        try storing { () throws(FileError) in try trimTail() }
    }

    /// Writes the last entries of the indexes and cuts their files to what they hold.
    func trimIndexes() throws(StorageError) {
        try writeLastTimeEntry()
        indexesAreSynced = false
        try storing { () throws(FileError) in try cutIndexes() }
    }

    private func cutIndexes() throws(FileError) {
        try offsetIndex.trim(files)
        try timeIndex.trim(files)
        try trimTransactionIndex()
        indexesWait = false
    }

    /// The segment will be written to again: its indexes may grow.
    func becomeActive(indexBytes: Int) {
        offsetIndex.setMaximumBytes(indexBytes)
        timeIndex.setMaximumBytes(indexBytes)
    }

    private func writeLastTimeEntry() throws(StorageError) {
        guard size > 0 else { return }
        if largest == nil { try loadLargest() }
        if let largest, largest.timestamp >= 0 {
            timeIndex.appendIfGrown(timestamp: largest.timestamp, offset: largest.offset, closing: true)
        }
    }

    /// Leaves the segment as `becomeInactive` does, where anything was changed since it was opened, and makes the
    /// indexes durable. The log file was synced before.
    func finish() throws(StorageError) {
        if indexesAreSynced { return }
        try becomeInactive()
        try storing { () throws(FileError) in
            // The indexes of an empty segment are never read. Those of any other, also without entries, were longer
            // while it was written, and a loss of power could bring that back.
            if size > 0 {
                try Self.sync(offsetIndex.path, files)
                try Self.sync(timeIndex.path, files)
            }
            if transactionIndex.count > 0 { try Self.sync(transactionIndexPath, files) }
        }
        indexesAreSynced = true
    }

    static func sync(_ path: String, _ files: any FileSystem) throws(FileError) {
        let file = try files.open(path, .readWrite)
        defer { file.close() }
        try file.sync()
    }

    // MARK: Timestamps

    /// The largest timestamp in the segment with the last offset of its batch; timestamp −1 where there is none.
    func largestTimestamp() throws(StorageError) -> TimeIndex.Entry {
        if largest == nil { try loadLargest() }
        return largest ?? TimeIndex.Entry(timestamp: -1, offset: baseOffset)
    }

    func loadFirstTimestamp() throws(StorageError) -> Int64 {
        if let firstTimestamp { return firstTimestamp }
        let timestamp = try entry(at: 0)?.maxTimestamp ?? -1
        firstTimestamp = timestamp
        return timestamp
    }

    // MARK: Truncating

    /// Cuts the segment before the batch that holds `offset` or anything above it. Returns where the log ends then:
    /// `offset`, or the start of the batch that held it.
    func truncate(to offset: Int64) throws(StorageError) -> Int64 {
        let found = try entry(holding: offset)
        try transactionIndex.truncate(to: offset, transactionIndexPath, files)
        try storing { () throws(FileError) in
            try offsetIndex.truncate(to: offset, files)
            try timeIndex.truncate(to: offset, files)
            if let found {
                try cut(to: found.position)
                size = found.position
                syncedSize = min(syncedSize, size)
            }
        }
        if size == 0 { firstTimestamp = nil }
        bytesSinceIndexEntry = 0
        indexesAreSynced = false
        largest = nil
        try loadLargest()
        // What is left of the indexes may be appended to again.
        let next = try readNextOffset()
        guard let found else { return offset }
        // Where an old compressed message began only its inside knew.
        return min(offset, found.batch == nil ? next : found.baseOffset)
    }
}
