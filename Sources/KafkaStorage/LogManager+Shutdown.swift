// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import Synchronization

extension LogManager {
    /// What the threads that close logs share.
    private final class ShutdownWork: Sendable {
        struct State: Sendable {
            var logs: [UnifiedLog]
            var next = 0
            var runningThreads: Int
            /// Directories with a log that could not be closed as it should be.
            var uncleanDirectories: Set<String> = []
        }

        let state: Mutex<State>

        init(_ logs: [UnifiedLog], threads: Int, uncleanDirectories: Set<String>) {
            state = Mutex(
                State(logs: logs, runningThreads: threads, uncleanDirectories: uncleanDirectories))
        }

        func takeLog() -> UnifiedLog? {
            state.withLock { state in
                guard state.next < state.logs.count else { return nil }
                defer { state.next += 1 }
                return state.logs[state.next]
            }
        }

        /// The directories that are not clean, to the last thread; nil to the others.
        func threadEnded() -> Set<String>? {
            state.withLock { state in
                state.runningThreads -= 1
                return state.runningThreads == 0 ? state.uncleanDirectories : nil
            }
        }
    }

    private static let closingThreadsPerDirectory = 8

    /// Closes all logs, some at once, on background threads; then writes the checkpoints and, in each directory where
    /// all went well, the marker of a clean shutdown; lets go of the locks; and calls `completion`, once, there.
    ///
    /// - Parameter brokerEpoch: goes into the marker; −1 where the broker has none.
    public func shutdown(brokerEpoch: Int64, completion: @escaping @Sendable () -> Void) {
        let logs: [UnifiedLog]? = state.withLock { state in
            if state.isShutDown { return nil }
            state.isShutDown = true
            let copies = state.futures.values.map(\.log).sorted { $0.topicPartition < $1.topicPartition }
            return state.logs.values.sorted { $0.topicPartition < $1.topicPartition } + copies
        }
        guard let logs else { return completion() }
        // More than there are cores: the file system makes one of the syncs that wait at the same time.
        let threads = max(1, min(logs.count, directories.count * Self.closingThreadsPerDirectory))
        let work = ShutdownWork(logs, threads: threads, uncleanDirectories: directoriesLeftUnrecovered)
        for _ in 0..<threads {
            runtime.queues.runBlocking {
                while let log = work.takeLog() { self.close(log, work) }
                guard let unclean = work.threadEnded() else { return }
                self.finishShutdown(brokerEpoch: brokerEpoch, unclean: unclean)
                completion()
            }
        }
    }

    /// The directories that were not left cleanly before, with a log that could not be recovered since: it still has to
    /// be when its files have been put right.
    private var directoriesLeftUnrecovered: Set<String> {
        state.withLock { state in
            var found: Set<String> = []
            for case .corrupt(let path, _, _) in state.unreadable.values {
                let holder = state.directories.first { path.hasPrefix($0.path + "/") }
                if let holder, holder.cleanShutdown == nil { found.insert(holder.path) }
            }
            return found
        }
    }

    private func close(_ log: UnifiedLog, _ work: ShutdownWork) {
        do throws(StorageError) {
            try log.close()
            if log.failure == nil { return }
        } catch {
            observer?.logEvent(.backgroundFailure(path: log.directory, what: "close", error: error))
        }
        let directory = parentDirectory(of: log.directory)
        work.state.withLock { _ = $0.uncleanDirectories.insert(directory) }
    }

    private func finishShutdown(brokerEpoch: Int64, unclean: Set<String>) {
        // A log that was just moving is in one place when this goes on.
        moving.withLock { _ in }
        checkpointRecoveryPoints()
        checkpointLogStartOffsets()
        checkpointHighWatermarks()
        checkpointCleanedOffsets()
        for directory in directories where directory.lock != nil {
            if directory.isOnline, !unclean.contains(directory.path) {
                do throws(StorageError) {
                    try CleanShutdownMarker(brokerEpoch: brokerEpoch).write(
                        directory: directory.path, runtime.files)
                } catch {
                    observer?.logEvent(
                        .backgroundFailure(path: directory.path, what: "clean shutdown marker", error: error))
                }
            }
            directory.lock?.release()
        }
        state.withLock { state in
            for place in state.directories.indices { state.directories[place].lock = nil }
        }
    }
}
