// SPDX-License-Identifier: Apache-2.0
public import KafkaBase
public import KafkaRuntime
import Synchronization

/// What a `LogManager` is told when it is made.
public struct LogManagerConfiguration: Sendable {
    /// `log.dirs`, in the order they are given. At least one.
    public var directories: [String]
    /// `num.recovery.threads.per.data.dir`.
    public var recoveryThreadsPerDirectory = 2
    /// `log.initial.task.delay.ms`: how long after `startTasks` the intervals of the checkpoints begin.
    public var initialTaskDelayMs: Int64 = 0
    /// `log.flush.offset.checkpoint.interval.ms`.
    public var recoveryPointCheckpointIntervalMs: Int64 = 60_000
    /// `log.flush.start.offset.checkpoint.interval.ms`.
    public var logStartOffsetCheckpointIntervalMs: Int64 = 60_000
    /// `replica.high.watermark.checkpoint.interval.ms`.
    public var highWatermarkCheckpointIntervalMs: Int64 = 5_000
    /// `producer.id.expiration.check.interval.ms`.
    public var producerExpirationCheckIntervalMs: Int64 = 600_000
    /// How many logs may keep files open while nobody uses them.
    public var openLogsMax = 1_000
    /// How often unused logs are looked for where there are more.
    public var idleCheckIntervalMs: Int64 = 10_000
    /// Settings for all logs.
    public var settings = LogSettings()

    /// Defaults are Kafka's.
    public init(directories: [String]) { self.directories = directories }
}

/// How far loading has come.
public struct LoadProgress: Equatable, Sendable {
    /// Logs that are loaded.
    public var loadedLogs: Int
    /// Logs that were found.
    public var totalLogs: Int
    /// Bytes in the log files of what is loaded.
    public var loadedBytes: Int64
    /// After an unclean shutdown: bytes that were looked at batch by batch.
    public var checkedBytes: Int64 = 0
    /// How many there are of those in the logs whose turn it was.
    public var bytesToCheck: Int64 = 0
}

/// What loading found.
public struct LoadReport: Sendable {
    /// Logs that were loaded.
    public var logs: Int
    /// Whether every directory in service had been left by a clean shutdown.
    public var wasCleanShutdown: Bool
    /// From the markers; −1 where the shutdown was not clean or the epoch is not known.
    public var previousBrokerEpoch: Int64
    /// Directories that are out of service, with the reason.
    public var failedDirectories: [(path: String, error: StorageError)]
    /// Logs that were not loaded because their files are damaged, by partition. Their directories serve on.
    public var failedLogs: [(partition: TopicPartition, error: StorageError)]
}

/// What is known of a partition's log when it is asked for.
public enum LogExpectation: Sendable {
    /// The partition is new.
    case nothing
    /// The partition was here before, so that its log may lie in a directory that is out of service.
    case log
}

/// All logs of a broker, in one or more directories.
///
/// Takes each directory's lock, reads its `meta.properties` and checkpoints, loads its logs in parallel, gives new logs
/// their place, keeps the checkpoint files up to date, and leaves everything as a clean shutdown does. A directory that
/// fails is taken out of service; the others serve on. Safe to use from any thread; blocking calls say so.
///
/// Lock order: a manager's lock, then a log's.
public final class LogManager: Sendable {
    struct State: Sendable {
        var directories: [LogDirectory]
        var logs: [TopicPartition: UnifiedLog] = [:]
        /// The place in `directories` of every log.
        var places: [TopicPartition: Int] = [:]
        /// Copies that are to replace logs in other directories.
        var futures: [TopicPartition: FutureLog] = [:]
        var moves = Moves()
        /// Why logs could not be loaded whose directories are there.
        var unreadable: [TopicPartition: StorageError] = [:]
        /// What the checkpoints said of those, and of which directory.
        var unreadableOptions: [TopicPartition: (place: Int, options: LogOpenOptions)] = [:]
        /// Before, a checkpoint would lack the logs that are not loaded yet.
        var isLoaded = false
        var isShutDown = false
    }

    /// As it was given.
    public let configuration: LogManagerConfiguration
    let runtime: Runtime
    let observer: (any LogObserver)?
    let remover: FileRemover
    let queue: any SerialQueue
    let state: Mutex<State>
    /// Held while checkpoint files are written. Taken before `state`.
    let checkpointing = Mutex<Void>(())
    /// Held while copies are made, given up or put in the place of their logs. Taken before `checkpointing`.
    let moving = Mutex<Void>(())
    let moveHandlers = Mutex(MoveHandlers())
    let failureHandler = Mutex<(@Sendable (FailedDirectory) -> Void)?>(nil)
    /// What logs are opened with; at first that of `configuration`.
    let settings: Mutex<LogSettings>

    /// Touches no file yet.
    public init(configuration: LogManagerConfiguration, runtime: Runtime, observer: (any LogObserver)? = nil) {
        precondition(!configuration.directories.isEmpty, "a broker has at least one log directory")
        self.configuration = configuration
        settings = Mutex(configuration.settings)
        self.runtime = runtime
        self.observer = observer
        remover = FileRemover(runtime: runtime)
        queue = runtime.queues.makeQueue(label: "log-manager")
        state = Mutex(State(directories: configuration.directories.map { LogDirectory(path: $0) }))
    }

    /// Takes over `producer.id.expiration.ms` for all logs, from their next look for expired producers on.
    public func update(producerIDExpirationMs: Int64) {
        settings.withLock { $0.producerIDExpirationMs = producerIDExpirationMs }
        for log in logs { log.update(producerIDExpirationMs: producerIDExpirationMs) }
    }

    // MARK: Directories

    /// The directories as they are now, in their order.
    public var directories: [LogDirectory] { state.withLock { $0.directories } }

    /// The directory that holds a log.
    public func directory(of partition: TopicPartition) -> LogDirectory? {
        state.withLock { state in state.places[partition].map { state.directories[$0] } }
    }

    /// The id of the directory that holds a log; nil where there is no log, or its directory has no id.
    public func directoryID(of partition: TopicPartition) -> KafkaUUID? {
        state.withLock { state in state.places[partition].flatMap { state.directories[$0].directoryID } }
    }

    /// Whether one of the directories, in service or not, has this id.
    public func hasDirectory(_ id: KafkaUUID) -> Bool {
        state.withLock { state in state.directories.contains { $0.directoryID == id } }
    }

    // MARK: Logs

    /// The partition's log; nil where there is none, or its directory is out of service.
    public func log(for partition: TopicPartition) -> UnifiedLog? { state.withLock { $0.logs[partition] } }

    /// All logs, by partition.
    public var logs: [UnifiedLog] {
        state.withLock { state in state.logs.values.sorted { $0.topicPartition < $1.topicPartition } }
    }

    /// How many logs there are.
    public var logCount: Int { state.withLock { $0.logs.count } }

    /// The partition's log, made where there is none: in `directoryID`'s directory if one is named, else in the
    /// directory in service that has the fewest; where that one turns out to have failed, in another.
    ///
    /// Throws `kafkaStorageError` where no directory is in service, or the log may lie in one that is not, and
    /// `logDirNotFound` for an unknown directory.
    public func createLog(
        for partition: TopicPartition, topicID: KafkaUUID? = nil, configuration topic: LogConfiguration,
        directoryID: KafkaUUID? = nil, expecting expectation: LogExpectation = .nothing
    ) throws(StorageError) -> UnifiedLog {
        if expectation == .log, log(for: partition) == nil, hasFailedDirectories {
            throw .kafka(.kafkaStorageError, "\(partition) may be in a directory that is out of service")
        }
        while true {
            do throws(StorageError) {
                return try makeLog(for: partition, topicID: topicID, topic, directoryID: directoryID)
            } catch {
                // Each round takes a directory out of service, so that this ends.
                guard case .io(let failure) = error, failure.meansFailedDirectory, directoryID == nil else {
                    throw error
                }
            }
        }
    }

    private func makeLog(
        for partition: TopicPartition, topicID: KafkaUUID?, _ topic: LogConfiguration, directoryID: KafkaUUID?
    ) throws(StorageError) -> UnifiedLog {
        // The place is taken under the lock, the files are made without it: lookups must not wait for the disk.
        let existing = try state.withLock { (state) throws(StorageError) -> UnifiedLog? in
            if let log = state.logs[partition] { return log }
            if state.isShutDown { throw .closed(path: configuration.directories[0]) }
            if let failure = state.unreadable[partition] { throw failure }
            guard state.places[partition] == nil else {
                throw .kafka(.kafkaStorageError, "\(partition) is being made or deleted")
            }
            state.places[partition] = try Self.place(directoryID, state)
            return nil
        }
        if let existing {
            if let topicID { try existing.adoptTopicID(topicID) }
            return existing
        }
        let place = state.withLock { $0.places[partition] }
        guard let place else { throw .kafka(.kafkaStorageError, "the directory of \(partition) is offline") }
        let directory = configuration.directories[place]
        let path = "\(directory)/\(partition)"
        let found = try? runtime.files.status(path)
        let isNew = found == .some(nil)
        do throws(StorageError) {
            // Somebody put it there; nothing is wrong with the directory, or with other partitions.
            if let status = found.flatMap(\.self), !status.isDirectory {
                throw .kafka(.kafkaStorageError, "\(path) is not a directory")
            }
            try forgetCheckpoints(of: partition, inDirectory: place)
            try syncDeletions(inDirectory: place)
            let log = try open(path, partition, topicID, topic, LogOpenOptions())
            state.withLock { state in
                // The directory may have gone out of service meanwhile, and its places with it.
                if state.places[partition] == nil {
                    log.markOffline("\(directory) is offline")
                } else {
                    state.logs[partition] = log
                }
            }
            return log
        } catch {
            // The next attempt may choose another directory.
            if isNew {
                try? runtime.files.removeTree(path)
                // Or a loss of power brings it back, beside the one that was made elsewhere.
                try? runtime.files.syncDirectory(directory)
            }
            if case .io(let failure) = error, failure.meansFailedDirectory {
                markOffline(directory: directory, reason: "\(error)")
            }
            state.withLock { $0.places[partition] = nil }
            throw error
        }
    }

    func open(
        _ path: String, _ partition: TopicPartition, _ topicID: KafkaUUID?, _ topic: LogConfiguration,
        _ given: LogOpenOptions
    ) throws(StorageError) -> UnifiedLog {
        var options = given
        options.settings = settings.withLock { $0 }
        options.observer = observer
        options.recoveryPointLowered = { [weak self] in
            self?.checkpointRecoveryPoints()
            self?.checkpointCleanedOffsets()
        }
        options.directoryFailed = { [weak self] directory, error in
            self?.markOffline(directory: directory, reason: "\(error)")
        }
        return try UnifiedLog.open(
            directory: path, topicPartition: partition, topicID: topicID, configuration: topic, runtime: runtime,
            options: options, remover: remover)
    }

    private static func place(_ directoryID: KafkaUUID?, _ state: State) throws(StorageError) -> Int {
        if let directoryID {
            guard let named = state.directories.firstIndex(where: { $0.directoryID == directoryID }) else {
                throw .kafka(.logDirNotFound, "no log directory has the id \(directoryID)")
            }
            if let failure = state.directories[named].failure {
                throw .offline(path: state.directories[named].path, reason: failure)
            }
            return named
        }
        var counts = [Int](repeating: 0, count: state.directories.count)
        for place in state.places.values { counts[place] += 1 }
        let online = state.directories.indices.filter { state.directories[$0].isOnline }
        guard let best = online.min(by: { counts[$0] < counts[$1] }) else {
            throw .kafka(.kafkaStorageError, "no log directory is in service")
        }
        return best
    }

    /// Deletes a partition's log: it is gone at once, its files after `file.delete.delay.ms`. Does nothing where there
    /// is none.
    public func deleteLog(for partition: TopicPartition) throws(StorageError) {
        try dropFuture(of: partition)
        let log = state.withLock { state in
            defer { state.logs[partition] = nil }
            return state.logs[partition]
        }
        guard let log else { return }
        do throws(StorageError) {
            try log.delete(unique: runtime.random.uuid())
            state.withLock { state in
                if let place = state.places[partition] { state.directories[place].deletions += 1 }
                state.places[partition] = nil
            }
            if log.cleanedUpTo != nil { runtime.queues.runBlocking { self.checkpointCleanedOffsets() } }
        } catch {
            state.withLock { state in
                // The failure may have taken the directory out of service, and the log's place with it.
                if state.places[partition] == nil {
                    log.markOffline("\(error)")
                } else {
                    state.logs[partition] = log
                }
            }
            throw error
        }
    }
}
