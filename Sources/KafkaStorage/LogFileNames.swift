// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// The names of files and directories of logs.
package enum LogFileNames {
    package static let logSuffix = ".log"
    package static let indexSuffix = ".index"
    package static let timeIndexSuffix = ".timeindex"
    package static let transactionIndexSuffix = ".txnindex"
    package static let snapshotSuffix = ".snapshot"
    package static let deletedSuffix = ".deleted"
    package static let cleanedSuffix = ".cleaned"
    package static let swapSuffix = ".swap"

    package static let leaderEpochs = "leader-epoch-checkpoint"
    package static let partitionMetadata = "partition.metadata"
    package static let metaProperties = "meta.properties"
    package static let recoveryPoints = "recovery-point-offset-checkpoint"
    package static let logStartOffsets = "log-start-offset-checkpoint"
    package static let highWatermarks = "replication-offset-checkpoint"
    package static let cleanedOffsets = "cleaner-offset-checkpoint"
    package static let cleanShutdown = ".kafka_cleanshutdown"
    package static let lock = ".lock"
    /// What is replaced as a whole in a log directory. A crash may leave the next content, called the same with `.tmp`.
    static let replaced = [
        metaProperties, recoveryPoints, logStartOffsets, highWatermarks, cleanedOffsets, cleanShutdown,
    ]
    package static let clusterMetadataDirectory = "__cluster_metadata-0"

    package static let deleteSuffix = "-delete"
    package static let futureSuffix = "-future"
    package static let straySuffix = "-stray"
    /// The longest name that common file systems take, in bytes.
    static let maximumNameBytes = 255

    /// The 20 digits that begin the name of a segment's files.
    package static func digits(_ offset: Int64) -> String {
        let text = String(offset)
        return text.utf8.count >= 20 ? text : String(repeating: "0", count: 20 - text.utf8.count) + text
    }

    /// The offset in the name of a segment's file, given what follows the digits; nil for another name.
    package static func offset(_ name: some StringProtocol, suffix: String) -> Int64? {
        guard name.hasSuffix(suffix) else { return nil }
        let digits = name.dropLast(suffix.count)
        guard digits.utf8.count == 20, digits.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
        return Int64(digits)
    }

    /// `<topic>-<partition>.<32 hex digits>-delete` and its like; the topic is cut where the name would be too long.
    package static func marked(_ partition: TopicPartition, unique: KafkaUUID, suffix: String) -> String {
        let tail = "-\(partition.partition).\(hex(unique.high))\(hex(unique.low))\(suffix)"
        var topic = partition.topic
        while topic.utf8.count + tail.utf8.count > maximumNameBytes { topic.removeLast() }
        return topic + tail
    }

    /// Whether a marked name shows the whole topic, so that a start can tell whose it is.
    static func hasRoomForMark(_ partition: TopicPartition) -> Bool {
        marked(partition, unique: .zero, suffix: futureSuffix).hasPrefix("\(partition).")
    }

    /// The partition, where `name` is that of a marked directory with this suffix.
    package static func marked(_ name: String, suffix: String) -> TopicPartition? {
        guard name.hasSuffix(suffix) else { return nil }
        let rest = name.dropLast(suffix.count)
        guard let dot = rest.lastIndex(of: "."), rest[dot...].utf8.count == 33 else { return nil }
        return TopicPartition(directoryName: rest[..<dot])
    }

    private static func hex(_ value: UInt64) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 16 - text.utf8.count) + text
    }
}
