// SPDX-License-Identifier: Apache-2.0

/// The finalised feature levels: what the whole cluster has agreed to use.
package struct FeaturesImage: Equatable, Sendable {
    /// nil before the first FeatureLevelRecord for it.
    package internal(set) var finalizedMetadataVersion: MetadataVersion?
    /// Every finalised feature above level 0 except `metadata.version`.
    package internal(set) var otherLevels = SortedMap<String, Int16>()
    /// How far a migration from ZooKeeper has come; nil where nothing was ever recorded, 0 where there was none.
    package internal(set) var zkMigrationState: Int8?

    package init() {}

    /// The level that gates records; the minimum before one is finalised.
    package var metadataVersion: MetadataVersion { finalizedMetadataVersion ?? .minimum }

    /// 0 where the feature is not finalised.
    package func level(of feature: String) -> Int16 {
        feature == MetadataVersion.featureName ? finalizedMetadataVersion?.rawValue ?? 0 : otherLevels[feature] ?? 0
    }

    /// Every finalised feature in ascending order of its name.
    package var all: [(name: String, level: Int16)] {
        var levels = otherLevels
        levels[MetadataVersion.featureName] = finalizedMetadataVersion?.rawValue
        return levels.map { (name: $0.key, level: $0.value) }
    }

    /// Whether eligible leader replicas are kept (KIP-966).
    package var keepsEligibleLeaderReplicas: Bool {
        metadataVersion.supportsEligibleLeaderReplicas && level(of: Feature.eligibleLeaderReplicas.name) >= 1
    }
}
