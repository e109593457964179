// SPDX-License-Identifier: Apache-2.0

/// Why a raft node refuses to start, or an append was not taken.
package enum RaftError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `quorum-state` cannot be read.
    case invalidQuorumState(String)
    /// A batch of the metadata log or of a snapshot is damaged, or is not what may stand there.
    case corruptLog(offset: Int64, reason: String)
    /// This node cannot lead: the voters are not exactly this node.
    case unsupportedVoters(String)
    /// A node that does not lead was asked to append.
    case notLeader
    /// Records that must become visible together are more than one batch may hold.
    case batchTooLarge(bytes: Int, limit: Int)

    package var description: String {
        switch self {
        case .invalidQuorumState(let reason): "quorum-state: \(reason)"
        case .corruptLog(let offset, let reason): "metadata log at offset \(offset): \(reason)"
        case .unsupportedVoters(let reason): "quorum voters: \(reason)"
        case .notLeader: "this node does not lead the metadata quorum"
        case .batchTooLarge(let bytes, let limit): "metadata batch of \(bytes) bytes is over the limit of \(limit)"
        }
    }
}
