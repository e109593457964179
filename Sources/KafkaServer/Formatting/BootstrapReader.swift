// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
internal import KafkaProtocol
internal import KafkaRaft
internal import KafkaRuntime

/// Reads the records that formatting left for the first active controller.
enum BootstrapReader {
    /// Those of `bootstrap.checkpoint` (Kafka 3.3 to 4.3), or of the checkpoint at offset 0 of the metadata log (Kafka
    /// 4.4); nil where there are none.
    static func read(
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
