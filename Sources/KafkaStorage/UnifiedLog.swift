// SPDX-License-Identifier: Apache-2.0
public import KafkaBase
public import KafkaRuntime
import Synchronization

/// One partition's log: batches in order of offset, in segments on disk.
///
/// Appends and reads may come from any thread; one lock guards the log and is held for the system calls that the
/// operation itself needs, never for a sync. Bytes are written as they came, with only the offsets and the epoch
/// patched; a read returns where they lie. Files are those of Apache Kafka, byte for byte.
///
/// What was appended survives the death of the process, and of the machine once `flush` has returned for its offset.
/// A failed append leaves the log as it was; where even that fails, the log goes offline and answers
/// `StorageError.offline` from then on. Opening a log that was not closed checks every batch above the recovery point,
/// cuts what is torn, and rebuilds indexes, producer state and leader epochs.
public final class UnifiedLog: Sendable {
    /// Whose log it is.
    public let topicPartition: TopicPartition
    let runtime: Runtime
    let options: LogOpenOptions
    let remover: FileRemover
    let state: LogLock<LogState>
    /// Held while the small files beside the segments are written. Taken before `state`, never after.
    let sideFiles = Mutex<Void>(())
    /// Had during a sync, and while the log goes over to another directory. Taken before `sideFiles`.
    let syncTurn: SyncTurn

    init(_ state: consuming LogState, runtime: Runtime, options: LogOpenOptions, remover: FileRemover) {
        topicPartition = state.topicPartition
        self.runtime = runtime
        self.options = options
        self.remover = remover
        self.state = LogLock(state, runtime.queues)
        syncTurn = SyncTurn(runtime.queues)
        settle()
    }

    /// Opens the log in `directory`, which is made where it does not exist. Blocks; without a clean shutdown for as
    /// long as it takes to read what lies above the recovery point.
    ///
    /// - Parameter topicID: written to `partition.metadata` where the directory has none; one that is there must be the
    ///   same, or `inconsistentTopicID` is thrown.
    public static func open(
        directory: String, topicPartition: TopicPartition, topicID: KafkaUUID? = nil,
        configuration: LogConfiguration, runtime: Runtime, options: LogOpenOptions = LogOpenOptions()
    ) throws(StorageError) -> UnifiedLog {
        try open(
            directory: directory, topicPartition: topicPartition, topicID: topicID, configuration: configuration,
            runtime: runtime, options: options, remover: FileRemover(runtime: runtime))
    }

    static func open(
        directory: String, topicPartition: TopicPartition, topicID: KafkaUUID?, configuration: LogConfiguration,
        runtime: Runtime, options: LogOpenOptions, remover: FileRemover
    ) throws(StorageError) -> UnifiedLog {
        var loader = LogLoader(
            directory: directory, topicPartition: topicPartition, configuration: configuration, runtime: runtime,
            options: options)
        var kept = options
        kept.willCheckBytes = nil
        kept.checkedBytes = nil
        let log = UnifiedLog(try loader.load(), runtime: runtime, options: kept, remover: remover)
        if let topicID { try log.setTopicID(topicID) }
        return log
    }

    // MARK: What the log is

    /// Where the files are; changes when the log is deleted or moved.
    public var directory: String { state.withLock { $0.directory } }

    /// The id that the directory is bound to; nil before it is.
    public var topicID: KafkaUUID? { state.withLock { $0.topicID } }

    /// The settings that hold.
    public var configuration: LogConfiguration { state.withLock { $0.configuration } }

    /// Takes over settings; they hold from the next append on.
    public func update(_ configuration: LogConfiguration) {
        state.withLock { state in
            guard configuration != state.configuration else { return }
            state.configuration = configuration
            state.rules = AppendRules(configuration, state.settings)
            state.active.becomeActive(indexBytes: Int(configuration.segmentIndexBytes))
        }
    }

    /// Binds the directory to a topic.
    public func setTopicID(_ topicID: KafkaUUID) throws(StorageError) {
        try settling { (state) throws(StorageError) in try state.setTopicID(topicID) }
    }

    /// `setTopicID` for a log that was there before: a full disk does not keep it out of service.
    func adoptTopicID(_ topicID: KafkaUUID) throws(StorageError) {
        try settling { (state) throws(StorageError) in try state.setTopicID(topicID, mayOwe: true) }
    }

    // MARK: Offsets

    /// The first offset that can be read.
    public var logStartOffset: Int64 { state.withLock { $0.logStartOffset } }

    /// The offset that the next record gets.
    public var logEndOffset: Int64 { state.withLock { $0.nextOffset } }

    /// The end of what consumers may read.
    public var highWatermark: Int64 { state.withLock { $0.highWatermark.offset } }

    /// The end of what consumers of committed records may read: the first offset of the oldest transaction that is not
    /// decided and replicated, or else the high watermark.
    public var lastStableOffset: Int64 { state.withLock { $0.lastStableOffset } }

    /// Everything below is on disk.
    public var recoveryPoint: Int64 { state.withLock { $0.recoveryPoint } }

    /// All of these at one moment.
    public var offsets: LogOffsets {
        state.withLock { state in
            LogOffsets(
                logStartOffset: state.logStartOffset, logEndOffset: state.nextOffset,
                highWatermark: state.highWatermark.offset, lastStableOffset: state.lastStableOffset,
                recoveryPoint: state.recoveryPoint)
        }
    }

    /// The log's end with its place in the files.
    public var endMetadata: LogOffsetMetadata { state.withLock { $0.endMetadata } }

    /// Raises the high watermark to `offset`, at most to the log's end, and returns it. It never goes back this way,
    /// only when the log is truncated.
    @discardableResult
    public func updateHighWatermark(_ offset: Int64) -> Int64 {
        state.withLock { state in
            offset > state.highWatermark.offset ? state.setHighWatermark(offset) : state.highWatermark.offset
        }
    }

    /// As `updateHighWatermark`; nil where it did not move.
    public func incrementHighWatermark(to offset: Int64) -> Int64? {
        state.withLock { state in
            let old = state.highWatermark.offset
            guard offset > old else { return nil }
            let new = state.setHighWatermark(offset)
            return new > old ? new : nil
        }
    }

    /// Moves the log's start up to `offset` (DeleteRecords, or a follower after its leader), at most to the high
    /// watermark. Segments that lie wholly below are deleted later, by retention. Returns whether it moved.
    @discardableResult
    public func incrementLogStartOffset(to offset: Int64) throws(StorageError) -> Bool {
        try settling { (state) throws(StorageError) in try state.incrementLogStart(offset) }
    }

    // MARK: Reading

    /// Finds the batches from the one that holds `offset` on, at most `maxBytes` of them and none above what
    /// `isolation` allows. Reads none of their bytes, except to find the place in cold parts of the log.
    ///
    /// Where the settings demand it (`verifiesReads`), the batches are read and checked, and only good ones are given; a
    /// damaged one at `offset` is a `corrupt` error with its place.
    ///
    /// - Parameter atLeastOne: gives the first batch whole, even where it is larger than `maxBytes`.
    public func read(
        from offset: Int64, maxBytes: Int, isolation: ReadIsolation, atLeastOne: Bool
    ) throws(StorageError) -> FetchedRange {
        guard options.settings.verifiesReads else {
            return try settling { (state) throws(StorageError) in
                try state.read(from: offset, maxBytes: maxBytes, isolation: isolation, atLeastOne: atLeastOne)
            }
        }
        return try readChecked(from: offset, maxBytes: maxBytes, isolation: isolation, atLeastOne: atLeastOne)
    }

    /// `read`, with the marks that a consumer is told at the same moment.
    public func fetch(
        from offset: Int64, maxBytes: Int, isolation: ReadIsolation, atLeastOne: Bool
    ) throws(StorageError) -> ConsumerRead {
        guard options.settings.verifiesReads else {
            return try settling { (state) throws(StorageError) in
                let range = try state.read(
                    from: offset, maxBytes: maxBytes, isolation: isolation, atLeastOne: atLeastOne)
                return ConsumerRead(range: range, marks: state.consumerMarks)
            }
        }
        let range = try readChecked(from: offset, maxBytes: maxBytes, isolation: isolation, atLeastOne: atLeastOne)
        return ConsumerRead(range: range, marks: consumerMarks)
    }

    /// What a consumer is told that has read everything it may, up to `offset`: as `fetch`, at less cost. nil where there is
    /// something else to say, and while the log is busy.
    public func marksAtEnd(_ offset: Int64, isolation: ReadIsolation) -> ConsumerMarks? {
        state.withLockIfFree { $0.marksAtEnd(offset, isolation: isolation) }
    }

    /// What a consumer is told of the log besides its records.
    public var consumerMarks: ConsumerMarks { state.withLock { $0.consumerMarks } }

    /// `read`, with every batch looked at. What was taken back while it was looked at is read again.
    private func readChecked(
        from offset: Int64, maxBytes: Int, isolation: ReadIsolation, atLeastOne: Bool
    ) throws(StorageError) -> FetchedRange {
        while true {
            let (range, check) = try settling { (state) throws(StorageError) in
                try state.readToCheck(from: offset, maxBytes: maxBytes, isolation: isolation, atLeastOne: atLeastOne)
            }
            guard let check else { return range }
            do throws(StorageError) {
                return try check.checked(range)
            } catch {
                let truncationCount = state.withLock { $0.truncationCount }
                if truncationCount == check.truncationCount { throw error }
            }
        }
    }

    // MARK: Size

    /// Bytes in all segments' log files.
    public var size: Int64 { state.withLock { $0.segments.reduce(0) { $0 + $1.size } } }

    /// How many segments there are, the active one included.
    public var segmentCount: Int { state.withLock { $0.segments.count } }

    /// Where the segments begin, ascending, with their sizes in bytes: for who watches a log from outside.
    package var segmentSizes: [(baseOffset: Int64, size: Int64)] {
        state.withLock { $0.segments.map { ($0.baseOffset, $0.size) } }
    }

    /// Why the log is out of service; nil where it is not.
    public var failure: String? { state.withLock { $0.failure } }
}

/// The marks of a log at one moment.
public struct LogOffsets: Equatable, Sendable {
    /// The first offset that can be read.
    public let logStartOffset: Int64
    /// The offset that the next record gets.
    public let logEndOffset: Int64
    /// The end of what consumers may read.
    public let highWatermark: Int64
    /// The end of what consumers of committed records may read.
    public let lastStableOffset: Int64
    /// Everything below is on disk.
    public let recoveryPoint: Int64
}

/// What a consumer gets of a log.
public struct ConsumerRead: Sendable {
    public let range: FetchedRange
    public let marks: ConsumerMarks
}

/// What a consumer is told of a log besides its records.
public struct ConsumerMarks: Equatable, Sendable {
    /// The end of what consumers may read.
    public let highWatermark: Int64
    /// The end of what consumers of committed records may read.
    public let lastStableOffset: Int64
    /// The first offset that can be read.
    public let logStartOffset: Int64
}
