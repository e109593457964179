// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRuntime
import Synchronization

extension LogManager {
    /// One log that is to be loaded.
    private struct LoadItem: Sendable {
        var place: Int
        var partition: TopicPartition
        var path: String
        /// A copy that was to replace a log in another directory.
        var isFuture: Bool
        var options: LogOpenOptions
    }

    /// What the threads that load share.
    private final class LoadWork: Sendable {
        struct State: Sendable {
            var items: [LoadItem]
            var next = 0
            var runningThreads = 0
            var progress: LoadProgress
            var failedLogs: [(partition: TopicPartition, error: StorageError)] = []
        }

        let state: Mutex<State>

        init(_ items: [LoadItem]) {
            state = Mutex(
                State(items: items, progress: LoadProgress(loadedLogs: 0, totalLogs: items.count, loadedBytes: 0)))
        }

        /// Notes what was done and tells of it, one at a time.
        func report(_ tell: (@Sendable (LoadProgress) -> Void)?, _ change: (inout LoadProgress) -> Void) {
            state.withLock { state in
                change(&state.progress)
                tell?(state.progress)
            }
        }
    }

    /// Locks the directories, making them where they do not exist, and reads what they say about themselves. Blocks.
    ///
    /// A directory that cannot be used is taken out of service; throws the last failure where none is left, and at
    /// once where a directory is locked: another broker is running on it.
    public func openDirectories() throws(StorageError) {
        var failures: [(place: Int, error: StorageError)] = []
        for (place, path) in configuration.directories.enumerated() {
            do throws(StorageError) {
                var directory = LogDirectory(path: path)
                directory.lock = try storing { () throws(FileError) in
                    if try runtime.files.status(path) == nil {
                        try runtime.files.createDirectory(path)
                        try runtime.files.syncDirectory(parentDirectory(of: path))
                    }
                    return try runtime.files.lock("\(path)/\(LogFileNames.lock)")
                }
                directory.metaProperties = try MetaProperties.read(directory: path, runtime.files)
                directory.cleanShutdown = try CleanShutdownMarker.read(directory: path, runtime.files)
                let opened = directory
                state.withLock { $0.directories[place] = opened }
            } catch {
                if case .io(let failure) = error, failure.kind == .locked { throw error }
                failures.append((place, error))
            }
        }
        // The failure that is thrown is not also told: whoever catches it says it once.
        let thrown = failures.count == configuration.directories.count ? failures.popLast() : nil
        for (place, error) in failures {
            markOffline(directory: configuration.directories[place], reason: "\(error)")
        }
        if let thrown {
            state.withLock { $0.directories[thrown.place].failure = "\(thrown.error)" }
            throw thrown.error
        }
    }

    /// Reads `meta.properties` again where there was none: somebody else has formatted the directories since. Blocks.
    public func readMissingProperties() throws(StorageError) {
        for (place, directory) in directories.enumerated() where directory.isOnline && directory.metaProperties == nil {
            let properties = try MetaProperties.read(directory: directory.path, runtime.files)
            state.withLock { $0.directories[place].metaProperties = properties }
        }
    }

    /// Writes `meta.properties` in a directory, durably, in place of what it has. Blocks.
    public func format(directory path: String, _ properties: MetaProperties, comment: String) throws(StorageError) {
        try properties.write(directory: path, comment: comment, runtime.files)
        state.withLock { state in
            guard let place = state.directories.firstIndex(where: { $0.path == path }) else { return }
            state.directories[place].metaProperties = properties
        }
    }

    /// Loads every log of every directory in service, some at once, on background threads. Then removes the markers of
    /// the clean shutdown and calls `completion`, once, on the last of those threads.
    ///
    /// - Parameters:
    ///   - threadsPerDirectory: how many logs of a directory at once; nil as configured.
    ///   - topicConfiguration: the settings of a topic, by name. Called on any thread.
    ///   - topicID: the id of the topic that has a name now, nil where none has. Of logs of one partition in several
    ///     directories, that of this topic is taken: the others may be of a topic that was deleted while its directory was out
    ///     of service. Called on any thread.
    ///   - progress: called after each log and while large ones are recovered, on any thread, one call at a time.
    public func loadLogs(
        threadsPerDirectory: Int? = nil,
        topicConfiguration: @escaping @Sendable (String) -> LogConfiguration,
        topicID: @escaping @Sendable (String) -> KafkaUUID? = { _ in nil },
        progress: (@Sendable (LoadProgress) -> Void)? = nil,
        completion: @escaping @Sendable (LoadReport) -> Void
    ) {
        var items: [LoadItem] = []
        for (place, directory) in directories.enumerated() where directory.isOnline {
            do throws(StorageError) {
                items += try findLogs(in: directory, place)
            } catch {
                markOffline(directory: directory.path, reason: "\(error)")
            }
        }
        let work = LoadWork(items)
        let online = directories.filter(\.isOnline).count
        let threads = max(
            1, min(items.count, online * (threadsPerDirectory ?? configuration.recoveryThreadsPerDirectory)))
        work.state.withLock { $0.runningThreads = threads }
        for _ in 0..<threads {
            runtime.queues.runBlocking {
                self.load(work, topicConfiguration, topicID, progress)
                let isLast = work.state.withLock { state in
                    state.runningThreads -= 1
                    return state.runningThreads == 0
                }
                if isLast { completion(self.finishLoading(work.state.withLock { $0.failedLogs })) }
            }
        }
    }

    /// The logs in a directory with what the checkpoints say of them; has leftovers of deleted ones removed.
    private func findLogs(in directory: LogDirectory, _ place: Int) throws(StorageError) -> [LoadItem] {
        let names = try storing { () throws(FileError) in try runtime.files.list(directory.path) }
        func checkpoint(_ name: String) throws(StorageError) -> [TopicPartition: Int64] {
            let path = "\(directory.path)/\(name)"
            do throws(StorageError) {
                return try OffsetCheckpoint.read(path, runtime.files)
            } catch {
                // Everything in it can be found again, only not as fast.
                guard case .corrupt(_, _, let reason) = error else { throw error }
                observer?.logEvent(.removedFile(path: path, reason: reason))
                return [:]
            }
        }
        let recoveryPoints = try checkpoint(LogFileNames.recoveryPoints)
        let logStarts = try checkpoint(LogFileNames.logStartOffsets)
        let highWatermarks = try checkpoint(LogFileNames.highWatermarks)
        let cleanedOffsets = try checkpoint(LogFileNames.cleanedOffsets)
        // What is there need not be written again; entries of logs that are gone go with the next change.
        state.withLock { $0.directories[place].lastCheckpoints[LogFileNames.cleanedOffsets] = cleanedOffsets }
        var items: [LoadItem] = []
        var deleted: [String] = []
        for name in LogFileNames.replaced.map({ $0 + ".tmp" }) where names.contains(name) {
            // One that cannot be removed is in nobody's way.
            guard (try? runtime.files.remove("\(directory.path)/\(name)")) != nil else { continue }
            observer?.logEvent(.removedFile(path: "\(directory.path)/\(name)", reason: "it was not finished"))
        }
        for name in names {
            let path = "\(directory.path)/\(name)"
            if LogFileNames.marked(name, suffix: LogFileNames.deleteSuffix) != nil { deleted.append(path) }
            let copied = LogFileNames.marked(name, suffix: LogFileNames.futureSuffix)
            guard let partition = copied ?? LogDirectory.partition(name) else { continue }
            var options = LogOpenOptions()
            options.recoveryPoint = recoveryPoints[partition] ?? 0
            options.logStartOffset = logStarts[partition] ?? 0
            options.highWatermark = highWatermarks[partition] ?? 0
            options.cleanedUpTo = cleanedOffsets[partition]
            options.wasCleanShutdown = directory.cleanShutdown != nil
            items.append(
                LoadItem(place: place, partition: partition, path: path, isFuture: copied != nil, options: options))
        }
        if !deleted.isEmpty {
            // Whoever renamed them may not have lived to sync the names.
            state.withLock { $0.directories[place].deletions += 1 }
            remover.remove(deleted, after: 0)
        }
        return items
    }

    private func load(
        _ work: LoadWork, _ topicConfiguration: @Sendable (String) -> LogConfiguration,
        _ topicID: @Sendable (String) -> KafkaUUID?, _ progress: (@Sendable (LoadProgress) -> Void)?
    ) {
        while let item = work.state.withLock({ state -> LoadItem? in
            guard state.next < state.items.count else { return nil }
            defer { state.next += 1 }
            return state.items[state.next]
        }) {
            var bytes: Int64 = 0
            do throws(StorageError) {
                var item = item
                item.options.willCheckBytes = { bytes in
                    work.report(progress) { $0.bytesToCheck += bytes }
                }
                item.options.checkedBytes = { bytes in
                    work.report(progress) { $0.checkedBytes += bytes }
                }
                let topic = item.partition.topic
                if let log = try load(item, topicConfiguration(topic), topicID(topic)) { bytes = log.size }
            } catch {
                if case .corrupt(_, _, let reason) = error, item.isFuture {
                    // It can be made again.
                    observer?.logEvent(.removedFile(path: item.path, reason: reason))
                    remover.remove([item.path], after: 0)
                } else if case .corrupt = error {
                    work.state.withLock { $0.failedLogs.append((item.partition, error)) }
                    state.withLock { state in
                        state.unreadable[item.partition] = error
                        state.unreadableOptions[item.partition] = (item.place, item.options)
                    }
                } else {
                    markOffline(directory: configuration.directories[item.place], reason: "\(error)")
                }
            }
            work.report(progress) { done in
                done.loadedLogs += 1
                done.loadedBytes += bytes
            }
        }
    }

    /// Loads one log; nil where its directory is out of service, or another directory has it, too.
    private func load(
        _ item: LoadItem, _ topic: LogConfiguration, _ topicID: KafkaUUID?
    ) throws(StorageError) -> UnifiedLog? {
        guard state.withLock({ $0.directories[item.place].isOnline }) else { return nil }
        let status = try storing { () throws(FileError) in try runtime.files.status(item.path) }
        guard status?.isDirectory == true else { return nil }
        let log = try open(item.path, item.partition, nil, topic, item.options)
        let other = state.withLock { state -> UnifiedLog? in
            guard state.directories[item.place].isOnline else {
                log.markOffline("its directory is out of service")
                return nil
            }
            if item.isFuture {
                guard state.futures[item.partition] == nil else { return log }
                state.futures[item.partition] = FutureLog(log: log, place: item.place)
                return nil
            }
            guard let known = state.logs[item.partition] else {
                state.logs[item.partition] = log
                state.places[item.partition] = item.place
                return nil
            }
            guard Self.isCurrent(log, rather: known, topicID) else { return log }
            state.logs[item.partition] = log
            state.places[item.partition] = item.place
            return known
        }
        if let other {
            observer?.logEvent(
                .removedFile(path: other.directory, reason: "\(item.partition) is in another directory, too"))
            try other.setAside(unique: runtime.random.uuid())
        }
        return log
    }

    /// Whether `log` is its partition's rather than `known`, from another directory.
    private static func isCurrent(_ log: UnifiedLog, rather known: UnifiedLog, _ topicID: KafkaUUID?) -> Bool {
        let (one, other) = (log.topicID, known.topicID)
        if let topicID, one != other, one == topicID || other == topicID { return one == topicID }
        // The power failed while the log moved, so that one is what the other was; the longer one is the newer.
        return log.logEndOffset > known.logEndOffset
    }

    /// Gives each copy that was found its part: one whose log is there goes on, one that has lost it takes its place.
    private func settleFutures() {
        let (futures, logs, places) = state.withLock { ($0.futures, $0.logs, $0.places) }
        for partition in futures.keys.sorted() {
            guard let future = futures[partition] else { continue }
            do throws(StorageError) {
                if let log = logs[partition] {
                    // A log is not moved to where it is, nor does the copy of a topic's log take the place of another's.
                    let (one, other) = (log.topicID, future.log.topicID)
                    let isOfAnother = one != nil && other != nil && one != other
                    guard places[partition] == future.place || isOfAnother else { continue }
                    try dropFuture(of: partition)
                } else if !hasFailedDirectories {
                    // The process ended after the old log was given up and before the copy had its name.
                    try future.log.assumeName()
                    state.withLock { state in
                        state.futures[partition] = nil
                        state.logs[partition] = future.log
                        state.places[partition] = future.place
                    }
                }
            } catch {
                markOffline(directory: configuration.directories[future.place], reason: "\(error)")
            }
        }
    }

    private func finishLoading(
        _ failedLogs: [(partition: TopicPartition, error: StorageError)]
    ) -> LoadReport {
        settleFutures()
        state.withLock { $0.isLoaded = true }
        // After an unclean stop the old file may vouch for offsets that are gone and will be given again.
        if directories.contains(where: { $0.isOnline && $0.cleanShutdown == nil }) { checkpointRecoveryPoints() }
        for directory in directories where directory.isOnline {
            do throws(StorageError) {
                if directory.cleanShutdown != nil {
                    try CleanShutdownMarker.remove(directory: directory.path, runtime.files)
                } else {
                    // The process that made a log may have died before the log's own name was synced.
                    try storing { () throws(FileError) in try runtime.files.syncDirectory(directory.path) }
                }
            } catch {
                markOffline(directory: directory.path, reason: "\(error)")
            }
        }
        return state.withLock { state in
            let online = state.directories.filter(\.isOnline)
            let epochs = online.map { $0.cleanShutdown?.brokerEpoch ?? -1 }
            let isClean = online.allSatisfy { $0.cleanShutdown != nil }
            return LoadReport(
                logs: state.logs.count, wasCleanShutdown: isClean,
                previousBrokerEpoch: isClean && Set(epochs).count == 1 ? epochs[0] : -1,
                failedDirectories: state.directories.compactMap { directory in
                    directory.failure.map { (directory.path, .offline(path: directory.path, reason: $0)) }
                },
                failedLogs: failedLogs.sorted { $0.partition < $1.partition })
        }
    }
}
