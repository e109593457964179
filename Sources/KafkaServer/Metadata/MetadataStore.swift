// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaRaft
internal import KafkaRecords
internal import KafkaRuntime
internal import KafkaStorage
internal import Logging

/// The files of `__cluster_metadata-0`: the log, its snapshots and `quorum-state`.
///
/// Performs what the raft node asks for. Confined to the metadata queue, except `sync`, which may run anywhere.
final class MetadataStore {
    static let topicPartition = TopicPartition(topic: "__cluster_metadata", partition: 0)
    /// Bytes read at a time when the log is replayed.
    private static let readBytes = 1 << 20

    private let directory: String
    private let runtime: Runtime
    private let logger: Logger
    let log: UnifiedLog

    /// - Parameters:
    ///   - directory: the partition's directory, which exists.
    ///   - log: is told what recovery cut off: topics may be gone with it.
    init(
        directory: String, configuration: LogConfiguration, runtime: Runtime, log logger: Logger
    ) throws(StorageError) {
        self.directory = directory
        self.runtime = runtime
        self.logger = logger
        var options = LogOpenOptions()
        options.observer = StorageEvents(log: logger)
        // It is synced all the time.
        options.settings.paddingBytes = 0
        // Always recovered from its start: it is small, and what was not synced was never committed.
        log = try UnifiedLog.open(
            directory: directory, topicPartition: Self.topicPartition, configuration: configuration,
            runtime: runtime, options: options)
    }

    // MARK: Reading at the start

    func quorumState() throws -> QuorumState? {
        guard let bytes = try runtime.files.readFile(path(QuorumState.fileName)), !bytes.isEmpty else { return nil }
        do {
            return try QuorumState(decoding: bytes)
        } catch {
            throw StartError("\(directory): \(error)")
        }
    }

    /// The ids of the complete snapshots, ascending; removes what was left half done.
    func snapshotIDs() throws(FileError) -> [SnapshotID] {
        var ids: [SnapshotID] = []
        for name in try runtime.files.list(directory) {
            if let id = SnapshotID(fileName: name) {
                ids.append(id)
            } else if name.hasSuffix(SnapshotID.partialSuffix) || name.hasSuffix(SnapshotID.deletedSuffix) {
                try runtime.files.remove(path(name))
            }
        }
        return ids.sorted()
    }

    /// Reads a snapshot piece by piece; `body` gets the value of each record.
    func readSnapshot(
        _ id: SnapshotID, _ body: (UnsafeRawBufferPointer) throws(RaftError) -> Void
    ) throws -> (stored: StoredSnapshot, control: QuorumControlState) {
        let file = try runtime.files.open(path(id.fileName), .read)
        defer { file.close() }
        let size = try file.size()
        var reader = SnapshotReader(id: id)
        var position: Int64 = 0
        var want = Self.readBytes
        while position < size {
            let bytes = try file.readBytes(at: position, count: Int(min(Int64(want), size - position)))
            let used = try bytes.withUnsafeBytes { try reader.read($0, body) }
            if used == 0 {
                guard bytes.count == want else { break }
                want *= 2
            }
            position += Int64(used)
        }
        try reader.finish(unread: Int(size - position))
        return (
            StoredSnapshot(id: id, size: size, lastContainedTimestamp: reader.lastContainedTimestamp), reader.control
        )
    }

    /// What is stored of snapshots that a newer one has replaced. A damaged one is of no use: it is told of, and may be
    /// deleted once the newest has been read.
    func olderSnapshots(
        _ ids: some Sequence<SnapshotID>
    ) throws(FileError) -> (stored: [StoredSnapshot], damaged: [SnapshotID]) {
        var stored: [StoredSnapshot] = []
        var damaged: [SnapshotID] = []
        for id in ids {
            do {
                stored.append(try readSnapshot(id) { _ in }.stored)
            } catch let error as FileError {
                throw error
            } catch {
                damaged.append(id)
                logger.warning(
                    "a metadata snapshot is damaged, a newer one is used",
                    metadata: ["path": "\(path(id.fileName))", "reason": "\(error)"])
            }
        }
        return (stored, damaged)
    }

    /// Calls `body` with each batch from `offset` to the end of the log.
    func forEachBatch(from offset: Int64, _ body: (RaftBatchReader.Batch) throws -> Void) throws {
        var next = offset
        while next < log.logEndOffset {
            let range = try log.read(from: next, maxBytes: Self.readBytes, isolation: .logEnd, atLeastOne: true)
            guard let file = range.file, range.count > 0 else {
                throw RaftError.corruptLog(offset: next, reason: "there is no batch, and the log ends later")
            }
            let bytes = try file.readBytes(at: range.position, count: range.count)
            try bytes.withUnsafeBytes { bytes in
                var reader = RaftBatchReader(bytes)
                while let batch = try reader.next() {
                    // Reading starts at the batch that holds the offset.
                    if batch.header.nextOffset > next {
                        try body(batch)
                        next = batch.header.nextOffset
                    }
                }
                guard reader.position > 0 else {
                    throw RaftError.corruptLog(offset: next, reason: "the log ends inside a batch")
                }
            }
        }
    }

    // MARK: Effects

    func persist(_ state: QuorumState, _ version: KRaftVersion) throws(FileError) {
        try runtime.files.replaceFile(path(QuorumState.fileName), with: state.encoded(kraftVersion: version))
    }

    func append(_ batch: RaftBatch) throws(StorageError) {
        var failure: StorageError?
        batch.bytes.withUnsafeBytes { bytes in
            do throws(StorageError) {
                _ = try log.appendAsFollower(bytes, now: runtime.clock.wallMilliseconds)
            } catch { failure = error }
        }
        if let failure { throw failure }
    }

    func sync(upTo offset: Int64) throws(StorageError) {
        try log.flush(upTo: offset)
    }

    /// Writes a snapshot under a partial name and gives it its own when it is durable; returns its size.
    func writeSnapshot(_ id: SnapshotID, _ writer: SnapshotWriter, values: [[UInt8]]) throws -> Int64 {
        var writer = writer
        let partial = path("\(id)\(SnapshotID.partialSuffix)")
        do throws(FileError) { try runtime.files.remove(partial) } catch { if error.kind != .notFound { throw error } }
        let file = try runtime.files.open(partial, .createNew)
        defer { file.close() }
        var size: Int64 = 0
        func write(_ piece: [UInt8]) throws(FileError) {
            try file.write(piece, at: size)
            size += Int64(piece.count)
        }
        try write(try writer.start())
        for value in values {
            if let piece = try writer.add(value) { try write(piece) }
        }
        try write(try writer.finish())
        try file.sync()
        try runtime.files.rename(partial, to: path(id.fileName))
        try runtime.files.syncDirectory(directory)
        return size
    }

    func delete(_ snapshots: [SnapshotID]) {
        for id in snapshots {
            // A snapshot that stays is found again at the next start, and is due for deletion again.
            try? runtime.files.remove(path(id.fileName))
        }
    }

    private func path(_ name: String) -> String { "\(directory)/\(name)" }
}
