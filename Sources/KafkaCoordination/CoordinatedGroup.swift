// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// What committed offsets and the administration of groups need to know of a group, whichever protocol its members speak.
package protocol CoordinatedGroup: Sendable {
    /// `classic` or `consumer`, as ListGroups names it.
    static var typeName: String { get }
    var groupID: String { get }
    /// As ListGroups names it: `Empty`, `Stable`, …
    var stateName: String { get }
    /// Empty where no member has joined yet.
    var listedProtocolType: String { get }
    /// Whether it has no members, which is when it may be deleted.
    var isEmpty: Bool { get }

    /// What the caller may commit offsets of.
    func permission(to committer: OffsetCommitter) -> CommitPermission
    /// Whether the caller may read offsets; nil means yes. `memberID` is nil and `memberEpoch` -1 where it did not say.
    func refusalOfFetch(memberID: String?, memberEpoch: Int32) -> ErrorCode?
    /// Whether offsets of the group may be deleted at all; nil means yes.
    var refusalOfOffsetDeletion: ErrorCode? { get }
    /// Whether members want the topic: then its offsets are neither deleted nor expire.
    func isSubscribed(to topic: String) -> Bool
    /// Since when offsets that nobody is subscribed to age.
    var offsetExpiry: OffsetExpiry { get }
    /// The records that delete the group, without its offsets.
    var tombstones: [GroupCoordinatorRecord] { get }
}

/// Who commits offsets.
package struct OffsetCommitter: Sendable {
    package var memberID: String
    package var instanceID: String?
    /// -1 where the committer is not a member.
    package var generationOrEpoch: Int32
    package var isTransactional = false
    /// Of OffsetCommit or TxnOffsetCommit.
    package var apiVersion: Int16
}

/// Whether somebody may commit offsets.
package enum CommitPermission: Equatable, Sendable {
    case granted
    case refused(ErrorCode)
    /// For a member that names an epoch of its past: if it owned all the partitions by then, and owns them still
    /// (KIP-1251). Otherwise the request as a whole is refused with the error.
    case limited(to: PartitionEpochs, since: Int32, otherwise: ErrorCode)
}

/// From when on an offset counts as unused.
package enum OffsetExpiry: Sendable, Equatable {
    /// It is in use.
    case never
    /// Its own commit.
    case sinceCommit
    /// Milliseconds since 1970.
    case since(Int64)
}
