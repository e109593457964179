// SPDX-License-Identifier: Apache-2.0

/// A level of the feature `metadata.version`: which records, and which versions of them, a cluster may write.
///
/// A level is finalised by a FeatureLevelRecord and is the only gate for new records (KIP-778).
package struct MetadataVersion: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: Int16

    package init(rawValue: Int16) { self.rawValue = rawValue }

    /// The feature's name in FeatureLevelRecords and in registrations.
    package static let featureName = "metadata.version"
    /// The lowest level of Kafka 4.x; 3.x clusters must have been raised to it before they are opened.
    package static let minimum = MetadataVersion(rawValue: 7)
    /// The highest level whose records this code reads and writes, stable in the 4.3 and 4.4 release lines.
    package static let latestStable = MetadataVersion(rawValue: 30)

    private static let firstName: Int16 = 1
    private static let names = [
        "3.0-IV1", "3.1-IV0", "3.2-IV0", "3.3-IV0", "3.3-IV1", "3.3-IV2", "3.3-IV3", "3.4-IV0", "3.5-IV0", "3.5-IV1",
        "3.5-IV2", "3.6-IV0", "3.6-IV1", "3.6-IV2", "3.7-IV0", "3.7-IV1", "3.7-IV2", "3.7-IV3", "3.7-IV4", "3.8-IV0",
        "3.9-IV0", "4.0-IV0", "4.0-IV1", "4.0-IV2", "4.0-IV3", "4.1-IV0", "4.1-IV1", "4.2-IV0", "4.2-IV1", "4.3-IV0",
    ]

    /// Reads an exact level such as `4.0-IV3`, a number such as `25`, or a release such as `4.0` (its last level).
    package init?(_ text: some StringProtocol) {
        if let index = Self.names.firstIndex(where: { $0 == text }) {
            self.init(rawValue: Int16(index) + Self.firstName)
        } else if let level = Int16(text), level >= Self.firstName, Int(level) <= Self.names.count {
            self.init(rawValue: level)
        } else if !text.contains("-"), let index = Self.names.lastIndex(where: { $0.hasPrefix("\(text)-") }) {
            self.init(rawValue: Int16(index) + Self.firstName)
        } else {
            return nil
        }
    }

    /// The level's name, or its number where it is outside the known ones.
    package var description: String {
        let index = Int(rawValue - Self.firstName)
        return Self.names.indices.contains(index) ? Self.names[index] : "\(rawValue)"
    }

    package static func < (left: MetadataVersion, right: MetadataVersion) -> Bool { left.rawValue < right.rawValue }

    /// The levels that brought new records or fields.
    private static let recordChanges: [Int16] = [1, 3, 5, 6, 7, 8, 11, 13, 14, 15, 17, 23, 30]

    /// Whether records that `newer` may write mean nothing to `older`.
    package static func changesRecords(between older: MetadataVersion, and newer: MetadataVersion) -> Bool {
        recordChanges.contains { $0 > older.rawValue && $0 <= newer.rawValue }
    }

    /// KIP-704: a partition's leader may be marked as recovering from an unclean election.
    package var supportsLeaderRecovery: Bool { rawValue >= 3 }
    /// BrokerRegistrationChange takes the place of FenceBroker and UnfenceBroker.
    package var supportsRegistrationChange: Bool { rawValue >= 6 }
    /// KIP-841: a broker in controlled shutdown is marked as such.
    package var supportsControlledShutdown: Bool { rawValue >= 7 }
    /// The state of a migration from ZooKeeper is recorded.
    package var supportsMigrationState: Bool { rawValue >= 8 }
    /// Brokers below 3.6-IV0 need a new leader epoch whenever the in-sync replicas shrink (KAFKA-15021).
    package var bumpsLeaderEpochOnShrink: Bool { rawValue < 12 }
    /// KIP-868: changes may span several batches between Begin and EndTransaction.
    package var supportsTransactions: Bool { rawValue >= 13 }
    /// KIP-919: controllers register.
    package var supportsControllerRegistration: Bool { rawValue >= 15 }
    /// KIP-858: partitions carry the directory of each replica.
    package var supportsDirectories: Bool { rawValue >= 17 }
    /// KIP-848: clusters begin with consumer groups allowed.
    package var bringsGroupVersion: Bool { rawValue >= 22 }
    /// KIP-966: partitions carry their eligible leader replicas.
    package var supportsEligibleLeaderReplicas: Bool { rawValue >= 23 }
    /// KIP-1066: a broker's log directories may be cordoned.
    package var supportsCordonedDirectories: Bool { rawValue >= 30 }

    /// The version of RegisterBrokerRecord to write.
    package var registerBrokerRecordVersion: Int16 {
        switch rawValue {
        case ..<7: 0
        case ..<8: 1
        case ..<17: 2
        case ..<30: 3
        default: 4
        }
    }

    /// The version of BrokerRegistrationChangeRecord to write.
    package var registrationChangeRecordVersion: Int16 {
        switch rawValue {
        case ..<7: 0
        case ..<17: 1
        case ..<30: 2
        default: 3
        }
    }

    /// The version of PartitionRecord and PartitionChangeRecord to write.
    package var partitionRecordVersion: Int16 {
        switch rawValue {
        case ..<17: 0
        case ..<23: 1
        default: 2
        }
    }
}
