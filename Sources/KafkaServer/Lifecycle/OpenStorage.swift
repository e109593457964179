// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
internal import KafkaRaft
internal import KafkaRuntime
internal import KafkaStorage
internal import Logging

/// The log directories of a node: locked, formatted, and known to belong together.
struct OpenStorage: Sendable {
    let clusterID: String
    let logs: LogManager
    /// nil where `log.cleaner.enable` is off.
    let cleaner: LogCleaner?
    private let retention: LogRetention
    /// Milliseconds from the start to the first look of `retention`.
    private let retentionDelay: Int64
    /// The directory of `__cluster_metadata-0`.
    let metadataDirectory: String
    /// The id of the log directory it lies in.
    let metadataDirectoryID: KafkaUUID
    let bootstrap: BootstrapMetadata
    /// Held when the metadata log has a directory of its own.
    private let metadataLock: (any FileLock)?

    /// Locks the directories and sets up those that are empty, unless `auto.format` is off. Blocks.
    static func open(
        _ configuration: BrokerConfiguration, runtime: Runtime, observer: any LogObserver, log: Logger
    ) throws -> OpenStorage {
        let storage = configuration.storage
        let logs = LogManager(
            configuration: LogManagerConfiguration(storage), runtime: runtime, observer: observer)
        do throws(StorageError) {
            try logs.openDirectories()
        } catch {
            throw startError(error)
        }
        let metadataRoot = storage.metadataLogDirectory
        let isOwn = !storage.logDirectories.contains(metadataRoot)
        var lock: (any FileLock)?
        if isOwn {
            do throws(FileError) {
                if try runtime.files.status(metadataRoot) == nil {
                    try runtime.files.createDirectory(metadataRoot)
                    try runtime.files.syncDirectory(parentDirectory(of: metadataRoot))
                }
                lock = try runtime.files.lock("\(metadataRoot)/.lock")
            } catch {
                throw startError(.io(error))
            }
        }
        do {
            let cleaner =
                storage.cleaner.isEnabled
                ? LogCleaner(
                    configuration: LogCleanerConfiguration(storage.cleaner), logs: logs, runtime: runtime,
                    observer: observer) : nil
            if let cleaner {
                logs.pauseCleaning(
                    with: { [weak cleaner] partition, go in
                        guard let cleaner else { return go() }
                        cleaner.pause(partition, completion: go)
                    }, resume: { [weak cleaner] partition in cleaner?.resume(partition) })
            }
            return try OpenStorage(
                configuration, runtime, logs, cleaner, log, metadataRoot: metadataRoot, lock: lock)
        } catch {
            lock?.release()
            logs.abandon()
            throw error
        }
    }

    /// Written by a node's first election, after the directory was formatted.
    private static let ranBefore = "\(MetadataStore.topicPartition)/\(QuorumState.fileName)"

    private init(
        _ configuration: BrokerConfiguration, _ runtime: Runtime, _ logs: LogManager, _ cleaner: LogCleaner?,
        _ log: Logger, metadataRoot: String, lock: (any FileLock)?
    ) throws {
        self.logs = logs
        retention = LogRetention(logs: logs, interval: configuration.storage.retentionCheckInterval)
        retentionDelay = configuration.storage.initialTaskDelay
        self.cleaner = cleaner
        metadataLock = lock
        metadataDirectory = "\(metadataRoot)/\(MetadataStore.topicPartition)"
        var known = logs.directories.filter(\.isOnline).map { (path: $0.path, properties: $0.metaProperties) }
        if lock != nil {
            known.append((metadataRoot, try MetaProperties.read(directory: metadataRoot, runtime.files)))
        }
        if lock == nil, let failed = logs.directories.first(where: { $0.path == metadataRoot })?.failure {
            throw StartError("\(metadataRoot), which holds the cluster's metadata, cannot be used: \(failed)")
        }
        let clusterIDs = try known.compactMap { try Self.checked($0.properties, $0.path, configuration.nodeID) }
        if let other = clusterIDs.first(where: { $0 != clusterIDs[0] }) {
            throw StartError("log.dirs hold data of two clusters, \(clusterIDs[0]) and \(other)")
        }
        clusterID = clusterIDs.first ?? runtime.random.uuid().description
        let unformatted = known.filter { $0.properties == nil }.map(\.path)
        guard unformatted.isEmpty || configuration.storage.autoFormat else {
            throw StartError(
                "\(unformatted[0]) is not formatted and auto.format=false: run swiftkafka storage format first")
        }
        // A node has run here: a new identity would make strangers of its topics.
        for path in unformatted where try runtime.files.status("\(path)/\(Self.ranBefore)") != nil {
            throw StartError(
                "\(path) holds a metadata log but no meta.properties: put the file back, or use another directory")
        }
        var ids: [String: KafkaUUID] = [:]
        for (path, properties) in known { ids[path] = properties?.directoryID }
        if !unformatted.isEmpty {
            for formatted in try Self.format(clusterID, configuration, known.map(\.path), runtime) {
                ids[formatted.directory] = formatted.directoryID
                log.info(
                    "formatted log directory",
                    metadata: ["path": "\(formatted.directory)", "cluster": "\(clusterID)"])
            }
        }
        bootstrap =
            try BootstrapReader.read(
                metadataRoot, metadataDirectory: metadataDirectory, runtime.files) ?? .standard
        metadataDirectoryID = ids[metadataRoot] ?? .zero
        try logs.readMissingProperties()
        let inService = directoryIDs
        if let twice = zip(inService, inService.dropFirst()).first(where: { $0 == $1 }) {
            throw StartError("two of log.dirs have the directory.id \(twice.0): one is a copy of the other")
        }
        try runtime.files.createDirectory(metadataDirectory)
        // What is committed is lost with a name that is not durable; whoever made it may not have lived to sync it.
        try runtime.files.syncDirectory(metadataRoot)
    }

    /// The ids of the log directories in service, ascending.
    var directoryIDs: [KafkaUUID] { logs.directories.filter(\.isOnline).compactMap(\.directoryID).sorted() }

    private static func format(
        _ clusterID: String, _ configuration: BrokerConfiguration, _ directories: [String], _ runtime: Runtime
    ) throws -> [StorageFormatter.Formatted] {
        guard let id = KafkaUUID(clusterID) else {
            throw StartError("cluster.id \(clusterID) is not a UUID, so no further directory can be formatted for it")
        }
        var plan = StorageFormatter.Plan(
            clusterID: id, nodeID: configuration.nodeID, directories: directories,
            metadataDirectory: configuration.storage.metadataLogDirectory)
        plan.ignoresFormatted = true
        let now = runtime.clock.wallMilliseconds
        return try StorageFormatter(
            files: runtime.files, random: runtime.random, now: now,
            comment: UTCTimestamp(milliseconds: now).description
        ).format(plan)
    }

    /// The cluster id of a directory that is formatted; nil for one that is not.
    private static func checked(_ properties: MetaProperties?, _ path: String, _ nodeID: Int32) throws -> String? {
        guard let properties else { return nil }
        guard properties.version == 1, let clusterID = properties.clusterID else {
            throw StartError(
                "\(path) was written by a ZooKeeper-era broker (meta.properties version \(properties.version)): "
                    + "use another directory, or migrate it to KRaft with Apache Kafka 3.9 first")
        }
        guard properties.nodeID == nodeID else {
            throw StartError(
                "\(path) belongs to node \(properties.nodeID ?? -1), but node.id is \(nodeID): "
                    + "set node.id=\(properties.nodeID ?? -1) or use another directory")
        }
        return clusterID
    }

    private static func startError(_ error: StorageError) -> StartError {
        guard case .io(let failure) = error else { return StartError("\(error)") }
        return switch failure.kind {
        case .locked:
            StartError("\(failure.path) is held by another process: stop it, or give this broker other log.dirs")
        case .permissionDenied:
            StartError("\(failure.path): permission denied; log.dirs must be writable for this user")
        default: StartError("\(error)")
        }
    }

    /// Begins what is done from time to time, now that the logs are loaded.
    func startTasks() {
        logs.startTasks()
        cleaner?.start()
        retention.start(after: retentionDelay)
    }

    /// Lets go of the directories after a start that failed. The next start checks the logs.
    func abandon() {
        logs.abandon()
        metadataLock?.release()
    }

    /// Closes all logs and leaves the marker of a clean shutdown.
    func close(brokerEpoch: Int64, completion: @escaping @Sendable () -> Void) {
        let (logs, lock) = (logs, metadataLock)
        let shutDown: @Sendable () -> Void = {
            logs.shutdown(brokerEpoch: brokerEpoch) {
                lock?.release()
                completion()
            }
        }
        retention.stop { [cleaner] in
            if let cleaner { cleaner.stop(completion: shutDown) } else { shutDown() }
        }
    }
}

extension LogCleanerConfiguration {
    init(_ cleaner: CleanerConfiguration) {
        self.init()
        threads = cleaner.threads
        bytesPerSecondMax = cleaner.bytesPerSecondMax
        dedupeBufferBytes = cleaner.dedupeBufferBytes
        loadFactor = cleaner.loadFactor
        ioBufferBytes = cleaner.ioBufferBytes
        backoffMs = cleaner.backoff
    }
}

extension LogManagerConfiguration {
    init(_ storage: StorageConfiguration) {
        self.init(directories: storage.logDirectories)
        recoveryThreadsPerDirectory = storage.recoveryThreadsPerDirectory
        initialTaskDelayMs = storage.initialTaskDelay
        recoveryPointCheckpointIntervalMs = storage.recoveryPointCheckpointInterval
        logStartOffsetCheckpointIntervalMs = storage.logStartOffsetCheckpointInterval
        highWatermarkCheckpointIntervalMs = storage.highWatermarkCheckpointInterval
        producerExpirationCheckIntervalMs = storage.producerIDExpirationCheckInterval
        settings.writePieceBytes = storage.writePieceBytes
        settings.paddingBytes = storage.paddingBytes
        settings.verifiesReads = storage.verifiesReads
        settings.producerIDExpirationMs = storage.producerIDExpiration
    }
}
