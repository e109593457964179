// SPDX-License-Identifier: Apache-2.0

/// What a node is in its epoch (KIP-595, KIP-996).
///
/// A quorum of one knows only `unattached`, `resigned` and `candidate`, which last no longer than the call that enters
/// them, and `leader`. The others are entered by answers of other voters.
package enum RaftState: Equatable, Sendable {
    /// Knows no leader of the epoch; may have voted in it.
    case unattached(epoch: Int32, votedID: Int32?)
    /// Asks the voters whether an election could succeed before it raises the epoch.
    case prospective(epoch: Int32, lastLeaderID: Int32?)
    /// Raised the epoch, voted for itself, collects votes.
    case candidate(epoch: Int32)
    case leader(Leadership)
    /// Fetches from the leader of the epoch.
    case follower(epoch: Int32, leaderID: Int32)
    /// Led the epoch and must neither lead nor vote in it again.
    case resigned(epoch: Int32)

    package struct Leadership: Equatable, Sendable {
        package let epoch: Int32
        /// The offset of the LeaderChange record. Records below it become committed together with it.
        package let startOffset: Int64
        /// Whether the LeaderChange record is committed.
        package internal(set) var isEstablished: Bool
    }

    package var epoch: Int32 {
        switch self {
        case .unattached(let epoch, _), .prospective(let epoch, _), .candidate(let epoch), .follower(let epoch, _),
            .resigned(let epoch):
            epoch
        case .leader(let leadership): leadership.epoch
        }
    }
}
