// SPDX-License-Identifier: Apache-2.0
public import KafkaBase
public import KafkaRuntime
import Synchronization

/// A log directory that has just gone out of service.
public struct FailedDirectory: Sendable {
    /// The directory, as it was configured.
    public let path: String
    /// nil where the directory was never read.
    public let directoryID: KafkaUUID?
    /// What failed, for a person.
    public let reason: String
    /// The partitions whose logs went with it, in order.
    public let partitions: [TopicPartition]
}

extension LogManager {
    /// Has `handler` called for each directory that goes out of service from now on, once, on whatever thread found the
    /// failure. It must not block.
    public func onDirectoryFailure(_ handler: @escaping @Sendable (FailedDirectory) -> Void) {
        failureHandler.withLock { $0 = handler }
    }

    /// A file could not be read by whoever sent or read what a log had found there: takes the file's directory out of
    /// service where that means that it has failed.
    public func fileFailed(_ error: FileError) {
        guard error.meansFailedDirectory else { return }
        let directory = directories.first { error.path.hasPrefix($0.path + "/") }
        if let directory { markOffline(directory: directory.path, reason: "\(error)") }
    }

    /// Whether any directory is out of service.
    public var hasFailedDirectories: Bool { state.withLock { $0.directories.contains { !$0.isOnline } } }

    /// Takes a directory out of service, with the logs in it; returns their partitions. What was acknowledged and is on
    /// disk is found again by a start at which the directory works.
    @discardableResult
    public func markOffline(directory path: String, reason: String) -> [TopicPartition] {
        let failed = state.withLock { state -> FailedDirectory? in
            guard let place = state.directories.firstIndex(where: { $0.path == path }),
                state.directories[place].failure == nil
            else { return nil }
            state.directories[place].failure = reason
            // Another process may take it over, once it works again.
            state.directories[place].lock?.release()
            state.directories[place].lock = nil
            var lost: [TopicPartition] = []
            // A log that is just being made has its place only; it will be made elsewhere.
            for partition in state.places.filter({ $0.value == place }).keys.sorted() {
                state.places[partition] = nil
                guard let log = state.logs.removeValue(forKey: partition) else { continue }
                log.markOffline(reason)
                lost.append(partition)
            }
            // A copy is of no use without its log, or without its own directory; the files stay for the next start.
            let copies = state.futures.filter { $0.value.place == place || lost.contains($0.key) }.keys.sorted()
            for partition in copies { state.futures.removeValue(forKey: partition)?.log.markOffline(reason) }
            return FailedDirectory(
                path: path, directoryID: state.directories[place].directoryID, reason: reason, partitions: lost)
        }
        guard let failed else { return [] }
        observer?.logEvent(.directoryOffline(path: path, reason: reason, logs: failed.partitions.count))
        failureHandler.withLock { $0 }?(failed)
        return failed.partitions
    }
}
