// SPDX-License-Identifier: Apache-2.0
public import KafkaBase
import KafkaRuntime
import Synchronization

/// A copy of a log in another directory, which will replace it.
struct FutureLog: Sendable {
    let log: UnifiedLog
    /// The place of its directory.
    let place: Int
}

/// Which copies are worked on.
struct Moves: Sendable {
    /// In the order they were asked for.
    var waiting: [TopicPartition] = []
    var running: Set<TopicPartition> = []
    /// Copies are continued from when the broker serves on.
    var isStarted = false
    /// Of all of them together.
    var throttle = IOThrottle(rate: .infinity)
}

/// Who is asked and told about moves.
struct MoveHandlers: Sendable {
    var moved: (@Sendable (TopicPartition, KafkaUUID?) -> Void)?
    var pauseCleaning: (@Sendable (TopicPartition, @escaping @Sendable () -> Void) -> Void)?
    var resumeCleaning: (@Sendable (TopicPartition) -> Void)?
}

/// Moving logs between directories (AlterReplicaLogDirs, KIP-113).
///
/// A log is copied into `<partition>.<unique>-future` in the background, while it serves on; once the copy has caught up,
/// the log goes on in its files and the old directory is deleted. As many are copied at a time as there are directories.
extension LogManager {
    /// Bytes of one read, and reads between two looks at whether the copy is still wanted.
    private static let copyBytes = 1 << 20
    private static let readsPerTurn = 16
    /// Milliseconds before a copy that failed goes on.
    private static let moveRetryDelay: Int64 = 1_000

    /// Has `handler` told of each log that has moved, with the id of the directory it is in now, on any thread.
    public func onMove(_ handler: @escaping @Sendable (TopicPartition, KafkaUUID?) -> Void) {
        moveHandlers.withLock { $0.moved = handler }
    }

    /// Has compaction of a log stopped before it is copied, and allowed again afterwards.
    public func pauseCleaning(
        with pause: @escaping @Sendable (TopicPartition, @escaping @Sendable () -> Void) -> Void,
        resume: @escaping @Sendable (TopicPartition) -> Void
    ) {
        moveHandlers.withLock { handlers in
            handlers.pauseCleaning = pause
            handlers.resumeCleaning = resume
        }
    }

    /// Sets how many bytes a second all copies may take together (`replica.alter.log.dirs.io.max.bytes.per.second`); at
    /// least 1. The few that are appended while a copy takes its log's place are not held up.
    public func setMoveRate(bytesPerSecond: Int64) {
        state.withLock { state in
            // None at all would never end.
            state.moves.throttle.rate = bytesPerSecond == .max ? .infinity : Double(max(bytesPerSecond, 1))
        }
    }

    /// Begins to move a partition's log to the directory with this path; gives up a move to another one. To name the
    /// directory that the log is in gives up a move without beginning one. Blocks, but not for the copying.
    ///
    /// Throws `logDirNotFound` for an unknown directory, `kafkaStorageError` where it is out of service,
    /// `replicaNotAvailable` where there is no such log, `invalidTopicException` for a name that leaves no room for the
    /// mark of a copy.
    public func move(_ partition: TopicPartition, to path: String) throws(StorageError) {
        guard LogFileNames.hasRoomForMark(partition) else {
            throw .kafka(.invalidTopicException, "The topic name is too long.")
        }
        let place = try place(ofPath: path)
        try moving.withLock { (_) throws(StorageError) in
            let (log, current, future) = state.withLock {
                ($0.logs[partition], $0.places[partition], $0.futures[partition])
            }
            guard let log, let current else {
                throw .kafka(.replicaNotAvailable, "\(partition) has no log on this broker")
            }
            if let future {
                if future.place == place { return }
                try giveUp(future, of: partition)
            }
            guard current != place else { return }
            try beginMove(log, partition, to: place)
        }
        runMoves()
    }

    private func place(ofPath path: String) throws(StorageError) -> Int {
        var wanted = path[...]
        while wanted.count > 1, wanted.hasSuffix("/") { wanted.removeLast() }
        guard let place = configuration.directories.firstIndex(where: { $0 == path || $0 == String(wanted) }) else {
            throw .kafka(.logDirNotFound, "Log dir \(path) is not found in the config.")
        }
        if let failure = state.withLock({ $0.directories[place].failure }) {
            throw .offline(path: path, reason: failure)
        }
        return place
    }

    private func beginMove(_ log: UnifiedLog, _ partition: TopicPartition, to place: Int) throws(StorageError) {
        let directory = configuration.directories[place]
        let name = LogFileNames.marked(partition, unique: runtime.random.uuid(), suffix: LogFileNames.futureSuffix)
        let path = "\(directory)/\(name)"
        let copy: UnifiedLog
        do throws(StorageError) {
            // Of another copy that was given up.
            try forgetCheckpoints(of: partition, inDirectory: place)
            copy = try open(path, partition, log.topicID, log.configuration, LogOpenOptions())
        } catch {
            try? runtime.files.removeTree(path)
            if case .io(let failure) = error, failure.meansFailedDirectory {
                markOffline(directory: directory, reason: "\(error)")
            }
            throw error
        }
        let isWanted = state.withLock { state in
            guard !state.isShutDown, state.directories[place].isOnline, state.logs[partition] === log else {
                return false
            }
            state.futures[partition] = FutureLog(log: copy, place: place)
            state.moves.waiting.append(partition)
            return true
        }
        guard isWanted else {
            try? copy.delete(unique: runtime.random.uuid())
            throw .kafka(.kafkaStorageError, "\(partition) or \(directory) went out of service")
        }
    }

    /// Gives up the copy of a log that is deleted.
    func dropFuture(of partition: TopicPartition) throws(StorageError) {
        guard state.withLock({ $0.futures[partition] }) != nil else { return }
        try moving.withLock { (_) throws(StorageError) in
            if let future = state.withLock({ $0.futures[partition] }) { try giveUp(future, of: partition) }
        }
    }

    private func giveUp(_ future: FutureLog, of partition: TopicPartition) throws(StorageError) {
        try future.log.delete(unique: runtime.random.uuid())
        state.withLock { state in
            if state.futures[partition]?.log === future.log { state.futures[partition] = nil }
            state.moves.waiting.removeAll { $0 == partition }
        }
    }

    // MARK: Copying

    /// Goes on with the copies that were found at the start.
    func startMoves() {
        state.withLock { state in
            state.moves.isStarted = true
            let known = Set(state.moves.waiting)
            state.moves.waiting += state.futures.keys.filter { state.logs[$0] != nil && !known.contains($0) }.sorted()
        }
        runMoves()
    }

    /// Begins the copies whose turn has come.
    private func runMoves() {
        let due = state.withLock { state -> [TopicPartition] in
            guard state.moves.isStarted, !state.isShutDown else { return [] }
            var due: [TopicPartition] = []
            while state.moves.running.count < state.directories.count,
                let next = state.moves.waiting.firstIndex(where: { !state.moves.running.contains($0) })
            {
                let partition = state.moves.waiting.remove(at: next)
                guard state.futures[partition] != nil else { continue }
                state.moves.running.insert(partition)
                due.append(partition)
            }
            return due
        }
        for partition in due {
            let begin: @Sendable () -> Void = { [self] in runtime.queues.runBlocking { self.copy(partition) } }
            if let pause = moveHandlers.withLock({ $0.pauseCleaning }) { pause(partition, begin) } else { begin() }
        }
    }

    /// One turn of a copy, on a background thread.
    private func copy(_ partition: TopicPartition) {
        let (log, future) = state.withLock { ($0.isShutDown ? nil : $0.logs[partition], $0.futures[partition]) }
        guard let log, let future else { return endTurn(partition) }
        do throws(StorageError) {
            var wait: Int64 = 0
            for _ in 0..<Self.readsPerTurn where wait == 0 {
                let bytes = try log.copy(to: future.log, maxBytes: Self.copyBytes)
                if bytes == 0 {
                    if try finish(partition, log, future) { return endTurn(partition) }
                    break
                }
                wait = throttled(bytes)
            }
            // Bit by bit, so that the last sync, which holds up those of the log, is short.
            try future.log.flush()
            // Others have their turn in between.
            let runtime = runtime
            guard wait > 0 else { return runtime.queues.runBlocking { self.copy(partition) } }
            queue.schedule(after: wait) { [weak self] in
                guard let manager = self else { return }
                runtime.queues.runBlocking { manager.copy(partition) }
            }
        } catch {
            let isWanted = state.withLock { $0.futures[partition]?.log === future.log && !$0.isShutDown }
            guard isWanted else { return endTurn(partition) }
            observer?.logEvent(.backgroundFailure(path: future.log.directory, what: "move", error: error))
            queue.schedule(after: Self.moveRetryDelay) { [weak self] in
                self?.state.withLock { $0.moves.waiting.append(partition) }
                self?.runMoves()
            }
            endTurn(partition)
        }
    }

    /// Notes that `bytes` were copied; returns how many milliseconds to wait.
    private func throttled(_ bytes: Int) -> Int64 {
        let now = runtime.clock.monotonicNanoseconds
        return state.withLock { $0.moves.throttle.moved(Int64(bytes), now: now) }
    }

    /// Puts a copy that has caught up in the place of its log; false where more was appended meanwhile.
    private func finish(
        _ partition: TopicPartition, _ log: UnifiedLog, _ future: FutureLog
    ) throws(StorageError) -> Bool {
        // A start after a crash must find the log's start and what needs no recovery in the new directory, too.
        checkpointLogStartOffsets()
        return try moving.withLock { (_) throws(StorageError) in
            let isWanted = state.withLock { $0.futures[partition]?.log === future.log && !$0.isShutDown }
            guard isWanted else { return true }
            let source = parentDirectory(of: log.directory)
            let isMoved = try log.replaceFiles(by: future.log) {
                state.withLock { state in
                    state.futures[partition] = nil
                    if state.logs[partition] === log { state.places[partition] = future.place }
                }
            }
            guard isMoved else { return false }
            checkpointLogStartOffsets()
            checkpointRecoveryPoints()
            let target = configuration.directories[future.place]
            observer?.logEvent(.moved(partition: partition, from: source, to: target))
            let directoryID = state.withLock { $0.directories[future.place].directoryID }
            moveHandlers.withLock { $0.moved }?(partition, directoryID)
            return true
        }
    }

    private func endTurn(_ partition: TopicPartition) {
        _ = state.withLock { $0.moves.running.remove(partition) }
        moveHandlers.withLock { $0.resumeCleaning }?(partition)
        runMoves()
    }
}
