// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

/// What the end of topics means to committed offsets.
extension GroupCoordinatorShard {
    /// Deletes the offsets that groups have committed for topics which are no more, also of groups with members.
    package mutating func topicsDeleted(_ topics: [String], now: Int64) -> GroupOutcome<Void> {
        var step = GroupStep(now: now, configuration: configuration)
        for groupID in offsets.groupIDs.sorted() {
            for topic in topics {
                for partition in offsets.partitions(ofGroup: groupID, topic: topic) {
                    let key = OffsetCommitKey(group: groupID, topic: topic, partition: partition)
                    step.records.append(.offsetCommit(key, nil))
                }
            }
        }
        var outcome = GroupOutcome(.now(()), step)
        outcome.isAtomic = false
        return outcome
    }
}
