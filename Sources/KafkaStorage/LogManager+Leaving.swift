// SPDX-License-Identifier: Apache-2.0
public import KafkaBase
import KafkaRuntime
internal import Synchronization

/// Ways of giving up what should not be kept open.
extension LogManager {
    /// Puts a log aside that the cluster's metadata do not know: its directory gets the name of a stray one and is not
    /// touched again, so that an operator can decide. Does nothing where there is none.
    public func setAside(_ partition: TopicPartition) throws(StorageError) {
        let (log, future) = state.withLock { ($0.logs[partition], $0.futures[partition]) }
        if let log {
            try log.setAside(unique: runtime.random.uuid())
            state.withLock { state in
                state.logs[partition] = nil
                state.places[partition] = nil
            }
        }
        if let future {
            try future.log.setAside(unique: runtime.random.uuid())
            state.withLock { $0.futures[partition] = nil }
        }
    }

    /// Makes deletions durable before a new log may have the name of a deleted one: a loss of power could else leave the old
    /// directory in its place, which may have lost the file that says whose it is.
    func syncDeletions(inDirectory place: Int) throws(StorageError) {
        let (deletions, synced) = state.withLock {
            ($0.directories[place].deletions, $0.directories[place].syncedDeletions)
        }
        guard synced < deletions else { return }
        let path = configuration.directories[place]
        try storing { () throws(FileError) in try runtime.files.syncDirectory(path) }
        state.withLock { state in
            state.directories[place].syncedDeletions = max(state.directories[place].syncedDeletions, deletions)
        }
    }

    /// The partitions of all logs, and of all copies that are to replace one, with their topic ids, by partition.
    public var partitions: [(name: TopicPartition, topicID: KafkaUUID?)] {
        let (logs, futures) = state.withLock { ($0.logs, $0.futures) }
        let names = Set(logs.keys).union(futures.keys).sorted()
        return names.map { ($0, (logs[$0] ?? futures[$0]?.log)?.topicID) }
    }

    /// Lets go of the directories without having closed the logs: for a start that fails. The next start checks them.
    public func abandon() {
        state.withLock { state in
            state.isShutDown = true
            for place in state.directories.indices {
                state.directories[place].lock?.release()
                state.directories[place].lock = nil
            }
            state.logs = [:]
            state.places = [:]
            state.futures = [:]
        }
    }
}

extension UnifiedLog {
    /// Closes the log and gives its directory the name of a stray one.
    func setAside(unique: KafkaUUID) throws(StorageError) {
        try close()
        try state.withLock { (state) throws(StorageError) in
            let parent = parentDirectory(of: state.directory)
            let name = LogFileNames.marked(topicPartition, unique: unique, suffix: LogFileNames.straySuffix)
            let target = "\(parent)/\(name)"
            try storing { () throws(FileError) in
                try state.files.rename(state.directory, to: target)
                try state.files.syncDirectory(parent)
            }
            state.directory = target
        }
    }
}
