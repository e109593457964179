// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import OrderedCollections

/// The groups and committed offsets of a shard at one moment, for whoever counts them on another thread.
///
/// It shares its storage with the shard: taking it costs next to nothing, whatever there is, and while it is kept the
/// shard's next change to a table of groups or offsets copies that table, once.
package struct GroupShardSnapshot: Sendable {
    /// A group as an operator counts it.
    package struct Group: Equatable, Sendable {
        package let groupID: String
        /// As ListGroups names it: `classic` or `consumer`.
        package let protocolName: String
        /// As ListGroups names it: `Empty`, `Stable`, …
        package let stateName: String
        package let memberCount: Int
    }

    /// How far a group has read a partition, by its own word.
    package struct Position: Equatable, Sendable {
        package let topic: String
        package let partition: Int32
        package let offset: Int64
    }

    private let classicGroups: [String: ClassicGroup]
    private let consumerGroups: [String: ConsumerGroup]
    private let offsets: OffsetsState

    init(_ shard: GroupCoordinatorShard) {
        classicGroups = shard.classicGroups
        consumerGroups = shard.consumerGroups
        offsets = shard.offsets
    }

    /// How many offsets are committed.
    package var offsetCount: Int { offsets.count }

    /// All groups, in ascending order of their names.
    package var groups: [Group] {
        let classic = classicGroups.values.map { Self.group($0, memberCount: $0.members.count) }
        let consumer = consumerGroups.values.map { Self.group($0, memberCount: $0.members.count) }
        return (classic + consumer).sorted { $0.groupID < $1.groupID }
    }

    private static func group(_ group: some CoordinatedGroup, memberCount: Int) -> Group {
        Group(
            groupID: group.groupID, protocolName: type(of: group).typeName, stateName: group.stateName,
            memberCount: memberCount)
    }

    /// The names of the groups that have committed offsets, ascending.
    package var groupsWithOffsets: [String] { offsets.committed.keys.sorted() }

    /// What a group has committed, in ascending order of topics and partitions.
    package func positions(ofGroup groupID: String) -> [Position] {
        (offsets.committed[groupID] ?? [:]).sorted { $0.key < $1.key }.flatMap { topic, partitions in
            partitions.sorted { $0.key < $1.key }.map {
                Position(topic: topic, partition: $0.key, offset: $0.value.offset)
            }
        }
    }
}

extension GroupCoordinatorShard {
    package var snapshot: GroupShardSnapshot { GroupShardSnapshot(self) }
}
