// SPDX-License-Identifier: Apache-2.0
import KafkaBase

/// Takes a member one step nearer to its target assignment.
///
/// ```
///                       shall give something up
///        ┌────────▶ UNREVOKED_PARTITIONS ───────┐ says that it has
///        │                                      ▼
///     STABLE ◀───────────────────────────── next step ◀──┐ somebody gave up what it waits for,
///        │     has all that it shall have       │        │ or the target changed
///        └──────────────────────────────────────▶ UNRELEASED_PARTITIONS
/// ```
/// A member keeps its epoch until it has given up everything that it shall not have; with the new epoch it gets what is
/// free of what it shall have.
struct Reconciler {
    let targetEpoch: Int32
    let target: TopicPartitionSet
    /// What the member says it owns; nil where it did not say.
    let reported: TopicPartitionSet?
    /// Whether somebody else still owns the partition.
    let isTaken: (KafkaUUID, Int32) -> Bool

    /// - Throws: FENCED_MEMBER_EPOCH for a member whose state this broker does not know and that still owns something.
    func reconcile(_ member: ConsumerMember) throws(GroupRefusal) -> ConsumerMember {
        switch member.state {
        case .stable:
            return member.memberEpoch == targetEpoch ? member : next(member, epoch: member.memberEpoch)
        case .unrevokedPartitions:
            if owns(member.pendingRevocation) { return member }
            return next(member, epoch: ConsumerGroup.epoch(after: member.memberEpoch))
        case .unreleasedPartitions:
            return next(member, epoch: member.memberEpoch)
        case .unknown:
            guard let reported, reported.isEmpty else {
                throw GroupRefusal(
                    .fencedMemberEpoch,
                    "The member's state is not known; it must give up all partitions and join again.")
            }
            return next(member, epoch: targetEpoch)
        }
    }

    /// Whether the member may still be using one of the partitions. One that does not say may.
    private func owns(_ partitions: TopicPartitionSet) -> Bool {
        reported.map { !$0.isDisjoint(with: partitions) } ?? true
    }

    /// - Parameter epoch: what the member stays at if it has to give something up.
    private func next(_ member: ConsumerMember, epoch: Int32) -> ConsumerMember {
        let kept = member.assigned.intersection(target)
        let surplus = member.assigned.subtracting(target)
        let missing = target.subtracting(kept)
        let free = missing.filter { !isTaken($0, $1) }

        var next = member
        next.previousMemberEpoch = member.memberEpoch
        if !surplus.isEmpty, owns(surplus) {
            next.state = .unrevokedPartitions
            next.memberEpoch = epoch
            next.assigned = kept
            next.pendingRevocation = surplus
        } else {
            next.state = free.count == missing.count ? .stable : .unreleasedPartitions
            next.memberEpoch = targetEpoch
            next.assigned = kept.union(free)
            next.pendingRevocation = TopicPartitionSet()
        }
        let known = member.assignmentEpochs
        next.assignmentEpochs = PartitionEpochs(next.assigned.union(next.pendingRevocation)) { topic, partition in
            // What it gave up and gets again is its own from now on.
            guard member.assigned.contains(topic, partition) else { return targetEpoch }
            return known.epoch(of: topic, partition) ?? max(member.memberEpoch, 0)
        }
        return next
    }
}
