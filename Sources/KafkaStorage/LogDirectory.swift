// SPDX-License-Identifier: Apache-2.0
public import KafkaBase
import KafkaRuntime

/// One of the directories that hold logs.
public struct LogDirectory: Sendable {
    /// As it was given in the configuration.
    public let path: String
    /// nil where the directory is not formatted.
    public internal(set) var metaProperties: MetaProperties?
    /// The marker of the last clean shutdown; nil where the broker was not shut down cleanly.
    public internal(set) var cleanShutdown: CleanShutdownMarker?
    /// Why the directory is out of service; nil while it is in service.
    public internal(set) var failure: String?

    /// From `meta.properties`; nil where there is none.
    public var directoryID: KafkaUUID? { metaProperties?.directoryID }
    /// Whether the directory is in service.
    public var isOnline: Bool { failure == nil }

    var lock: (any FileLock)?
    /// What was last written to each checkpoint file, so that nothing is written, and synced, twice.
    var lastCheckpoints: [String: [TopicPartition: Int64]] = [:]

    /// Logs that were deleted here, and how many of them when their new names were last known to be durable.
    var deletions = 0
    var syncedDeletions = 0

    init(path: String) { self.path = path }

    /// Whether `name` is that of a partition's directory that is loaded as a log. The metadata log belongs to raft.
    static func partition(_ name: String) -> TopicPartition? {
        if name == LogFileNames.clusterMetadataDirectory { return nil }
        for suffix in [LogFileNames.deleteSuffix, LogFileNames.futureSuffix, LogFileNames.straySuffix]
        where LogFileNames.marked(name, suffix: suffix) != nil {
            return nil
        }
        return TopicPartition(directoryName: name)
    }
}
