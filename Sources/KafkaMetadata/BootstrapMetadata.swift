// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaProtocol

/// The records with which a cluster's metadata log begins.
///
/// Formatting a directory leaves them in `bootstrap.checkpoint`, a file framed like a snapshot (Kafka 3.3 to 4.3), or in
/// the checkpoint at offset 0 of the metadata log (Kafka 4.4). The first active controller appends them to the empty log;
/// from then on only the log counts.
package struct BootstrapMetadata: Sendable {
    package static let fileName = "bootstrap.checkpoint"

    package let records: [MetadataRecord]

    /// What formatting finalises without being told otherwise.
    package static let standard = BootstrapMetadata(release: .latestStable)

    /// - Parameter levels: features besides `metadata.version` at other levels than the release has them by default.
    package init(release version: MetadataVersion, levels: [String: Int16] = [:]) {
        var all = levels
        for (name, level) in Feature.defaultLevels(at: version) where all[name] == nil { all[name] = level }
        self.init(
            metadataVersion: version,
            otherLevels: all.sorted { $0.key < $1.key }.map { (name: $0.key, level: $0.value) })
    }

    /// - Parameter otherLevels: features besides `metadata.version`, ascending by name; level 0 is left out.
    package init(metadataVersion: MetadataVersion, otherLevels: [(name: String, level: Int16)]) {
        var records: [MetadataRecord] = [
            .featureLevel(.init(name: MetadataVersion.featureName, featureLevel: metadataVersion.rawValue))
        ]
        for (name, level) in otherLevels where level > 0 {
            records.append(.featureLevel(.init(name: name, featureLevel: level)))
        }
        self.records = records
    }

    /// Takes records that were read from a checkpoint. nil where they do not finalise a metadata.version, which the
    /// checkpoint at offset 0 does not before Kafka 4.4.
    package init?(records: [MetadataRecord]) {
        guard Self.metadataVersion(in: records) != nil else { return nil }
        self.records = records
    }

    package var metadataVersion: MetadataVersion { Self.metadataVersion(in: records) ?? .minimum }

    private static func metadataVersion(in records: [MetadataRecord]) -> MetadataVersion? {
        for case .featureLevel(let record) in records where record.name == MetadataVersion.featureName {
            return MetadataVersion(rawValue: record.featureLevel)
        }
        return nil
    }

    /// The values of the records, for the file.
    package func encodedRecords() throws(WireError) -> [[UInt8]] {
        var values: [[UInt8]] = []
        for record in records { values.append(try record.encoded(at: metadataVersion)) }
        return values
    }

    /// What a controller that becomes active must append before it decides anything: the bootstrap records where the log
    /// is empty, and the end of a transaction that its predecessor left open.
    package func activationRecords(_ state: MetadataReplay) -> ControllerResult<Void> {
        var records: [MetadataRecord] = []
        if state.transactionStartOffset != nil {
            records.append(.abortTransaction(AbortTransactionRecord(reason: "Controller failover")))
        }
        guard state.visibleImage.features.finalizedMetadataVersion == nil else {
            return ControllerResult(records, response: ())
        }
        guard metadataVersion.supportsTransactions else {
            return ControllerResult(records + self.records, response: ())
        }
        records.append(.beginTransaction(BeginTransactionRecord(name: "Bootstrap records")))
        records += self.records
        records.append(.endTransaction(EndTransactionRecord()))
        return ControllerResult(records, .severalBatches, response: ())
    }
}

extension Feature {
    /// The finalised features of `image` at levels that this release cannot live with: a node must not go on with them.
    package static func unsupported(in image: MetadataImage) -> [(name: String, level: Int16)] {
        image.features.all.filter { feature in
            guard let known = named(feature.name) else { return feature.level > 0 }
            return feature.level != 0 && !known.supportedLevels.contains(feature.level)
        }
    }
}
