// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

extension GroupCoordinatorShard {
    /// Takes a record of the partition into the state.
    ///
    /// - Parameters:
    ///   - offset: where it stands in the log.
    ///   - producerID: of the transaction that it belongs to; nil outside of one.
    package mutating func replay(
        _ record: GroupCoordinatorRecord, offset: Int64, producerID: Int64? = nil
    ) {
        switch record {
        case .legacyOffsetCommit(let key, let value):
            replayOffset(
                group: key.group, topic: key.topic, partition: key.partition,
                value.map { CommittedOffset($0, recordOffset: offset) }, producerID: nil)
        case .offsetCommit(let key, let value):
            replayOffset(
                group: key.group, topic: key.topic, partition: key.partition,
                value.map { CommittedOffset($0, recordOffset: offset) }, producerID: producerID)
        case .groupMetadata(let key, let value): replayClassicGroup(key.group, value)
        case .consumerGroupMetadata, .consumerGroupPartitionMetadata, .consumerGroupMember,
            .consumerGroupTarget,
            .consumerGroupTargetMember, .consumerGroupCurrentMember, .consumerGroupRegularExpression:
            replayConsumerRecord(record)
        }
    }

    /// Takes the end of a transaction into the state: its offsets become committed, or are forgotten.
    package mutating func replayTransactionEnd(producerID: Int64, _ end: TransactionEnd) {
        offsets.replayEnd(producerID: producerID, end)
    }

    private mutating func replayOffset(
        group groupID: String, topic: String, partition: Int32, _ offset: CommittedOffset?,
        producerID: Int64?
    ) {
        guard let offset else {
            return offsets.replayDeletion(groupID: groupID, topic: topic, partition: partition)
        }
        // Who only stores offsets has no group; an empty one holds them.
        if group(groupID) == nil { classicGroups[groupID] = ClassicGroup(groupID: groupID) }
        if let producerID {
            offsets.replayPending(
                producerID: producerID, groupID: groupID, topic: topic, partition: partition, offset)
        } else {
            offsets.replay(groupID: groupID, topic: topic, partition: partition, offset)
        }
    }

    private mutating func replayClassicGroup(_ groupID: String, _ value: GroupMetadataValue?) {
        guard let value else {
            classicGroups[groupID] = nil
            return
        }
        // Made from the group in memory, which knows more than the record.
        if isLoaded, classicGroups[groupID] != nil { return }
        classicGroups[groupID] = ClassicGroup(groupID: groupID, value)
    }
}
