// SPDX-License-Identifier: Apache-2.0
public import KafkaBase
import KafkaRuntime
internal import Synchronization

/// Ways of giving up what should not be kept open.
extension LogManager {
    /// Puts a log aside that the cluster's metadata do not know: its directory gets the name of a stray one and is not
    /// touched again, so that an operator can decide. Does nothing where there is none.
    public func setAside(_ partition: TopicPartition) throws(StorageError) {
        let unique = runtime.random.uuid()
        try state.withLock { (state) throws(StorageError) in
            guard let log = state.logs[partition] else { return }
            try log.setAside(unique: unique)
            state.logs[partition] = nil
            state.places[partition] = nil
        }
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
