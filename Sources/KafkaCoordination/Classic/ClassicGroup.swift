// SPDX-License-Identifier: Apache-2.0

package import OrderedCollections

/// A group of the classic protocol: members join, one of them assigns, all fetch their share.
///
/// ```
///        first member joins            all have rejoined, or time is up         the leader's assignments are stored
/// Empty ───────────────────▶ PreparingRebalance ──────────▶ CompletingRebalance ──────────▶ Stable
///   ▲                          │   ▲                                 │                        │
///   └── nobody is left ────────┘   └─ a member joins, leaves or is lost ─────────────────────┘
/// ```
/// Each passage from PreparingRebalance starts a new *generation*. Members, generation and assignments are stored as one
/// record when the leader has assigned; who is waiting for what is not stored: after a crash members send their requests
/// again.
///
/// A group without protocol type never had members: it only holds offsets ("simple").
package struct ClassicGroup: Sendable {
    package enum State: String, CaseIterable, Sendable {
        case empty = "Empty"
        case preparingRebalance = "PreparingRebalance"
        case completingRebalance = "CompletingRebalance"
        case stable = "Stable"
    }

    package let groupID: String
    package internal(set) var state = State.empty
    /// When `state` came about, milliseconds since 1970; nil in records of old brokers.
    package internal(set) var stateTimestamp: Int64?
    package internal(set) var generation: Int32 = 0
    /// What the members are, `consumer` for consumers.
    package internal(set) var protocolType: String?
    /// The members' common assignment protocol in this generation.
    package internal(set) var protocolName: String?
    package internal(set) var leaderID: String?
    /// In order of their joining.
    package internal(set) var members: OrderedDictionary<String, ClassicMember> = [:]
    /// Member ids of static members by their instance id.
    package internal(set) var staticMembers: [String: String] = [:]
    /// Ids that were handed out, with which nobody has joined yet; the oldest first.
    package internal(set) var pendingMembers: OrderedSet<String> = []
    /// The topics of a consumer group's members; nil where they are not known.
    package internal(set) var subscribedTopics: Set<String>?

    /// Members of this generation that have not asked for their assignment.
    var pendingSync: Set<String> = []
    /// How many members wait in JoinGroup.
    var awaitingJoinCount = 0
    /// How many members offer a protocol.
    var offerCounts: [String: Int] = [:]
    /// Whether the record that it was made from says that its members must rejoin.
    var isRebalanceDue = false
    /// Set while PreparingRebalance is the first rebalance after Empty, which waits for its timer.
    var initialDelay: InitialDelay?

    /// The delay before the first generation goes on while members come in.
    struct InitialDelay {
        /// The current wait, milliseconds.
        var delay: Int64
        /// What is left of the rebalance timeout after it.
        var remaining: Int64
        var hasNewMember = false
    }

    package init(groupID: String) { self.groupID = groupID }

    static let consumerProtocolType = "consumer"
}
