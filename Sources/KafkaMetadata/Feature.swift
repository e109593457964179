// SPDX-License-Identifier: Apache-2.0

/// A feature whose level the cluster finalises, and the levels that this release can live with (KIP-584).
///
/// "Can live with" means: reads and keeps every record that the level brings. It is what a broker registers, so it covers
/// whatever a directory of Apache Kafka 4.3 may have finalised, the parts that are not served yet included.
package struct Feature: Equatable, Sendable {
    package let name: String
    package let supportedLevels: ClosedRange<Int16>

    package static let metadataVersion = Feature(
        name: MetadataVersion.featureName,
        supportedLevels: MetadataVersion.minimum.rawValue...MetadataVersion.latestStable.rawValue)
    package static let kraftVersion = Feature(name: "kraft.version", supportedLevels: 0...1)
    package static let groupVersion = Feature(name: "group.version", supportedLevels: 0...1)
    package static let transactionVersion = Feature(name: "transaction.version", supportedLevels: 0...2)
    package static let eligibleLeaderReplicas = Feature(
        name: "eligible.leader.replicas.version", supportedLevels: 0...1)
    package static let shareVersion = Feature(name: "share.version", supportedLevels: 0...1)
    package static let streamsVersion = Feature(name: "streams.version", supportedLevels: 0...1)

    /// In ascending order of name.
    package static let all = [
        eligibleLeaderReplicas, groupVersion, kraftVersion, metadataVersion, shareVersion, streamsVersion,
        transactionVersion,
    ]

    /// What a cluster that begins at `version` finalises besides it without being told otherwise, ascending by name.
    ///
    /// Of the features that Apache Kafka finalises there it is those that this broker serves: to clients a finalised
    /// level is a promise.
    package static func defaultLevels(at version: MetadataVersion) -> [(name: String, level: Int16)] {
        version.bringsGroupVersion ? [(groupVersion.name, groupVersion.supportedLevels.upperBound)] : []
    }

    package static func named(_ name: String) -> Feature? { all.first { $0.name == name } }
}
