// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

/// The groups and committed offsets of one partition of `__consumer_offsets`: what its leader decides about them.
///
/// A pure state machine: requests, timers and changes go in, `GroupOutcome`s come out (there it stands what the owner
/// does with one). It has no clock, no queue and no file; its owner calls it from one queue.
///
/// Life: `init`, `replay` of every record of the partition, `loaded`, then requests, and `unload` when the broker no
/// longer leads the partition. A shard is thrown away then; the next leader replays the same records.
///
/// State is what the records say, with one exception: of a classic group only the members and assignments of its last
/// assigned generation are stored, while rebalances, parked requests and sessions live in memory. So while the shard is
/// loaded, the record of a classic group that it has in memory changes nothing when it is replayed.
package struct GroupCoordinatorShard: Sendable {
    /// May be changed at any time; running timers keep their length.
    package var configuration: GroupCoordinatorConfiguration
    /// By name. A name is in at most one of the maps of groups.
    package internal(set) var classicGroups: [String: ClassicGroup] = [:]
    package internal(set) var consumerGroups: [String: ConsumerGroup] = [:]
    package internal(set) var offsets = OffsetsState()
    /// The topics as they are now, for timers, which bring none; also what the last request brought.
    package var lastMetadata: (any GroupMetadataView)?
    /// Whether all records of the partition have been replayed, so that requests may be decided.
    package private(set) var isLoaded = false

    package init(configuration: GroupCoordinatorConfiguration) {
        self.configuration = configuration
    }

    /// The group of a name, of whichever kind.
    package func group(_ groupID: String) -> (any CoordinatedGroup)? {
        classicGroups[groupID] ?? consumerGroups[groupID]
    }

    /// All groups in ascending order of their names.
    package var groupIDs: [String] { (Array(classicGroups.keys) + consumerGroups.keys).sortedWithoutRepetitions() }

    /// The partition has been read to its end: sessions begin.
    package mutating func loaded(now: Int64) -> GroupOutcome<Void> {
        precondition(!isLoaded, "a shard is loaded once")
        isLoaded = true
        var step = GroupStep(now: now, configuration: configuration)
        for groupID in groupIDs {
            classicGroups[groupID]?.loaded(&step)
            if let group = consumerGroups[groupID] { step.effects += group.sessionTimers(configuration.consumer) }
        }
        return GroupOutcome(.now(()), step)
    }

    /// The broker no longer leads the partition: every parked request is answered, and the shard is of no more use.
    package mutating func unload() -> [GroupEffect] {
        var step = GroupStep(now: 0, configuration: configuration)
        for groupID in groupIDs { classicGroups[groupID]?.answerAll(.notCoordinator, &step) }
        isLoaded = false
        classicGroups = [:]
        consumerGroups = [:]
        offsets = OffsetsState()
        return step.effects.filter {
            switch $0 {
            case .completeJoin, .completeSync: true
            case .setTimer, .cancelTimer: false
            }
        }
    }
}
