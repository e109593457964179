// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaMetadata
internal import KafkaProtocol
internal import KafkaRaft
package import KafkaRuntime
package import KafkaStorage

/// Sets up log directories for a node, as `kafka-storage format` does: `bootstrap.checkpoint` in the directory of the
/// metadata log, `meta.properties` in every directory.
///
/// `meta.properties` is written last: a directory that has it is complete, one without it is formatted anew.
package struct StorageFormatter: Sendable {
    package let clusterID: String
    package let nodeID: Int32
    package let bootstrap: BootstrapMetadata
    private let runtime: Runtime

    /// - Parameter clusterID: the 22-character text of a UUID.
    package init(clusterID: String, nodeID: Int32, bootstrap: BootstrapMetadata, runtime: Runtime) {
        self.clusterID = clusterID
        self.nodeID = nodeID
        self.bootstrap = bootstrap
        self.runtime = runtime
    }

    /// Formats one directory, which is made where it does not exist.
    ///
    /// - Parameter holdsMetadata: whether the metadata log lies in it.
    /// - Returns: the properties written.
    @discardableResult
    package func format(_ directory: String, holdsMetadata: Bool) throws -> MetaProperties {
        let files = runtime.files
        try files.createDirectory(directory)
        if holdsMetadata {
            let now = runtime.clock.wallMilliseconds
            let content = try SnapshotWriter.snapshot(
                of: try bootstrap.encodedRecords(), epoch: 0, timestamp: now, lastContainedTimestamp: 0)
            try files.replaceFile("\(directory)/\(BootstrapMetadata.fileName)", with: content)
        }
        let properties = MetaProperties(
            version: 1, clusterID: clusterID, nodeID: nodeID, directoryID: runtime.random.uuid())
        let comment = UTCTimestamp(milliseconds: runtime.clock.wallMilliseconds).description
        try properties.write(directory: directory, comment: comment, files)
        return properties
    }

    /// The records that formatting left in the directory of the metadata log: those of `bootstrap.checkpoint` (Kafka 3.3
    /// to 4.3), or of the checkpoint at offset 0 of the metadata log (Kafka 4.4); nil where there are none.
    package static func readBootstrap(
        _ directory: String, metadataDirectory: String, _ files: any FileSystem
    ) throws -> BootstrapMetadata? {
        let places: [(path: String, id: SnapshotID?)] = [
            ("\(directory)/\(BootstrapMetadata.fileName)", nil),
            ("\(metadataDirectory)/\(SnapshotID.bootstrap.fileName)", SnapshotID.bootstrap),
        ]
        for place in places {
            guard let bytes = try files.readFile(place.path) else { continue }
            let records = try SnapshotReader.values(in: bytes, id: place.id).map { value in
                try value.withUnsafeBytes { try MetadataRecord(decoding: $0) }
            }
            if let bootstrap = BootstrapMetadata(records: records) { return bootstrap }
        }
        return nil
    }
}
