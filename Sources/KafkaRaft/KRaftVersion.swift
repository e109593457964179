// SPDX-License-Identifier: Apache-2.0

/// The level of the feature `kraft.version`: how the quorum knows its voters.
///
/// It is kept in a control record of the metadata log and its snapshots, not in a FeatureLevelRecord.
package enum KRaftVersion: Int16, Sendable, Comparable, CaseIterable {
    /// The voters are those of `controller.quorum.voters`.
    case staticVoters = 0
    /// The voters stand in the log and can be changed (KIP-853).
    case reconfigurable = 1

    package static let featureName = "kraft.version"

    package static func < (left: KRaftVersion, right: KRaftVersion) -> Bool { left.rawValue < right.rawValue }
}
