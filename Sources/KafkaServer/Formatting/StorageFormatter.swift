// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaMetadata
package import KafkaProtocol
private import KafkaRaft
package import KafkaRuntime
package import KafkaStorage

/// Sets up empty log directories for a node, as `kafka-storage format` does; the broker's first start does the same.
///
/// The metadata directory gets `bootstrap.checkpoint` with the records that the metadata log begins with, which every
/// Kafka from 3.3 on reads. Each directory gets its `meta.properties`, written last: a directory without one is not
/// formatted, however far a crash let the formatting come.
package struct StorageFormatter: Sendable {
    /// What to make of the directories.
    package struct Plan: Sendable {
        /// 22 characters of URL-safe Base64.
        package var clusterID: KafkaUUID
        package var nodeID: Int32
        package var directories: [String]
        package var metadataDirectory: String
        package var bootstrap = BootstrapMetadata.standard
        /// When not nil, the node becomes the first voter of a quorum whose voters stand in the log (KIP-853), to be
        /// reached at these endpoints. When nil, the configuration names the voters.
        package var standaloneEndpoints: [VotersRecord.Endpoint]?
        /// Whether directories that are formatted already are passed over.
        package var ignoresFormatted = false

        package init(clusterID: KafkaUUID, nodeID: Int32, directories: [String], metadataDirectory: String) {
            self.clusterID = clusterID
            self.nodeID = nodeID
            self.directories = directories
            self.metadataDirectory = metadataDirectory
        }
    }

    /// A directory that was formatted.
    package struct Formatted: Equatable, Sendable {
        package let directory: String
        package let directoryID: KafkaUUID
        /// Whether it holds the metadata log.
        package let isMetadata: Bool
    }

    private let files: any FileSystem
    private let random: any RandomSource
    private let now: Int64
    private let comment: String

    /// - Parameters:
    ///   - now: milliseconds since 1970.
    ///   - comment: the first line of `meta.properties`, where Java's writer puts the date.
    package init(files: any FileSystem, random: any RandomSource, now: Int64, comment: String) {
        self.files = files
        self.random = random
        self.now = now
        self.comment = comment
    }

    /// Formats the directories that are not formatted yet, and makes those that are missing. Returns them in order; an
    /// empty list means that all were formatted.
    package func format(_ plan: Plan) throws(StorageFormatError) -> [Formatted] {
        var pending: [String] = []
        var existing: [String] = []
        for directory in Self.allDirectories(plan) {
            guard let properties = try read(directory) else {
                pending.append(directory)
                continue
            }
            try check(properties, of: directory, plan)
            existing.append(directory)
        }
        if let first = existing.first, !plan.ignoresFormatted {
            throw .alreadyFormatted(first)
        }
        var formatted: [Formatted] = []
        for directory in pending { formatted.append(try format(directory, plan)) }
        return formatted
    }

    /// The log directories, and behind them the metadata directory where it is none of them.
    private static func allDirectories(_ plan: Plan) -> [String] {
        plan.directories.contains(plan.metadataDirectory)
            ? plan.directories : plan.directories + [plan.metadataDirectory]
    }

    private func read(_ directory: String) throws(StorageFormatError) -> MetaProperties? {
        do throws(StorageError) {
            return try MetaProperties.read(directory: directory, files)
        } catch {
            throw .storage(error)
        }
    }

    private func check(_ properties: MetaProperties, of directory: String, _ plan: Plan) throws(StorageFormatError) {
        if let id = properties.clusterID, id != plan.clusterID.description {
            throw .otherCluster(directory, clusterID: id)
        }
        if let id = properties.nodeID, id != plan.nodeID { throw .otherNode(directory, nodeID: id) }
    }

    private func format(_ directory: String, _ plan: Plan) throws(StorageFormatError) -> Formatted {
        let isMetadata = directory == plan.metadataDirectory
        let directoryID = random.uuid()
        do throws(StorageError) {
            try Self.storing { () throws(FileError) in try files.createDirectory(directory) }
            if isMetadata { try writeBootstrap(directory, directoryID, plan) }
            let properties = MetaProperties(
                version: 1, clusterID: plan.clusterID.description, nodeID: plan.nodeID, directoryID: directoryID)
            try properties.write(directory: directory, comment: comment, files)
            try Self.storing { () throws(FileError) in try files.syncDirectory(parentDirectory(of: directory)) }
        } catch {
            throw .storage(error)
        }
        return Formatted(directory: directory, directoryID: directoryID, isMetadata: isMetadata)
    }

    private func writeBootstrap(_ directory: String, _ directoryID: KafkaUUID, _ plan: Plan) throws(StorageError) {
        let bootstrap: [UInt8]
        var voters: [UInt8]?
        do {
            bootstrap = try SnapshotWriter.snapshot(
                of: plan.bootstrap.encodedRecords(), epoch: 0, timestamp: now, lastContainedTimestamp: now)
            if let endpoints = plan.standaloneEndpoints {
                voters = try SnapshotWriter.snapshot(
                    of: [], epoch: 0, timestamp: now,
                    control: Self.quorum(of: plan.nodeID, directoryID, endpoints), lastContainedTimestamp: now)
            }
        } catch {
            preconditionFailure("the first records can always be written: \(error)")
        }
        try Self.storing { () throws(FileError) in
            if let voters {
                let log = "\(directory)/\(LogFileNames.clusterMetadataDirectory)"
                try files.createDirectory(log)
                try files.replaceFile("\(log)/\(SnapshotID.bootstrap.fileName)", with: voters)
            }
            try files.replaceFile("\(directory)/\(BootstrapMetadata.fileName)", with: bootstrap)
        }
    }

    private static func quorum(
        of nodeID: Int32, _ directoryID: KafkaUUID, _ endpoints: [VotersRecord.Endpoint]
    ) -> QuorumControlState {
        let levels = Feature.kraftVersion.supportedLevels
        let voter = VotersRecord.Voter(
            voterID: nodeID, voterDirectoryID: directoryID, endpoints: endpoints,
            kRaftVersionFeature: .init(
                minSupportedVersion: levels.lowerBound, maxSupportedVersion: levels.upperBound))
        var state = QuorumControlState()
        state.observe(
            [
                .kraftVersion(KRaftVersionRecord(version: 0, kRaftVersion: 1)),
                .voters(VotersRecord(version: 0, voters: [voter])),
            ], from: .snapshot(.bootstrap))
        return state
    }

    private static func storing(_ body: () throws(FileError) -> Void) throws(StorageError) {
        do throws(FileError) { try body() } catch { throw .io(error) }
    }
}

/// Why directories were not formatted.
package enum StorageFormatError: Error, Sendable, CustomStringConvertible {
    /// The first of them is formatted, and that was not to be ignored.
    case alreadyFormatted(String)
    /// A directory belongs to another cluster.
    case otherCluster(String, clusterID: String)
    /// A directory belongs to another node.
    case otherNode(String, nodeID: Int32)
    case storage(StorageError)

    package var description: String {
        switch self {
        case .alreadyFormatted(let directory):
            "Log directory \(directory) is already formatted. Use --ignore-formatted to ignore this directory and"
                + " format the others."
        case .otherCluster(let directory, let id): "Log directory \(directory) belongs to cluster \(id)."
        case .otherNode(let directory, let id): "Log directory \(directory) belongs to node \(id)."
        case .storage(let error): "\(error)"
        }
    }
}
