// SPDX-License-Identifier: Apache-2.0

/// The settings of the group coordinator, each by its Kafka key. Times are milliseconds.
package struct GroupCoordinatorConfiguration: Sendable, Equatable {
    /// `group.min.session.timeout.ms`
    package var minSessionTimeoutMilliseconds: Int32 = 6_000
    /// `group.max.session.timeout.ms`
    package var maxSessionTimeoutMilliseconds: Int32 = 1_800_000
    /// `group.initial.rebalance.delay.ms`
    package var initialRebalanceDelayMilliseconds: Int32 = 3_000
    /// `group.max.size`: members of a classic group.
    package var groupMaxSize: Int32 = .max
    /// `offset.metadata.max.bytes`, which Kafka counts in UTF-16 units.
    package var offsetMetadataMaxBytes: Int32 = 4_096
    /// `offsets.retention.minutes`, as milliseconds.
    package var offsetsRetentionMilliseconds: Int64 = 7 * 24 * 3_600_000
    package var consumer = ConsumerGroupConfiguration()

    /// How long a member that has not rejoined yet may take for its first JoinGroup to be answered, in Kafka a constant.
    package static let newMemberJoinTimeoutMilliseconds: Int64 = 300_000
    /// How many ids handed out to members that did not come back with them a group remembers.
    package static let pendingMembersMax = 10_000

    package init() {}
}
