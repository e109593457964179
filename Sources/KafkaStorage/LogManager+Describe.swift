// SPDX-License-Identifier: Apache-2.0
public import KafkaBase
import KafkaRuntime
import Synchronization

/// A log directory and what lies in it.
public struct LogDirectoryDescription: Sendable {
    /// A log in the directory.
    public struct Log: Equatable, Sendable {
        /// Whose log it is.
        public let partition: TopicPartition
        /// Bytes in the log files of all segments.
        public let size: Int64
        /// How far the log's end is behind: of a log that is being copied, behind the end of the one it will replace;
        /// of any other, behind the high watermark.
        public let offsetLag: Int64
        /// Whether it is a copy that will replace the partition's log in another directory.
        public let isFuture: Bool
    }

    /// The directory, as it was configured.
    public let path: String
    /// Why nothing can be said of the directory; nil where it is in service.
    public let failure: String?
    /// Bytes of the volume that holds the directory; −1 where `failure` is set.
    public let totalBytes: Int64
    /// Bytes that may still be written; −1 where `failure` is set.
    public let usableBytes: Int64
    /// By partition.
    public let logs: [Log]
}

extension LogManager {
    /// All directories in their order, with those of their logs that `isWanted`. Blocks.
    public func describe(where isWanted: (TopicPartition) -> Bool) -> [LogDirectoryDescription] {
        let (directories, logs, places, futures) = state.withLock {
            ($0.directories, $0.logs, $0.places, $0.futures)
        }
        var found = [[LogDirectoryDescription.Log]](repeating: [], count: directories.count)
        for partition in logs.keys.filter(isWanted).sorted() {
            guard let log = logs[partition], let place = places[partition] else { continue }
            found[place].append(
                .init(
                    partition: partition, size: log.size, offsetLag: max(0, log.highWatermark - log.logEndOffset),
                    isFuture: false))
        }
        for partition in futures.keys.filter(isWanted).sorted() {
            guard let future = futures[partition] else { continue }
            let end = logs[partition]?.logEndOffset ?? 0
            found[future.place].append(
                .init(
                    partition: partition, size: future.log.size, offsetLag: max(0, end - future.log.logEndOffset),
                    isFuture: true))
        }
        for place in found.indices { found[place].sort { $0.partition < $1.partition } }
        return zip(directories, found).map { directory, logs in describe(directory, logs) }
    }

    private func describe(
        _ directory: LogDirectory, _ logs: [LogDirectoryDescription.Log]
    ) -> LogDirectoryDescription {
        func failed(_ reason: String) -> LogDirectoryDescription {
            LogDirectoryDescription(path: directory.path, failure: reason, totalBytes: -1, usableBytes: -1, logs: [])
        }
        if let failure = directory.failure { return failed(failure) }
        do throws(FileError) {
            let space = try runtime.files.space(directory.path)
            return LogDirectoryDescription(
                path: directory.path, failure: nil, totalBytes: space.total, usableBytes: space.usable, logs: logs)
        } catch {
            return failed("\(error)")
        }
    }
}
